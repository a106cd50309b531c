#include "tests/model/run_models.hpp"
#include "tests/model/scenario_sleeping.hpp"
#include "tests/model/scenario_token.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("token", "engine/concurrent/token.hpp",
                {full_search<TokenExclusion<2, 2>>("exclusion", 44'000),
                 full_search<TokenWanted<1, 2>>("wanted_once", 190),
                 random_search<TokenExclusion<3, 2>>("exclusion_of_three"),
                 random_search<TokenWanted<2, 2>>("wanted"),
                 random_search<Sleeping<SleepingShape>>("sleeping")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

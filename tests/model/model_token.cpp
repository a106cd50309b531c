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
                 full_search<TokenShowsLastHold>("shows_last_hold", 1'828'000),
                 bound_search<TokenExclusion<3, 2>>("exclusion_bounded", 63'000),
                 random_search<TokenExclusion<3, 2>>("exclusion_of_three", 800'000),
                 random_search<TokenWanted<2, 2>>("wanted", 800'000),
                 random_search<Sleeping<SleepingShape>>("sleeping", 400'000)})
      .at_least(2'000'000)
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

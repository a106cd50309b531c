#include "tests/model/run_models.hpp"
#include "tests/model/scenario_credits.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("credits", "engine/concurrent/credits.hpp",
                {full_search<CreditsSleep<2, 1>>("two", 290'000),
                 random_search<CreditsSleep<3, 1>>("three"),
                 random_search<CreditsSleep<3, 2, 2>>("three_of_two")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

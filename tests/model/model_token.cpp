#include "tests/model/run_models.hpp"
#include "tests/model/scenario_sleeping.hpp"
#include "tests/model/scenario_token.hpp"

int main(int argc, char** argv) {
  using namespace laneway::engine;
  using model::kSimulate;
  using model::Search;
  return model::Runner("token", "engine/concurrent/token.hpp",
                       {{"exclusion", kSimulate<TokenExclusion<2, 2>>, Search::full, 0, 40'000},
                        {"exclusion_of_three", kSimulate<TokenExclusion<3, 2>>},
                        {"wanted", kSimulate<TokenWanted<2, 2>>},
                        {"sleeping", kSimulate<Sleeping<SleepingShape>>}})
      .main(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_lease_word.hpp"

int main(int argc, char** argv) {
  using namespace laneway::engine;
  using model::kSimulate;
  using model::Search;
  return model::Runner("lease_word", "engine/concurrent/lease_word.hpp",
                       {{"extend", kSimulate<LeaseExtend>, Search::full, 0, 1},
                        {"settle_race", kSimulate<LeaseSettleRace<1, 1>>, Search::full, 0, 1},
                        {"settle_race_again", kSimulate<LeaseSettleRace<3, 2>>},
                        {"hand_over", kSimulate<LeaseHandOver>}})
      .main(argc, argv);
}

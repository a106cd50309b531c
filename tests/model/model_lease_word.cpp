#include "tests/model/run_models.hpp"
#include "tests/model/scenario_lease_word.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("lease_word", "engine/concurrent/lease_word.hpp",
                {full_search<LeaseExtend>("extend", 310),
                 full_search<LeaseSettleRace<1, 1>>("settle_race", 5'200),
                 random_search<LeaseSettleRace<3, 2>>("settle_race_again"),
                 random_search<LeaseHandOver>("hand_over")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

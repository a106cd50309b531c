#include "tests/model/scenario_lease_word.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("lease_word", argc, argv);
  runner.play<LeaseSettleRace<1, 200>>("settle_race");
  runner.play<LeaseSettleRace<3, 200>>("settle_race");
  runner.play<LeaseSettleRace<7, 200>>("settle_race");
  runner.play<LeaseHandOver>("hand_over");
  runner.play<LeaseExtend>("extend");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

#include "tests/model/scenario_confirm_slot.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("confirm_slot", argc, argv);
  runner.play<ConfirmRounds<200, true, false>>("two_steps");
  runner.play<ConfirmRounds<200, true, true>>("gives_up_between");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

#include "tests/model/scenario_slot_reuse.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("slot_reuse", argc, argv);
  runner.play<SlotReuse<ReuseShape>>("two_workers");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

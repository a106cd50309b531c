#include "tests/model/scenario_handoff_ring.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

template <unsigned kHalf, bool kSleeping>
struct Shape : HandoffShape {
  static constexpr unsigned kProducers = kHalf;
  static constexpr unsigned kConsumers = kHalf;
  static constexpr std::uint64_t kEntries = 1000;
  static constexpr std::uint32_t kBatch = 5;
  static constexpr std::uint64_t kSlots = 16;
  static constexpr bool kSleep = kSleeping;
};

int run_stress(int argc, char** argv) {
  stress::Runner runner("handoff_ring", argc, argv);
  runner.play<HandoffPass<Shape<1, false>>>("pass");
  runner.play<HandoffPass<Shape<2, false>>>("pass");
  runner.play<HandoffPass<Shape<4, false>>>("pass");
  runner.play<HandoffPass<Shape<1, true>>>("sleep");
  runner.play<HandoffPass<Shape<2, true>>>("sleep");
  runner.play<HandoffPass<Shape<4, true>>>("sleep");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

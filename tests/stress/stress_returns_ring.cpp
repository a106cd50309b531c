#include "tests/model/scenario_returns_ring.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

template <unsigned kSettlerCount, bool kSleeping>
struct Shape : ReturnsShape {
  static constexpr unsigned kSettlers = kSettlerCount;
  static constexpr std::uint64_t kEntries = 1000;
  static constexpr std::uint32_t kBatch = 5;
  static constexpr std::uint64_t kCells = 16;
  static constexpr bool kSleep = kSleeping;
};

int run_stress(int argc, char** argv) {
  stress::Runner runner("returns_ring", argc, argv);
  runner.play<ReturnsDrain<Shape<1, false>>>("drain");
  runner.play<ReturnsDrain<Shape<3, false>>>("drain");
  runner.play<ReturnsDrain<Shape<7, false>>>("drain");
  runner.play<ReturnsDrain<Shape<1, true>>>("sleep");
  runner.play<ReturnsDrain<Shape<3, true>>>("sleep");
  runner.play<ReturnsDrain<Shape<7, true>>>("sleep");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

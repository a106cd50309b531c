#include "tests/model/scenario_inbox_ring.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

template <unsigned kProducerCount, unsigned kHolderCount>
struct Shape : InboxShape {
  static constexpr unsigned kProducers = kProducerCount;
  static constexpr unsigned kHolders = kHolderCount;
  static constexpr std::uint64_t kEntries = 1000;
  static constexpr std::uint32_t kBatch = 5;
  static constexpr std::uint64_t kSlots = 16;
  static constexpr std::uint64_t kFirst = 0xffff'ff00;  // positions pass 2^32
};

int run_stress(int argc, char** argv) {
  stress::Runner runner("inbox_ring", argc, argv);
  runner.play<InboxDrain<Shape<1, 1>>>("drain");
  runner.play<InboxDrain<Shape<3, 1>>>("drain");
  runner.play<InboxDrain<Shape<6, 2>>>("drain");
  runner.play<InboxSleep<1, 200, 256>>("sleep");
  runner.play<InboxSleep<3, 200, 1024>>("sleep");
  runner.play<InboxSleep<7, 100, 1024>>("sleep");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

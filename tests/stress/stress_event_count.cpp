#include "tests/model/scenario_event_count.hpp"
#include "tests/model/scenario_sleeping.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

template <unsigned kHalf>
struct Shard : SleepingShape {
  static constexpr unsigned kProducers = kHalf;
  static constexpr unsigned kConsumers = kHalf;
  static constexpr std::uint64_t kEntries = 200;
  static constexpr std::uint64_t kSlots = 16;
};

int run_stress(int argc, char** argv) {
  stress::Runner runner("event_count", argc, argv);
  runner.play<EventItems<1, 0, 200>>("items");
  runner.play<EventItems<2, 1, 200>>("items");
  runner.play<EventItems<5, 2, 200>>("items");
  runner.play<EventFlag<1>>("flag");
  runner.play<EventFlag<3>>("flag");
  runner.play<EventFlag<7>>("flag");
  runner.play<Sleeping<Shard<1>>>("shard");
  runner.play<Sleeping<Shard<2>>>("shard");
  runner.play<Sleeping<Shard<4>>>("shard");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

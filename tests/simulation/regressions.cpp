#include "tests/simulation/regressions.hpp"

#include <laneway/engine.hpp>

#include "tests/simulation/scheduler.hpp"

#include <string>
#include <vector>

namespace laneway::simulation {

namespace {

using std::chrono::milliseconds;

// Whoever waits for room asks the shard, and every hold that ends wakes all who wait for room.
void blocked_publishers_wake_each_other(std::uint64_t seed) {
  constexpr std::uint64_t kSwitchesMax = 2'000;
  Scheduler scheduler(seed);
  scheduler.run([&] {
    Engine engine = *Engine::open();
    Queue queue = *engine.queue("full", {.capacity = 1,
                                         .shards = 1,
                                         .overflow = Overflow::block,
                                         .block_max = milliseconds(20),
                                         .dedup_window = milliseconds(1'000)});
    const auto publish = [&queue](const char* id) {
      return queue.publish({.payload = id, .dedup_id = id}).has_value();
    };
    bool taken = publish("first");
    std::vector<std::uint32_t> publishers;
    for (const char* id : {"second", "third", "fourth"}) {
      publishers.push_back(
          scheduler.start(id, [&publish, &taken, id] { taken = taken && !publish(id); }));
    }
    for (const std::uint32_t publisher : publishers) {
      scheduler.join(publisher);
    }
    if (!taken || scheduler.switches() > kSwitchesMax) {
      scheduler.fail("blocked publishers wake each other: " + std::to_string(scheduler.switches()) +
                     " switches");
    }
  });
}

}  // namespace

std::uint64_t run_regressions() {
  constexpr std::uint64_t kSchedules = 50;
  for (std::uint64_t seed = 1; seed <= kSchedules; ++seed) {
    blocked_publishers_wake_each_other(seed);
  }
  return 1;
}

}  // namespace laneway::simulation

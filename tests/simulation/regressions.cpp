#include "tests/simulation/regressions.hpp"

#include <laneway/engine.hpp>
#include <laneway/observer.hpp>

#include "tests/simulation/disk.hpp"
#include "tests/simulation/scheduler.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::simulation {

namespace {

using std::chrono::milliseconds;

class SilentObserver final : public EngineObserver {
 public:
  void log(std::string_view) noexcept override {}
};

const QueueOptions kAsync{.shards = 1, .payload_bytes_max = 256, .durability = Durability::async};

EngineOptions journaled() {
  EngineOptions options;
  options.journal = {.directory = "simulated", .segment_bytes = 64 * 1024};
  options.observer = std::make_shared<SilentObserver>();
  return options;
}

// A scene of engines that share a disk.
template <class Scene>
void play(std::uint64_t seed, Scene scene) {
  Tallies tallies;
  Scheduler scheduler(seed);
  scheduler.run([&] {
    Disk disk(seed, tallies);
    scene(scheduler, disk);
  });
}

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

// A shard without a single durable record began at its first position again.
void lost_messages_keep_their_ids(std::uint64_t seed) {
  constexpr int kLives = 3;
  play(seed, [](Scheduler& scheduler, Disk& disk) {
    std::set<std::uint64_t> ids;
    for (int life = 0; life < kLives; ++life) {
      Engine engine = *Engine::open(journaled());
      Queue queue = *engine.queue("ids", kAsync);
      if (!ids.insert(queue.publish({.payload = "lost"})->value).second) {
        scheduler.fail("an id is given twice");
      }
      disk.cut_after(0);
      engine.close();
      disk.come_back(true);
    }
  });
}

// What was published just before stayed in the ring when no segment was prepared any more.
void what_is_in_memory_is_delivered_when_the_journal_has_failed(std::uint64_t seed) {
  constexpr std::size_t kMessages = 40;
  play(seed, [seed](Scheduler& scheduler, Disk& disk) {
    Engine engine = *Engine::open(journaled());
    Queue queue = *engine.queue("work", kAsync);
    disk.break_after(seed, DiskFault::dead);
    std::size_t published = 0;
    for (std::size_t i = 0; i < kMessages; ++i) {
      published += queue.publish({.payload = "work"}) ? 1 : 0;
      scheduler.nap(milliseconds(1));
    }
    Consumer consumer = *queue.consumer();
    for (std::size_t received = 0; received < published;) {
      LeaseBatch batch = *consumer.receive({.max = 64, .wait = milliseconds(1'000)});
      received += batch.ack();
      if (batch.empty()) {
        scheduler.fail("a failed journal keeps what was published before");
      }
    }
  });
}

// Each life began a segment. With four of them the next one found no room, or had no reason to
// write down the few bytes that would have made some.
void a_small_journal_goes_on_after_many_restarts(std::uint64_t seed) {
  constexpr int kLives = 9;
  play(seed, [](Scheduler& scheduler, Disk& disk) {
    EngineOptions options = journaled();
    options.journal.bytes_max = 4 * options.journal.segment_bytes;
    for (int life = 0; life < kLives; ++life) {
      auto engine = Engine::open(options);
      if (!engine) {
        scheduler.fail("a small journal does not open: " + to_string(engine.error()));
      }
      Queue queue = *engine->queue("work", kAsync);
      for (int tries = 0; !queue.publish({.payload = "w", .durability = Durability::sync});) {
        scheduler.nap(milliseconds(100));
        if (++tries == 100) {
          scheduler.fail("a small journal stays full");
        }
      }
      disk.cut_after(0);
      engine->close();
      disk.come_back(true);
    }
  });
}

}  // namespace

std::uint64_t run_regressions() {
  constexpr std::uint64_t kSchedules = 50;
  for (std::uint64_t seed = 1; seed <= kSchedules; ++seed) {
    blocked_publishers_wake_each_other(seed);
    lost_messages_keep_their_ids(seed);
    what_is_in_memory_is_delivered_when_the_journal_has_failed(seed);
    a_small_journal_goes_on_after_many_restarts(seed);
  }
  return 4;
}

}  // namespace laneway::simulation

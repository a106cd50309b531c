// laneway_counts: makes each call often, under `valgrind --tool=callgrind --collect-atstart=no`,
// and has callgrind write down what it counted after each. bench/report/counts.py runs it.
//
// One thread, a clock moved by hand, keys in a fixed order: the same instructions every time.
#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include "engine/time/timer_wheel.hpp"

#include <valgrind/callgrind.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace laneway;

constexpr std::uint32_t kCalls = 2'048;
constexpr std::uint32_t kKeys = 512;
constexpr std::uint32_t kBatch = 32;

class HandMovedClock final : public Clock {
 public:
  std::chrono::nanoseconds now() const noexcept override { return now_; }
  void step() { now_ += std::chrono::microseconds(1); }

 private:
  std::chrono::nanoseconds now_{0};
};

template <class T>
T value_of(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", to_string(result.error()).c_str());
    std::exit(1);
  }
  return *std::move(result);
}

// Only what stands in `body` is counted; everything that is counted goes into one dump.
template <class Body>
void counted(Body body) {
  CALLGRIND_TOGGLE_COLLECT;
  body();
  CALLGRIND_TOGGLE_COLLECT;
}

void report(const std::string& name, std::uint32_t calls) {
  CALLGRIND_DUMP_STATS_AT(name.c_str());
  std::printf("%s %u\n", name.c_str(), calls);
}

class Calls {
 public:
  Calls(std::string prefix, const QueueOptions& options)
      : prefix_(std::move(prefix)),
        keyed_(options.kind == QueueKind::by_key),
        ruled_(options.priorities),
        clock_(std::make_shared<HandMovedClock>()),
        engine_(value_of(Engine::open({.driver = DriverMode::manual, .clock = clock_}))),
        queue_(value_of(engine_.queue("counts", options))),
        consumer_(value_of(queue_.consumer())) {
    for (std::uint32_t i = 0; i < kKeys; ++i) {
      keys_.push_back("key-" + std::to_string(100 + i));
    }
    payload_.fill('p');
  }

  // One by one, each verb apart; then whole cycles, where a receive also takes up earlier acks. The
  // first lap touches the memory and is not reported.
  void run() {
    cycles(kCalls, 1);
    CALLGRIND_ZERO_STATS;
    publish();
    receive_and_ack();
    cycles(kCalls, 1);
    report(prefix_ + "cycle", kCalls);
    cycles(kCalls / kBatch, kBatch);
    report(prefix_ + "cycle_in_batches", kCalls);
  }

 private:
  Message next_message() {
    clock_->step();
    const std::string& key = keys_[next_key_++ % kKeys];
    Message message{.key = keyed_ ? std::string_view(key) : std::string_view(),
                    .payload = Bytes(payload_.data(), payload_.size())};
    if (ruled_) {
      std::uint64_t& id = dedup_ids_[next_key_ % kKeys];
      id = next_key_;
      message.dedup_id = {reinterpret_cast<const char*>(&id), sizeof id};
      message.priority = static_cast<std::int32_t>(next_key_ % 3);
    }
    return message;
  }

  void publish() {
    for (std::uint32_t i = 0; i < kKeys; ++i) {
      const Message message = next_message();
      counted([&] { (void)value_of(queue_.publish(message)); });
    }
    report(prefix_ + "publish", kKeys);
  }

  void receive_and_ack() {
    std::vector<LeaseBatch> kept(kKeys);
    for (LeaseBatch& leases : kept) {
      Result<LeaseBatch> granted = Error{Errc::closed};
      counted([&] { granted = consumer_.receive(); });
      leases = value_of(std::move(granted));
    }
    report(prefix_ + "receive", kKeys);
    for (LeaseBatch& leases : kept) {
      counted([&] { (void)leases[0].ack(); });
    }
    report(prefix_ + "ack", kKeys);
  }

  void cycles(std::uint32_t count, std::uint32_t batch) {
    std::array<Message, kBatch> messages;
    for (std::uint32_t i = 0; i < count; ++i) {
      for (std::uint32_t j = 0; j < batch; ++j) {
        messages[j] = next_message();
      }
      counted([&] {
        if (batch == 1) {
          (void)value_of(queue_.publish(messages[0]));
        } else {
          (void)value_of(queue_.publish({messages.data(), batch}));
        }
        Result<LeaseBatch> granted = consumer_.receive({.max = batch});
        if (!granted || granted->ack() != batch) {
          std::exit(1);
        }
      });
    }
  }

  std::string prefix_;
  bool keyed_;
  bool ruled_;  // with dedup ids, priorities and a rate
  std::shared_ptr<HandMovedClock> clock_;
  Engine engine_;
  Queue queue_;
  Consumer consumer_;
  std::vector<std::string> keys_;
  std::array<char, 64> payload_{};
  std::array<std::uint64_t, kKeys> dedup_ids_{};
  std::uint32_t next_key_ = 0;
};

// Leases of 30 seconds granted a tick apart; then the clock runs past all of them.
void timers() {
  constexpr std::uint64_t kLeaseTicks = 30'000;
  std::vector<engine::TimerNode> nodes(engine::TimerWheel::nodes_for(kCalls));
  const auto wheel = std::make_unique<engine::TimerWheel>(nodes, 0);
  const auto ignore = [](std::uint32_t, std::uint64_t) {};
  for (std::uint32_t slot = 0; slot < kCalls; ++slot) {
    (void)wheel->advance(slot, 1, ignore);
    counted([&] { wheel->arm(slot, slot + kLeaseTicks); });
  }
  report("timer_arm", kCalls);
  for (std::uint32_t slot = 0; slot < kCalls; slot += 2) {
    counted([&] { (void)wheel->cancel(slot); });
  }
  report("timer_cancel", kCalls / 2);
  counted([&] { (void)wheel->advance(kCalls + kLeaseTicks, 8 * kCalls, ignore); });
  report("timer_fire", kCalls / 2);
}

}  // namespace

int main() {
  std::printf("compiler %s\n", COUNTS_COMPILER);
  QueueOptions options{
      .kind = QueueKind::unordered, .capacity = std::uint64_t{8} * kCalls, .shards = 1};
  Calls("", options).run();
  options.kind = QueueKind::by_key;
  Calls("keyed_", options).run();
  options.priorities = true;
  options.dedup_window = std::chrono::seconds(10);
  options.rate = {.per_second = 1e9, .burst = 1'000};
  Calls("ruled_", options).run();
  timers();
  return 0;
}

// H6: a thread is stopped for 50 ms at each place in which it owes something to others: after it
// has claimed a place in the inbox ring, won a lease word, claimed a place in the returns ring,
// taken the token. Two others publish, receive and settle meanwhile, on the same shard: who waits,
// how long?
#include <laneway/engine.hpp>

#include "bench/harness/cell.hpp"
#include "bench/harness/gate.hpp"
#include "engine/base/stall_point.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace laneway::bench {
namespace {

using engine::StallPoint;
using namespace std::chrono_literals;

constexpr auto kStop = 50ms;
constexpr auto kBefore = 20ms;  // the others are at work by then

thread_local std::optional<StallPoint> stop_at;  // this thread, once
std::atomic<bool> stopped{false};

void stop_here(StallPoint point) {
  if (stop_at == point) {
    stop_at.reset();
    stopped.store(true, std::memory_order_relaxed);
    std::this_thread::sleep_for(kStop);
  }
}

template <class T>
T value_of(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", to_string(result.error()).c_str());
    std::exit(2);
  }
  return *std::move(result);
}

// The longest of several times.
class Longest {
 public:
  template <class Call>
  auto operator()(Call call) {
    const SteadyClock::time_point before = SteadyClock::now();
    auto result = call();
    note(SteadyClock::now() - before);
    return result;
  }
  void note(SteadyClock::duration time) { time_ = std::max(time_, time); }
  double us() const { return std::chrono::duration<double, std::micro>(time_).count(); }

 private:
  SteadyClock::duration time_{0};
};

class Scene {
 public:
  explicit Scene(std::chrono::duration<double> length)
      : engine_(value_of(Engine::open())),
        queue_(value_of(engine_.queue("stalls", {.kind = QueueKind::unordered, .shards = 1}))),
        length_(length) {}

  Measurement run(std::optional<StallPoint> point) {
    {
      std::jthread publisher([&] { publish(); });
      std::jthread consumer([&] { consume(); });
      std::jthread stopping([&] { work_and_stop(point); });
      std::this_thread::sleep_for(length_ + kStop + kBefore);
      over_.store(true, std::memory_order_relaxed);
    }
    Measurement found;
    found.figures = {{"longest_without_delivery_us", deliveries_.us()},
                     {"longest_publish_us", publishes_.us()},
                     {"longest_receive_us", receives_.us()},
                     {"longest_settle_us", settles_.us()},
                     {"longest_refusal_us", refusals_.us()}};
    if (point && !stopped.load(std::memory_order_relaxed)) {
      found.violations = 1;
      found.first_violation = "nobody came to the place to be stopped at";
    }
    return found;
  }

 private:
  bool over() const { return over_.load(std::memory_order_relaxed); }

  // Refused is not waiting: what counts is how long nothing could be published.
  void publish() {
    SteadyClock::time_point taken = SteadyClock::now();
    while (!over()) {
      if (publishes_([&] { return queue_.publish({.payload = "work"}); })) {
        refusals_.note(SteadyClock::now() - taken);
        taken = SteadyClock::now();
      } else {
        std::this_thread::yield();
      }
    }
    refusals_.note(SteadyClock::now() - taken);
  }

  void consume() {
    laneway::Consumer consumer = value_of(queue_.consumer());
    SteadyClock::time_point delivered = SteadyClock::now();
    while (!over()) {
      LeaseBatch leases = receives_([&] { return value_of(consumer.receive({.max = 32})); });
      if (!leases.empty()) {
        deliveries_.note(SteadyClock::now() - delivered);
        delivered = SteadyClock::now();
      }
      for (Lease& lease : leases) {
        (void)settles_([&] { return lease.ack(); });
      }
    }
    deliveries_.note(SteadyClock::now() - delivered);
  }

  void work_and_stop(std::optional<StallPoint> point) {
    laneway::Consumer consumer = value_of(queue_.consumer());
    std::this_thread::sleep_for(kBefore);
    stop_at = point;
    while (!over()) {
      (void)queue_.publish({.payload = "work"});
      for (Lease& lease : value_of(consumer.receive())) {
        (void)lease.ack();
      }
      std::this_thread::yield();
    }
  }

  Engine engine_;
  Queue queue_;
  std::chrono::duration<double> length_;
  std::atomic<bool> over_{false};
  Longest publishes_;
  Longest refusals_;
  Longest receives_;
  Longest settles_;
  Longest deliveries_;
};

struct Stop {
  const char* workload;
  StallPoint point;
};
constexpr std::array<Stop, 4> kStops{
    {{"stopped_in_publish_after_the_claim", StallPoint::publish_claimed},
     {"stopped_in_receive_with_the_token", StallPoint::hold_taken},
     {"stopped_in_settle_before_its_place", StallPoint::settle_decided},
     {"stopped_in_settle_after_its_place", StallPoint::settle_claimed}}};

Cell stall_cell(const char* workload, const char* subject, std::optional<StallPoint> point) {
  Cell cell;
  cell.group = "oversubscribed";
  cell.id = "H6";
  cell.workload = workload;
  cell.subject = subject;
  cell.shape = {2, 2, 32};
  cell.payload = 4;
  cell.guarantees = {"no", "yes", "yes", "yes, timer at 1 ms"};
  cell.headline = {
      "longest_without_delivery_us",
      false,
      {"longest_publish_us", "longest_refusal_us", "longest_receive_us", "longest_settle_us"}};
  cell.run = [point](const RunOptions& options) {
    engine::stall_hook = stop_here;
    return Scene(options.measured).run(point);
  };
  return cell;
}

}  // namespace

Cells all_cells() {
  Cells cells;
  for (const Stop& stop : kStops) {
    cells.push_back(stall_cell(stop.workload, "laneway", stop.point));
  }
  for (const Stop& stop : kStops) {
    cells.push_back(stall_cell(stop.workload, "laneway_nobody_stops", std::nullopt));
    if (stop.point != kStops.front().point) {
      cells.back().profile = Profile::full;  // it is the same run
    }
  }
  return cells;
}

}  // namespace laneway::bench

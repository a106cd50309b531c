// What keeps the deadlines of leases: laneway's wheel, and what a user would take instead. One
// timer for each slot, in milliseconds of a virtual time where the system allows one.
//
// Each has: explicit X(slots); arm(slot, tick), which moves an armed one; cancel(slot);
// advance(tick), which answers how many have fired; and says whether time is its own
// (kVirtualTime).
#pragma once

#include "engine/time/timer_wheel.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

namespace laneway::bench {

class WheelTimers {
 public:
  static constexpr bool kVirtualTime = true;
  // Of one call, as in the engine's holds.
  static constexpr std::uint32_t kBudget = 128;

  explicit WheelTimers(std::uint32_t slots)
      : nodes_(engine::TimerWheel::nodes_for(slots)),
        wheel_(std::make_unique<engine::TimerWheel>(nodes_, 0)) {}

  // As the engine arms leases; a delay, which is armed once, goes the same way.
  void arm(std::uint32_t slot, std::uint64_t tick) { wheel_->arm_lazily(slot, tick); }
  void cancel(std::uint32_t slot) { (void)wheel_->cancel(slot); }
  // One call is bounded; there may be more to do. The answer counts what fired.
  std::uint64_t advance_once(std::uint64_t tick, bool* more) {
    std::uint64_t fired = 0;
    *more = wheel_->advance(tick, kBudget, [&](std::uint32_t, std::uint64_t) { ++fired; }).more;
    return fired;
  }
  std::uint64_t advance(std::uint64_t tick) {
    std::uint64_t fired = 0;
    for (bool more = true; more;) {
      fired += advance_once(tick, &more);
    }
    return fired;
  }

 private:
  std::vector<engine::TimerNode> nodes_;
  std::unique_ptr<engine::TimerWheel> wheel_;
};

// A cancelled timer stays in the heap until its time comes: it has another generation then.
class HeapTimers {
 public:
  static constexpr bool kVirtualTime = true;

  explicit HeapTimers(std::uint32_t slots) : generations_(slots) {}

  void arm(std::uint32_t slot, std::uint64_t tick) {
    heap_.push({tick, slot, ++generations_[slot]});
  }
  void cancel(std::uint32_t slot) { ++generations_[slot]; }
  std::uint64_t advance(std::uint64_t tick) {
    std::uint64_t fired = 0;
    for (; !heap_.empty() && heap_.top().tick <= tick; heap_.pop()) {
      fired += generations_[heap_.top().slot] == heap_.top().generation ? 1 : 0;
    }
    return fired;
  }

 private:
  struct Entry {
    std::uint64_t tick;
    std::uint32_t slot;
    std::uint32_t generation;
    bool operator<(const Entry& other) const { return tick > other.tick; }
  };
  std::priority_queue<Entry> heap_;
  std::vector<std::uint32_t> generations_;
};

class MapTimers {
  using Map = std::multimap<std::uint64_t, std::uint32_t>;

 public:
  static constexpr bool kVirtualTime = true;

  explicit MapTimers(std::uint32_t slots) : places_(slots, map_.end()) {}

  void arm(std::uint32_t slot, std::uint64_t tick) {
    cancel(slot);
    places_[slot] = map_.emplace(tick, slot);
  }
  void cancel(std::uint32_t slot) {
    if (places_[slot] != map_.end()) {
      map_.erase(std::exchange(places_[slot], map_.end()));
    }
  }
  std::uint64_t advance(std::uint64_t tick) {
    std::uint64_t fired = 0;
    for (auto first = map_.begin(); first != map_.end() && first->first <= tick; ++fired) {
      places_[first->second] = map_.end();
      first = map_.erase(first);
    }
    return fired;
  }

 private:
  Map map_;
  std::vector<Map::iterator> places_;
};

// What the driver of the workload costs without any timers.
class NoTimers {
 public:
  static constexpr bool kVirtualTime = true;

  explicit NoTimers(std::uint32_t) {}
  void arm(std::uint32_t slot, std::uint64_t tick) { asm volatile("" : : "r"(slot), "r"(tick)); }
  void cancel(std::uint32_t slot) { asm volatile("" : : "r"(slot)); }
  std::uint64_t advance(std::uint64_t) { return 0; }
};

}  // namespace laneway::bench

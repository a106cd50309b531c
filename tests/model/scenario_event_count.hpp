// Scenarios of EventCount; how it works together with a shard is in scenario_sleeping.hpp.
//
//   a thread sleeps on after the change it waits for             forbidden: a deadlock
//   a thread is woken and does not see the change                forbidden: plain data shows it
//   a thread sleeps while others have taken what it was woken for, and misses the next change
//                                                                forbidden: a deadlock
//   a flag is set and all are notified, and one of them sleeps   forbidden: a deadlock
//   a thread is woken by another one's change                    allowed: it looks again
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/event_count.hpp"
#include "tests/model/give_way.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace laneway::engine {

inline constexpr std::chrono::hours kTestPatience{1};

// One change, plain data; one sleeper that reads it once it is woken.
class EventChange {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = 1;

  void run(unsigned thread) {
    if (thread == 0) {
      change_.set(1);
      changes_.fetch_add(1, std::memory_order_seq_cst);
      event_.notify_one();
      return;
    }
    const EventCount::Key key = event_.prepare();
    if (changes_.load(std::memory_order_seq_cst) != 0) {
      event_.cancel();
    } else {
      event_.wait(key, kTestPatience);
    }
    LANEWAY_CHECK(change_.get() == 1);
  }

  void after() {}

 private:
  atomic<std::uint64_t> changes_{0};
  handoff<std::uint64_t> change_;
  EventCount event_;
};

// Items are made one by one, each with a notify. Sleepers want kEach and then leave; passers-by
// take at most kEach and never sleep. There are enough items for all.
template <unsigned kSleepers, unsigned kPassersBy, std::uint64_t kEach = 1>
class EventItems {
 public:
  static constexpr unsigned kThreads = 1 + kSleepers + kPassersBy;
  static constexpr std::uint64_t kOperations = (kSleepers + kPassersBy) * kEach;

  void run(unsigned thread) {
    if (thread == 0) {
      for (std::uint64_t i = 0; i < kOperations; ++i) {
        made_.fetch_add(1, std::memory_order_seq_cst);
        event_.notify_one();
      }
      return;
    }
    for (std::uint64_t i = 0; i < kEach; ++i) {
      if (thread <= kSleepers) {
        sleep_until_taken();
      } else {
        (void)take();
      }
    }
  }

  void after() {
    LANEWAY_CHECK(taken_.load(std::memory_order_relaxed) >= kSleepers * kEach);
    LANEWAY_CHECK(taken_.load(std::memory_order_relaxed) <= kOperations);
    LANEWAY_CHECK(!event_.anybody_waits());
  }

 private:
  bool take() {
    std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    while (taken < made_.load(std::memory_order_seq_cst)) {
      if (taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  void sleep_until_taken() {
    while (!take()) {
      const EventCount::Key key = event_.prepare();
      if (made_.load(std::memory_order_seq_cst) != taken_.load(std::memory_order_relaxed)) {
        event_.cancel();
        give_way();
      } else {
        event_.wait(key, kTestPatience);
      }
    }
  }

  atomic<std::uint64_t> made_{0};
  atomic<std::uint64_t> taken_{0};
  EventCount event_;
};

// A flag is set once, and everybody notified, as by close().
template <unsigned kSleepers>
class EventFlag {
 public:
  static constexpr unsigned kThreads = 1 + kSleepers;
  static constexpr std::uint64_t kOperations = kSleepers;

  void run(unsigned thread) {
    if (thread == 0) {
      flag_.set(true);
      event_.notify_all();
      return;
    }
    while (!flag_.read()) {
      const EventCount::Key key = event_.prepare();
      if (flag_.read()) {
        event_.cancel();
      } else {
        event_.wait(key, kTestPatience);
      }
    }
  }

  void after() { LANEWAY_CHECK(!event_.anybody_waits()); }

 private:
  Flag flag_;
  EventCount event_;
};

}  // namespace laneway::engine

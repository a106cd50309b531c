// Scenarios of ReturnsRing, and of Departures, which goes on where a closed ring ends.
//
//   an entry is taken before its settler's arguments can be read      forbidden
//   an entry is lost, taken twice, or taken of another lap            forbidden
//   the drain stops at a cell claimed and not yet filled              allowed
//   a push fails because the ring is full                             cannot be: credits
//   a push that came before the close is told that it was late, or the other way round   forbidden
//   nobody is told that it is the last to leave, or two are           forbidden
//   the last to leave frees what another one still reads or writes    forbidden
//   a thread sleeps while there is something to drain                 forbidden
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/departures.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/returns_ring.hpp"
#include "tests/model/give_way.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

struct ReturnsShape {
  static constexpr unsigned kSettlers = 2;
  static constexpr std::uint64_t kEntries = 2;  // of each settler
  static constexpr std::uint32_t kBatch = 1;
  static constexpr std::uint64_t kCells = 2;
  static constexpr bool kSleep = false;  // the holder sleeps, instead of looking again and again
};

// Settlers push as long as there are credits, which the holder gives back when it has drained. An
// entry names the place of the settler's arguments, which are plain data.
template <class Shape>
class ReturnsDrain {
 public:
  static constexpr unsigned kThreads = Shape::kSettlers + 1;
  static constexpr std::uint64_t kOperations = Shape::kSettlers * Shape::kEntries;

  ReturnsDrain() : ring_(cells_) {}

  void run(unsigned thread) {
    if (thread < Shape::kSettlers) {
      settle(thread);
    } else {
      drain();
    }
  }

  void after() {
    for (const auto& taken : taken_) {
      LANEWAY_CHECK(taken.get());
    }
    LANEWAY_CHECK(credits_.load(std::memory_order_relaxed) == Shape::kCells);
    LANEWAY_CHECK(ring_.claimed() == kOperations);
    LANEWAY_CHECK(ring_.close() == kOperations);
    LANEWAY_CHECK(ring_.claim(1).closed);
  }

 private:
  static std::uint64_t argument(std::uint64_t index) { return index * 7 + 1; }

  void settle(unsigned settler) {
    for (std::uint64_t number = 0; number < Shape::kEntries;) {
      const std::uint64_t left = Shape::kEntries - number;
      const std::uint32_t count =
          take_credits(left < Shape::kBatch ? static_cast<std::uint32_t>(left) : Shape::kBatch);
      if (count == 0) {
        give_way();
        continue;
      }
      const std::uint64_t first = settler * Shape::kEntries + number;
      for (std::uint32_t i = 0; i < count; ++i) {
        arguments_[first + i].set(argument(first + i));
      }
      const ReturnsRing::Claim claim = ring_.claim(count);
      LANEWAY_CHECK(!claim.closed);
      // As the engine does: after the put the ring may be gone, so the look for waiters comes
      // first.
      const bool somebody_waits = Shape::kSleep && event_.anybody_waits();
      stall_point(StallPoint::settle_claimed);
      for (std::uint32_t i = 0; i < count; ++i) {
        ring_.put(claim.position + i, first + i);
      }
      if (somebody_waits) {
        event_.notify_one();
      }
      number += count;
    }
  }

  void drain() {
    std::uint64_t entry = 0;
    for (std::uint64_t head = 0; head < kOperations;) {
      if (!ring_.take(head, &entry)) {
        wait(head);
        continue;
      }
      LANEWAY_CHECK(entry < kOperations);
      LANEWAY_CHECK(arguments_[entry].get() == argument(entry));
      LANEWAY_CHECK(!taken_[entry].get());
      taken_[entry].set(true);
      ++head;
      credits_.fetch_add(1, std::memory_order_release);
    }
  }

  void wait(std::uint64_t head) {
    if (!Shape::kSleep) {
      give_way();
      return;
    }
    const EventCount::Key key = event_.prepare();
    if (ring_.claimed() != head) {
      event_.cancel();
      give_way();
    } else {
      event_.wait(key, std::chrono::hours(1));
    }
  }

  // A credit comes from the holder, as a grant does: what it has drained is behind it.
  std::uint32_t take_credits(std::uint32_t wanted) {
    std::uint64_t credits = credits_.load(std::memory_order_acquire);
    while (credits != 0) {
      const std::uint64_t count = credits < wanted ? credits : wanted;
      if (credits_.compare_exchange_weak(credits, credits - count, std::memory_order_acquire,
                                         std::memory_order_acquire)) {
        return static_cast<std::uint32_t>(count);
      }
    }
    return 0;
  }

  std::array<ReturnsRing::Cell, Shape::kCells> cells_{};
  ReturnsRing ring_;
  EventCount event_;
  atomic<std::uint64_t> credits_{Shape::kCells};
  std::array<handoff<std::uint64_t>, kOperations> arguments_;
  std::array<handoff<bool>, kOperations> taken_;
};

// Leases settle while the ring is closed under them. One of all is the last and frees what they
// share: plain data that each of them has touched before.
template <unsigned kLeases>
class ReturnsClose {
 public:
  static constexpr unsigned kThreads = kLeases + 1;
  static constexpr std::uint64_t kOperations = kLeases + 1;

  ReturnsClose() : ring_(cells_) {}

  void run(unsigned thread) {
    if (thread == kLeases) {
      close();
      return;
    }
    touched_[thread].set(true);
    const ReturnsRing::Claim claim = ring_.claim(1);
    stall_point(StallPoint::settle_claimed);
    ring_.put(claim.position, thread);
    if (claim.closed) {
      LANEWAY_CHECK(closing_.get());
      if (departures_.depart()) {
        free_all();
      }
    }
  }

  void after() { LANEWAY_CHECK(freed_.get() == 1); }

 private:
  void close() {
    closing_.set(true);
    const std::uint64_t claimed = ring_.close();
    std::uint64_t entry = 0;
    for (std::uint64_t head = 0; head < claimed;) {
      if (ring_.take(head, &entry)) {
        ++head;
      } else {
        give_way();
      }
    }
    ready_to_free_.set(true);
    if (departures_.expect(static_cast<std::int64_t>(kLeases - claimed))) {
      free_all();
    }
  }

  void free_all() {
    LANEWAY_CHECK(ready_to_free_.get());
    for (handoff<bool>& touched : touched_) {
      LANEWAY_CHECK(touched.get());
      touched.set(false);
    }
    freed_.set(freed_.get() + 1);
  }

  static constexpr std::size_t kCells = kLeases <= 2 ? 2 : kLeases <= 4 ? 4 : 8;

  std::array<ReturnsRing::Cell, kCells> cells_{};
  ReturnsRing ring_;
  Departures departures_;
  std::array<handoff<bool>, kLeases> touched_;
  handoff<bool> closing_;
  handoff<bool> ready_to_free_;
  handoff<std::uint64_t> freed_;
};

}  // namespace laneway::engine

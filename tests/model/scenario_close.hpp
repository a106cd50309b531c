// Scenario of a queue's end: it is closed while a consumer sleeps or holds, a publisher waits for
// room, and Leases settle. Scenarios of the closed returns ring alone are in
// scenario_returns_ring.hpp.
//
//   a thread sleeps on after the close                                forbidden: a deadlock
//   a settle is answered with ok after the closer has ended its lease forbidden
//   a settle answered with ok before that is not drained by the closer forbidden
//   nobody frees what they share, or two do                           forbidden
//   a Lease reads its bytes after they were freed                     forbidden: a race
//   a holder takes the token after the closer                         forbidden: a race
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/departures.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/lease_word.hpp"
#include "engine/concurrent/returns_ring.hpp"
#include "engine/concurrent/token.hpp"
#include "tests/model/give_way.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

struct CloseShape {
  static constexpr unsigned kLeases = 2;
  static constexpr unsigned kSleepers = 1;
  // Broken on purpose, when false.
  static constexpr bool kClosedLeasesEnd = true;     // before the ring is closed
  static constexpr bool kCloserWaitsForHole = true;  // a settler between its claim and its store
  static constexpr bool kFlagFirst = true;           // and then wake
};

template <class Shape>
class QueueClose {
 public:
  static constexpr unsigned kThreads = Shape::kLeases + Shape::kSleepers + 1;
  static constexpr std::uint64_t kOperations = 2 * kThreads;

  QueueClose() : returns_(cells_) {
    for (LeaseWord& word : words_) {
      LANEWAY_CHECK(word.grant(kDeadline) == 1);
    }
  }

  void run(unsigned thread) {
    if (thread < Shape::kLeases) {
      settle(thread);
    } else if (thread < Shape::kLeases + Shape::kSleepers) {
      sleep_until_closed();
    } else {
      close();
    }
  }

  void after() {
    LANEWAY_CHECK(freed_.get() == 1);
    LANEWAY_CHECK(!consumers_.anybody_waits());
    for (unsigned lease = 0; lease < Shape::kLeases; ++lease) {
      // Drained by a hold or the closer, or come after the close: then it had lost.
      LANEWAY_CHECK(acked_[lease].get() == counted_[lease].get());
    }
  }

 private:
  static constexpr std::uint64_t kDeadline = 10;
  static constexpr std::uint64_t kEndOfTime = 1'000;
  static constexpr std::uint64_t kUnpin = 1u << 8;

  void settle(unsigned lease) {
    (void)bytes_[lease].get();
    const bool won = words_[lease].settle(1, LeaseState::acked);
    stall_point(StallPoint::settle_decided);
    acked_[lease].set(won);
    const ReturnsRing::Claim claim = returns_.claim(1);
    LANEWAY_CHECK(!claim.closed || closed_.read());
    const bool somebody_waits = !claim.closed && consumers_.anybody_waits();
    stall_point(StallPoint::settle_claimed);
    returns_.put(claim.position, won ? lease : kUnpin);
    if (claim.closed) {
      counted_[lease].set(won);  // by status and stats no more: they answer closed
      if (departures_.depart()) {
        free_all();
      }
    } else if (somebody_waits) {
      consumers_.notify_one();
    }
  }

  // As Consumer::receive with a wait: looks into the shard, registers, looks again, sleeps.
  void sleep_until_closed() {
    while (!closed_.read()) {
      hold();
      const EventCount::Key key = consumers_.prepare();
      if (closed_.read()) {
        consumers_.cancel();
        return;
      }
      if (token_.want() || returns_.claimed() == drained_hint_.load(std::memory_order_relaxed)) {
        consumers_.wait(key, std::chrono::hours(1));
      } else {
        consumers_.cancel();
        give_way();
      }
    }
  }

  void hold() {
    if (!token_.try_take()) {
      return;
    }
    stall_point(StallPoint::hold_taken);
    drain(Shape::kLeases);
    drained_hint_.store(head_.get(), std::memory_order_relaxed);
    const std::uint64_t head = head_.get();
    const bool wanted = token_.release();
    if (consumers_.anybody_waits() && (wanted || returns_.claimed() != head)) {
      consumers_.notify_one();
    }
  }

  void drain(std::uint64_t end) {
    std::uint64_t entry = 0;
    while (head_.get() < end && returns_.take(head_.get(), &entry)) {
      head_.set(head_.get() + 1);
      if (entry != kUnpin) {
        counted_[entry].set(true);
      }
    }
  }

  void close() {
    if (Shape::kFlagFirst) {
      closed_.set(true);
    }
    consumers_.notify_all();
    if (!Shape::kFlagFirst) {
      closed_.set(true);
    }
    while (!token_.try_take()) {
      give_way();
    }
    if (Shape::kClosedLeasesEnd) {
      for (LeaseWord& word : words_) {
        (void)word.end(kEndOfTime);
      }
    }
    const std::uint64_t delivered = returns_.close();
    drain(delivered);
    while (Shape::kCloserWaitsForHole && head_.get() < delivered) {
      give_way();
      drain(delivered);
    }
    for (unsigned lease = 0; lease < Shape::kLeases; ++lease) {
      LANEWAY_CHECK(words_[lease].view().state != LeaseState::leased);
    }
    closer_done_.set(true);
    if (departures_.expect(static_cast<std::int64_t>(Shape::kLeases - delivered))) {
      free_all();
    }
  }

  void free_all() {
    LANEWAY_CHECK(closer_done_.get());
    for (handoff<std::uint64_t>& bytes : bytes_) {
      bytes.set(0);
    }
    freed_.set(freed_.get() + 1);
  }

  static constexpr std::size_t kCells = Shape::kLeases <= 2 ? 2 : 4;

  std::array<LeaseWord, Shape::kLeases> words_{};
  std::array<ReturnsRing::Cell, kCells> cells_{};
  ReturnsRing returns_;
  Token token_;
  EventCount consumers_;
  Departures departures_;
  Flag closed_;
  atomic<std::uint64_t> drained_hint_{0};
  handoff<std::uint64_t> head_;  // under the token
  std::array<handoff<std::uint64_t>, Shape::kLeases> bytes_;
  std::array<handoff<bool>, Shape::kLeases> acked_;
  std::array<handoff<bool>, Shape::kLeases> counted_;
  handoff<bool> closer_done_;
  handoff<std::uint64_t> freed_;
};

}  // namespace laneway::engine

// Scenario of sleeping on a shard: inbox ring, token, hint and event count together, as the
// engine's consumers use them. Each consumer wants one message and then leaves, as one does that is
// busy with its message; so nobody makes good what a lost wake-up has spoiled.
//
//   a consumer sleeps for ever while a message is in the inbox or ready    forbidden: a deadlock
//   two threads inside the shard                                           forbidden
//   a consumer wakes and finds nothing                                     allowed: it looks again
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/inbox_ring.hpp"
#include "engine/concurrent/shard_hint.hpp"
#include "engine/concurrent/token.hpp"
#include "tests/model/give_way.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace laneway::engine {

struct SleepingShape {
  static constexpr unsigned kProducers = 1;
  static constexpr unsigned kHelpers = 0;  // take the token once, drain, and leave
  static constexpr unsigned kConsumers = 2;
  static constexpr std::uint64_t kEntries = 2;  // of each producer
  static constexpr std::uint64_t kSlots = 4;
  // Broken on purpose, when false.
  static constexpr bool kHolderLooksAgain = true;   // at the tail, when the token is free again
  static constexpr bool kSleeperLooksAgain = true;  // when it has registered
};

template <class Shape>
class Sleeping {
 public:
  static constexpr unsigned kThreads = Shape::kProducers + Shape::kHelpers + Shape::kConsumers;
  static constexpr std::uint64_t kOperations = Shape::kProducers * Shape::kEntries;
  static_assert(kOperations % Shape::kConsumers == 0, "each consumer takes its share");

  Sleeping() : ring_(slots_, 0, kSlots) { show(0, 0); }

  void run(unsigned thread) {
    if (thread < Shape::kProducers) {
      produce();
    } else if (thread < Shape::kProducers + Shape::kHelpers) {
      (void)hold(0);
    } else {
      for (std::uint64_t i = 0; i < kOperations / Shape::kConsumers; ++i) {
        consume();
      }
    }
  }

  void after() {
    LANEWAY_CHECK(ready_.get() == 0);
    LANEWAY_CHECK(head_.get() == kOperations);
  }

 private:
  using Ring = InboxRing<handoff<std::uint64_t>>;
  static constexpr std::uint64_t kSlots = Shape::kSlots;

  void produce() {
    for (std::uint64_t i = 0; i < Shape::kEntries;) {
      const Ring::Claim claim = ring_.claim(1);
      if (claim.count == 0) {
        give_way();
        continue;
      }
      stall_point(StallPoint::publish_claimed);
      ring_.entry(claim.position).set(claim.position);
      ring_.publish(claim);
      event_.notify_one();
      ++i;
    }
  }

  void consume() {
    while (!hold(1)) {
      const EventCount::Key key = event_.prepare();
      if (!Shape::kSleeperLooksAgain || may_sleep()) {
        event_.wait(key, std::chrono::hours(1));
      } else {
        event_.cancel();
        give_way();
      }
    }
  }

  bool may_sleep() {
    if (token_.want()) {
      return true;
    }
    const ShardHint::View hint = hint_.read();
    return hint.ready == 0 && ring_.claimed() == hint.inbox_drained;
  }

  // Takes up to `wanted` messages out; drains only when fewer are ready.
  bool hold(std::uint64_t wanted) {
    if (!token_.try_take()) {
      return false;
    }
    stall_point(StallPoint::hold_taken);
    std::uint64_t ready = ready_.get();
    std::uint64_t head = head_.get();
    if (ready < wanted || wanted == 0) {
      for (; ring_.published(head); ++head) {
        LANEWAY_CHECK(ring_.entry(head).get() == head);
        ++ready;
      }
    }
    const bool taken = wanted != 0 && ready != 0;
    ready -= taken ? 1 : 0;
    ready_.set(ready);
    head_.set(head);
    release(head, ready);
    return taken;
  }

  void show(std::uint64_t head, std::uint64_t ready) {
    ShardHint::View view{};
    view.inbox_drained = head;
    view.ready = ready;
    hint_.show(view);
  }

  void release(std::uint64_t head, std::uint64_t ready) {
    ring_.set_limit(head + kSlots);
    show(head, ready);
    const bool wanted = token_.release();
    if (event_.anybody_waits() &&
        (wanted || ready != 0 || (Shape::kHolderLooksAgain && ring_.claimed() != head))) {
      event_.notify_one();
    }
  }

  std::array<Ring::Slot, kSlots> slots_{};
  Ring ring_;
  Token token_;
  ShardHint hint_;
  EventCount event_;
  handoff<std::uint64_t> ready_;  // under the token
  handoff<std::uint64_t> head_;
};

}  // namespace laneway::engine

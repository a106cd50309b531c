// Scenario of publishers that wait for room: inbox ring, token, limit word and event count
// together. A publisher that was refused registers, wants the token and looks once more before it
// sleeps; a holder that has raised the limit wakes them after its release.
//
//   a publisher sleeps for ever while there is room                    forbidden: a deadlock
//   an entry is overwritten before the holder has read it              forbidden: a race
//   entries of one producer are drained in another order than published forbidden
//   a publisher wakes and finds the room taken by another one          allowed: it sleeps again
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/inbox_ring.hpp"
#include "engine/concurrent/token.hpp"
#include "tests/model/give_way.hpp"
#include "tests/model/test_entry.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace laneway::engine {

struct BlockedShape {
  static constexpr unsigned kPublishers = 2;
  static constexpr unsigned kHolders = 1;
  static constexpr std::uint64_t kEntries = 2;  // of each publisher
  static constexpr std::uint64_t kFilled = 0;   // of these, in the ring before it begins
  static constexpr unsigned kHolds = 0;         // of each holder; 0: until all has been drained
  static constexpr std::uint64_t kSlots = 2;
  // Entries that leave the shard in one hold, at most: the capacity is free again only then.
  static constexpr std::uint64_t kLeaveAtOnce = 1;
  // For a search of all schedules: the publisher waits once, for a hold that has begun.
  static constexpr bool kOnlyWaits = false;
  // Broken on purpose, when false.
  static constexpr bool kPublisherLooksAgain = true;  // when it has registered
  static constexpr bool kPublisherWants = true;       // the token, before that look
};

template <class Shape>
class BlockedPublishers {
 public:
  static constexpr unsigned kThreads = Shape::kPublishers + Shape::kHolders;
  static constexpr std::uint64_t kOperations = Shape::kPublishers * Shape::kEntries;

  BlockedPublishers() : ring_(slots_, 0, Shape::kSlots) {
    for (unsigned publisher = 0; publisher < Shape::kPublishers; ++publisher) {
      for (std::uint64_t number = 0; number < Shape::kFilled; ++number) {
        publish(publisher, number);
      }
    }
    LANEWAY_CHECK(!Shape::kOnlyWaits || token_.try_take());
  }

  void run(unsigned thread) {
    if (thread < Shape::kPublishers) {
      for (std::uint64_t number = Shape::kFilled; number < Shape::kEntries; ++number) {
        publish(thread, number);
      }
      if (Shape::kOnlyWaits) {
        (void)wait_for_room();
      }
      return;
    }
    for (unsigned holds = 0; holds < Shape::kHolds; ++holds) {
      hold();
    }
    while (Shape::kHolds == 0 && drained_.load(std::memory_order_relaxed) != kOperations) {
      hold();
      give_way();
    }
  }

  void after() {
    while (drain() != 0) {
    }
    LANEWAY_CHECK(head_.get() == kOperations);
    for (unsigned publisher = 0; publisher < Shape::kPublishers; ++publisher) {
      LANEWAY_CHECK(fifo_.seen(publisher) == Shape::kEntries);
    }
    LANEWAY_CHECK(!room_.anybody_waits());
  }

 private:
  using Ring = InboxRing<TestEntry>;

  void publish(unsigned publisher, std::uint64_t number) {
    Ring::Claim claim = ring_.claim(1);
    while (claim.count == 0) {
      claim = wait_for_room();
      claim = claim.count != 0 ? claim : ring_.claim(1);
    }
    stall_point(StallPoint::publish_claimed);
    ring_.entry(claim.position).set(test_entry(publisher, number));
    ring_.publish(claim);
  }

  Ring::Claim wait_for_room() {
    const EventCount::Key key = room_.prepare();
    // A holder found at work is told, and wakes us; behind a free token stands its last limit.
    const bool held = Shape::kPublisherWants && token_.want();
    Ring::Claim claim{0, 0};
    if (!held && Shape::kPublisherLooksAgain) {
      claim = ring_.claim(1);
    }
    if (claim.count != 0) {
      room_.cancel();
    } else {
      room_.wait(key, std::chrono::hours(1));
    }
    return claim;
  }

  void hold() {
    if (!Shape::kOnlyWaits && !token_.try_take()) {
      return;
    }
    stall_point(StallPoint::hold_taken);
    const std::uint64_t left = Shape::kOnlyWaits ? 1 : drain();
    if (left != 0) {
      ring_.set_limit(Shape::kSlots + (Shape::kOnlyWaits ? 1 : head_.get()));
    }
    const bool wanted = token_.release();
    if (Shape::kHolds == 0) {
      drained_.fetch_add(left, std::memory_order_relaxed);
    }
    if ((wanted || left != 0) && room_.anybody_waits()) {
      room_.notify_all();
    }
  }

  // Answers how many entries have left.
  std::uint64_t drain() {
    const std::uint64_t before = head_.get();
    std::uint64_t head = before;
    while (head - before < Shape::kLeaveAtOnce && ring_.published(head)) {
      fifo_.see(ring_.entry(head).get());
      ++head;
    }
    head_.set(head);
    return head - before;
  }

  std::array<typename Ring::Slot, Shape::kSlots> slots_{};
  Ring ring_;
  Token token_;
  EventCount room_;
  atomic<std::uint64_t> drained_{0};  // a hint for the end of the scenario
  handoff<std::uint64_t> head_;       // under the token
  FifoCheck<Shape::kPublishers> fifo_;
};

}  // namespace laneway::engine

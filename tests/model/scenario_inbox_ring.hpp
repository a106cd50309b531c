// Scenarios of InboxRing: producers claim and publish in batches, the holder drains under the
// token.
//
//   an entry is read before its producer has finished writing it        forbidden
//   an entry is overwritten before the holder has finished reading it   forbidden
//   entries of one producer are drained in another order than published forbidden
//   a publish that returned before another began is drained after it    forbidden
//   an entry is lost, or drained twice                                  forbidden
//   the drain passes a position claimed and not yet published           forbidden
//   the drain stops at such a position though later ones are published  allowed
//   a claim is refused, or cut short, while the limit leaves room       forbidden
//   a thread sleeps while there is something to drain                   forbidden
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
#include <span>

namespace laneway::engine {

struct InboxShape {
  static constexpr unsigned kProducers = 2;
  static constexpr unsigned kHolders = 1;
  static constexpr std::uint64_t kEntries = 2;  // of each producer
  static constexpr std::uint32_t kBatch = 1;
  static constexpr std::uint64_t kSlots = 2;
  static constexpr std::uint64_t kFirst = 0;  // position
  static constexpr unsigned kLooks = 0;       // of a holder; 0: until all producers have finished
  // Broken on purpose.
  static constexpr bool kPublishFirst = false;  // and then write
  static constexpr bool kLimitFirst = false;    // raise the limit, and then read
};

// Producers publish kEntries each through a ring that is too small for them; holders drain it.
template <class Shape>
class InboxDrain {
 public:
  static constexpr unsigned kThreads = Shape::kProducers + Shape::kHolders;
  static constexpr std::uint64_t kOperations = Shape::kProducers * Shape::kEntries;

  InboxDrain() : ring_(slots_, Shape::kFirst, Shape::kFirst + Shape::kSlots) {
    head_.set(Shape::kFirst);
  }

  void run(unsigned thread) {
    if (thread < Shape::kProducers) {
      produce(thread);
    } else {
      hold();
    }
  }

  void after() {
    drain();
    for (unsigned producer = 0; producer < Shape::kProducers; ++producer) {
      LANEWAY_CHECK(fifo_.seen(producer) == Shape::kEntries);
    }
    LANEWAY_CHECK(head_.get() == ring_.claimed());
    LANEWAY_CHECK(head_.get() == Shape::kFirst + kOperations);
  }

 private:
  using Ring = InboxRing<TestEntry>;

  void produce(unsigned producer) {
    std::uint64_t number = 0;
    while (number < Shape::kEntries) {
      const std::uint64_t left = Shape::kEntries - number;
      const auto wanted =
          static_cast<std::uint32_t>(left < Shape::kBatch ? left : std::uint64_t{Shape::kBatch});
      const Ring::Claim claim = ring_.claim(wanted);
      LANEWAY_CHECK(claim.count <= wanted);
      if (claim.count == 0) {
        give_way();
        continue;
      }
      stall_point(StallPoint::publish_claimed);
      if (Shape::kPublishFirst) {
        ring_.publish(claim);
      }
      for (std::uint32_t i = 0; i < claim.count; ++i) {
        ring_.entry(claim.position + i).set(test_entry(producer, number + i));
      }
      if (!Shape::kPublishFirst) {
        ring_.publish(claim);
      }
      number += claim.count;
      // Publishes after this one returned are drained after it, whoever they come from.
      const std::uint64_t end = claim.position + claim.count;
      LANEWAY_CHECK(ring_.claimed() >= end);
    }
    finished_.fetch_add(1, std::memory_order_release);
  }

  void hold() {
    for (unsigned look = 0; Shape::kLooks == 0 || look < Shape::kLooks; ++look) {
      if (Shape::kLooks == 0 && finished_.load(std::memory_order_acquire) == Shape::kProducers) {
        return;
      }
      if (token_.try_take()) {
        stall_point(StallPoint::hold_taken);
        drain();
        (void)token_.release();
      }
      if (Shape::kLooks == 0) {
        give_way();
      }
    }
  }

  void drain() {
    std::uint64_t head = head_.get();
    const std::uint64_t before = head;
    while (ring_.published(head)) {
      if (Shape::kLimitFirst) {
        ring_.set_limit(head + 1 + ring_.size());
      }
      fifo_.see(ring_.entry(head).get());
      ++head;
    }
    if (head != before) {
      head_.set(head);
      ring_.set_limit(head + ring_.size());
    }
  }

  std::array<Ring::Slot, Shape::kSlots> slots_{};
  Ring ring_;
  Token token_;
  atomic<std::uint32_t> finished_{0};
  handoff<std::uint64_t> head_;
  FifoCheck<Shape::kProducers> fifo_;
};

// A refusal is honest: it names a position at which the ring was full when that was its tail. One
// thread raises the limit and then claims, so whoever sees its claim must see that limit.
template <std::uint32_t kFilled>
class InboxRefusal {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = 2;

  InboxRefusal() : ring_(slots_, 0, kLimit) {
    LANEWAY_CHECK(ring_.claim(kFilled).count == kFilled);
  }

  void run(unsigned thread) {
    if (thread == 0) {
      ring_.set_limit(2 * kLimit);
      LANEWAY_CHECK(ring_.claim(1).count == 1);
      return;
    }
    const Ring::Claim claim = ring_.claim(1);
    LANEWAY_CHECK(claim.count == 1 || (kFilled == kLimit && claim.position == kLimit));
  }

  void after() {}

 private:
  using Ring = InboxRing<TestEntry>;
  static constexpr std::uint64_t kLimit = 2;

  std::array<Ring::Slot, 2 * kLimit> slots_{};
  Ring ring_;
};

// A producer publishes, then looks for a sleeper; the consumer drains, registers, looks again, and
// sleeps. No token: there is one consumer.
template <unsigned kProducers, std::uint64_t kEntries, std::uint64_t kSlots = 4>
class InboxSleep {
 public:
  static constexpr unsigned kThreads = kProducers + 1;
  static constexpr std::uint64_t kOperations = kProducers * kEntries;

  InboxSleep() : ring_(slots_, 0, kSlots) {}

  void run(unsigned thread) {
    if (thread < kProducers) {
      for (std::uint64_t number = 0; number < kEntries; ++number) {
        const Ring::Claim claim = ring_.claim(1);
        LANEWAY_CHECK(claim.count == 1);
        ring_.entry(claim.position).set(test_entry(thread, number));
        ring_.publish(claim);
        event_.notify_one();
      }
      return;
    }
    std::uint64_t head = 0;
    while (head < kOperations) {
      if (ring_.published(head)) {
        fifo_.see(ring_.entry(head).get());
        ++head;
        continue;
      }
      const EventCount::Key key = event_.prepare();
      if (ring_.claimed() != head) {
        event_.cancel();
        give_way();
      } else {
        event_.wait(key, std::chrono::hours(1));
      }
    }
  }

  void after() {}

 private:
  using Ring = InboxRing<TestEntry>;
  static_assert(kOperations <= kSlots);

  std::array<Ring::Slot, kSlots> slots_{};
  Ring ring_;
  EventCount event_;
  FifoCheck<kProducers> fifo_;
};

}  // namespace laneway::engine

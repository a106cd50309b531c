// Scenarios of HandoffRing: many producers, many consumers, no core in between.
//
//   an entry is read before its producer has finished writing it          forbidden
//   an entry is overwritten before its consumer has finished reading it   forbidden
//   an entry is lost, or taken twice                                      forbidden
//   entries of one producer lie in the ring in another order than published   forbidden
//   a consumer takes a later entry before an earlier one of the same producer forbidden
//   a claim finds nothing although there was something all the time       forbidden
//   a claim gets fewer than there are                                     allowed
//   a thread sleeps while there is something to take                      forbidden
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/handoff_ring.hpp"
#include "tests/model/give_way.hpp"
#include "tests/model/test_entry.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

struct HandoffShape {
  static constexpr unsigned kProducers = 2;
  static constexpr unsigned kConsumers = 2;
  static constexpr std::uint64_t kEntries = 2;  // of each producer
  static constexpr std::uint32_t kBatch = 1;
  static constexpr std::uint64_t kSlots = 2;
  static constexpr bool kSleep = false;  // consumers sleep, instead of asking again and again
  // Broken on purpose.
  static constexpr bool kPublishFirst = false;  // and then write
  static constexpr bool kFreeFirst = false;     // and then read
};

// Consumers take until each has its share.
template <class Shape>
class HandoffPass {
 public:
  static constexpr unsigned kThreads = Shape::kProducers + Shape::kConsumers;
  static constexpr std::uint64_t kOperations = Shape::kProducers * Shape::kEntries;
  static_assert(kOperations % Shape::kConsumers == 0, "each consumer takes its share");

  HandoffPass() : ring_(slots_) {}

  void run(unsigned thread) {
    if (thread < Shape::kProducers) {
      produce(thread);
    } else {
      consume();
    }
  }

  // Every position was taken once; along the positions each producer's entries are in order.
  void after() {
    FifoCheck<Shape::kProducers> fifo;
    for (std::size_t position = 0; position < kOperations; ++position) {
      LANEWAY_CHECK(times_taken_[position].load(std::memory_order_relaxed) == 1);
      fifo.see(taken_[position].get());
    }
    LANEWAY_CHECK(!ring_.anything());
    LANEWAY_CHECK(ring_.depth() == 0);
    LANEWAY_CHECK(ring_.taken_total() == kOperations);
  }

 private:
  using Ring = HandoffRing<TestEntry>;

  void produce(unsigned producer) {
    for (std::uint64_t number = 0; number < Shape::kEntries;) {
      const Ring::Claim claim = ring_.claim(batch(Shape::kEntries - number));
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
      for (std::uint32_t i = 0; Shape::kSleep && i < claim.count; ++i) {
        event_.notify_one();
      }
      number += claim.count;
    }
  }

  void consume() {
    std::array<std::uint64_t, Shape::kProducers> next{};
    for (std::uint64_t left = kOperations / Shape::kConsumers; left != 0;) {
      const Ring::Claim claim = ring_.claim_published(batch(left));
      if (Shape::kFreeFirst) {
        ring_.free(claim);
      }
      for (std::uint32_t i = 0; i < claim.count; ++i) {
        const std::uint64_t position = claim.position + i;
        const std::uint64_t entry = ring_.entry(position).get();
        LANEWAY_CHECK(number_of(entry) >= next[producer_of(entry)]);
        next[producer_of(entry)] = number_of(entry) + 1;
        times_taken_[position].fetch_add(1, std::memory_order_relaxed);
        taken_[position].set(entry);
      }
      if (!Shape::kFreeFirst) {
        ring_.free(claim);
      }
      left -= claim.count;
      if (claim.count == 0) {
        wait();
      }
    }
  }

  void wait() {
    if (!Shape::kSleep) {
      give_way();
      return;
    }
    const EventCount::Key key = event_.prepare();
    if (ring_.anything()) {
      event_.cancel();
      give_way();
    } else {
      event_.wait(key, std::chrono::hours(1));
    }
  }

  static std::uint32_t batch(std::uint64_t left) {
    return left < Shape::kBatch ? static_cast<std::uint32_t>(left) : Shape::kBatch;
  }

  std::array<Ring::Slot, Shape::kSlots> slots_{};
  Ring ring_;
  EventCount event_;
  std::array<atomic<std::uint32_t>, kOperations> times_taken_;
  std::array<handoff<std::uint64_t>, kOperations> taken_;
};

// Two threads claim one slot each, and there are two: neither may be told that there is none.
template <bool kPublished>
class HandoffRefusal {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = 2;

  HandoffRefusal() : ring_(slots_) {
    if (kPublished) {
      ring_.publish(ring_.claim(2));
    }
  }

  void run(unsigned) {
    if (kPublished) {
      const Ring::Claim claim = ring_.claim_published(1);
      LANEWAY_CHECK(claim.count == 1);
      ring_.free(claim);
    } else {
      const Ring::Claim claim = ring_.claim(1);
      LANEWAY_CHECK(claim.count == 1);
      ring_.publish(claim);
    }
  }

  void after() { LANEWAY_CHECK(ring_.depth() == (kPublished ? 0 : 2)); }

 private:
  using Ring = HandoffRing<TestEntry>;

  std::array<Ring::Slot, 2> slots_{};
  Ring ring_;
};

}  // namespace laneway::engine

// Scenario of pins and generations: a slot's message is granted, expires, is granted again and
// resolved, and then the slot gets another message, while old Leases still read and settle.
//
//   a Lease reads another message's bytes, or bytes being written      forbidden: a race
//   a Lease whose lease expired settles the message's next lease       forbidden
//   a message is resolved twice                                        forbidden
//   the slot gets a new message while a Lease pins it                  forbidden: a race
//   an expired Lease reads the bytes of its message                    allowed
//   an expired Lease settles too late                                  allowed: lease_lost
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/lease_word.hpp"
#include "engine/concurrent/returns_ring.hpp"
#include "tests/model/give_way.hpp"

#include <array>
#include <cstdint>

namespace laneway::engine {

struct ReuseShape {
  static constexpr unsigned kWorkers = 2;
  // The first message's lease expires at most so often.
  static constexpr unsigned kExpiries = 1;
  // The holder looks at the returns once, and writes the second message only if the slot is free:
  // for a search of all schedules.
  static constexpr bool kOneLook = false;
  // Broken on purpose, when false.
  static constexpr bool kHeedPins = true;           // before the slot is written again
  static constexpr bool kCompareGeneration = true;  // of the Lease and of the word
};

// The holder grants to the workers in turn; with one look it settles by itself what has expired. A
// slot's bytes and the count of its pins are plain data.
template <class Shape>
class SlotReuse {
 public:
  static constexpr unsigned kThreads = Shape::kWorkers + 1;
  static constexpr std::uint64_t kOperations = 2 * (Shape::kExpiries + 2);  // settles, returns

  SlotReuse() : returns_(cells_) {
    bytes_.set(1);
    tell(0, 1);
  }

  void run(unsigned thread) {
    constexpr unsigned kWorked = Shape::kOneLook ? 1 : kGrants;
    if (thread < Shape::kWorkers) {
      for (unsigned grant = thread; grant < kWorked; grant += Shape::kWorkers) {
        work_when_granted(grant);
      }
    } else if (Shape::kOneLook) {
      hold_once();
    } else {
      hold();
    }
  }

  void after() {
    drain();
    LANEWAY_CHECK(pins_.get() == 0);
    LANEWAY_CHECK(resolved_.get() == (Shape::kOneLook ? 1 : 2));
    LANEWAY_CHECK(word_.view().state == LeaseState::acked);
  }

 private:
  static constexpr std::uint64_t kDeadline = 10;
  static constexpr unsigned kGrants = Shape::kExpiries + 2;
  static constexpr std::uint64_t kSettled = 1;
  static constexpr std::uint64_t kUnpin = 2;
  // What a worker is told: nothing to do, or a generation and the number of the message.
  static constexpr std::uint64_t kSkip = 1;
  static std::uint64_t granted(std::uint64_t message, std::uint32_t generation) {
    return message << 32 | std::uint64_t{generation} << 1;
  }

  void work_when_granted(unsigned grant) {
    std::uint64_t told = 0;
    while ((told = grants_[grant].load(std::memory_order_acquire)) == 0) {
      give_way();
    }
    if (told != kSkip) {
      work(told >> 32, static_cast<std::uint32_t>(told) >> 1);
    }
  }

  void work(std::uint64_t message, std::uint32_t generation) {
    LANEWAY_CHECK(bytes_.get() == message);
    const bool won = word_.settle(Shape::kCompareGeneration ? generation : word_.view().generation,
                                  LeaseState::acked);
    stall_point(StallPoint::settle_decided);
    if (won) {
      winner_.set(generation);
    } else {
      LANEWAY_CHECK(bytes_.get() == message);
    }
    const ReturnsRing::Claim claim = returns_.claim(1);
    stall_point(StallPoint::settle_claimed);
    returns_.put(claim.position, won ? kSettled : kUnpin);
  }

  void hold_once() {
    if (word_.end(kDeadline).state == LeaseState::expired) {
      tell(1, 1);
      work(1, generation_.get());
    }
    drain();
    if (free()) {
      bytes_.set(2);
    }
  }

  void hold() {
    unsigned grant = 1;
    while (grant <= Shape::kExpiries && word_.end(kDeadline).state == LeaseState::expired) {
      tell(grant++, 1);
    }
    drain_until_free(1);
    bytes_.set(2);
    while (grant + 1 < kGrants) {
      grants_[grant++].store(kSkip, std::memory_order_release);
    }
    tell(grant, 2);
    drain_until_free(2);
  }

  void tell(unsigned grant, std::uint64_t message) {
    const std::uint32_t generation = word_.grant(kDeadline);
    generation_.set(generation);
    pins_.set(pins_.get() + 1);
    grants_[grant].store(granted(message, generation), std::memory_order_release);
  }

  bool free() const { return resolved_.get() != 0 && (!Shape::kHeedPins || pins_.get() == 0); }

  void drain() {
    std::uint64_t entry = 0;
    while (head_.get() < kGrants && returns_.take(head_.get(), &entry)) {
      head_.set(head_.get() + 1);
      pins_.set(pins_.get() - 1);
      if (entry == kSettled) {
        LANEWAY_CHECK(winner_.get() == generation_.get());
        resolved_.set(resolved_.get() + 1);
      }
    }
  }

  void drain_until_free(std::uint64_t resolved) {
    for (drain(); resolved_.get() != resolved || !free(); drain()) {
      LANEWAY_CHECK(resolved_.get() <= resolved);
      give_way();
    }
  }

  LeaseWord word_{};
  std::array<ReturnsRing::Cell, 4> cells_{};
  static_assert(kGrants <= 4, "a cell for each Lease");
  ReturnsRing returns_;
  std::array<atomic<std::uint64_t>, kGrants> grants_{};
  handoff<std::uint64_t> bytes_;
  handoff<std::uint32_t> winner_;  // generation of the Lease that settled last
  // The holder's.
  handoff<std::uint32_t> generation_;
  handoff<std::uint64_t> pins_;
  handoff<std::uint64_t> resolved_;
  handoff<std::uint64_t> head_;
};

}  // namespace laneway::engine

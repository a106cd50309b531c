// Floor 1. HandoffRing: many producers, many consumers, no core in between. Bytes go straight from
// the ring into the consumer's batch.
//
// Each slot's sequence says of which lap it is and whether it is published. Producers claim slots
// that are free in their lap, consumers claim slots that are published in theirs; either claim is
// one compare-exchange on its own counter. Because the counter has not moved since the slots were
// looked at, nobody else can have claimed them. Order: FIFO, as in InboxRing. Progress: lock-free.
// A thread stopped between claim and publish (or claim and free) stops the others only when they
// come to its slot. Source: Vyukov, "Bounded MPMC queue", 2010; batches are ours.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/limits.hpp"

#include <bit>
#include <cstdint>
#include <span>

namespace laneway::engine {

// All-zero bytes are a slot that is free in the first lap.
template <class Entry>
struct HandoffSlot {
  atomic<std::uint64_t> sequence;
  Entry entry;
};

template <class Entry>
class HandoffRing {
 public:
  using Slot = HandoffSlot<Entry>;

  struct Claim {
    std::uint64_t position;
    std::uint32_t count;  // 0: full, or empty
  };

  explicit HandoffRing(std::span<Slot> slots) : slots_(slots.data()), mask_(slots.size() - 1) {
    LANEWAY_CHECK(std::has_single_bit(slots.size()));
    LANEWAY_CHECK(slots.size() >= 2);
  }

  // By producers: claims free slots, to be written and published without anything that can block.
  Claim claim(std::uint32_t wanted) noexcept {
    // Writer: producers. Readers: producers, and threads about to sleep.
    // (H4) sequentially consistent, pairs with (H5) through EventCount: the claim, then the look
    // for waiters.
    constexpr std::memory_order kOrder = std::memory_order_seq_cst;  // (H4)
    return claim_from(tail_, wanted, kOrder, [this](std::uint64_t position) {
      // (H2) acquire, pairs with (H3): the consumer of the last lap has finished.
      return slots_[position & mask_].sequence.load(std::memory_order_acquire) == lap(position);
    });
  }

  void publish(Claim claim) noexcept {
    for (std::uint32_t i = 0; i < claim.count; ++i) {
      const std::uint64_t position = claim.position + i;
      // Writer: the producer that claimed it. Reader: consumers.
      // (H1) release, pairs with (H6): publishes the entry.
      slots_[position & mask_].sequence.store(lap(position) | kPublished,
                                              std::memory_order_release);
    }
  }

  // By consumers: claims published entries, to be read and freed.
  Claim claim_published(std::uint32_t wanted) noexcept {
    // Relaxed: entries are handed over by their slots, and nobody sleeps until the head moves.
    constexpr std::memory_order kOrder = std::memory_order_relaxed;
    return claim_from(head_, wanted, kOrder, [this](std::uint64_t position) {
      // (H6) acquire, pairs with (H1): the entry.
      return slots_[position & mask_].sequence.load(std::memory_order_acquire) ==
             (lap(position) | kPublished);
    });
  }

  void free(Claim claim) noexcept {
    for (std::uint32_t i = 0; i < claim.count; ++i) {
      const std::uint64_t position = claim.position + i;
      // Writer: the consumer that claimed it. Reader: producers.
      // (H3) release, pairs with (H2): the consumer has finished reading what may be overwritten.
      slots_[position & mask_].sequence.store(lap(position) + size(), std::memory_order_release);
    }
  }

  Entry& entry(std::uint64_t position) noexcept { return slots_[position & mask_].entry; }

  // Is anything claimed by producers and not yet by consumers? For a thread about to sleep.
  bool anything() const noexcept {
    // (H5) sequentially consistent, pairs with (H4) through EventCount: the second look.
    return tail_.load(std::memory_order_seq_cst) != head_.load(std::memory_order_relaxed);
  }

  // Could claim_published succeed now? A hint.
  bool anything_published() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    return slots_[head & mask_].sequence.load(std::memory_order_relaxed) ==
           (lap(head) | kPublished);
  }

  std::uint64_t size() const { return mask_ + 1; }

  // A count that was true at some time during the call when nobody else was active.
  std::uint64_t depth() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    return tail > head ? tail - head : 0;
  }
  std::uint64_t published_total() const noexcept { return tail_.load(std::memory_order_relaxed); }
  std::uint64_t taken_total() const noexcept { return head_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t kPublished = 1;

  std::uint64_t lap(std::uint64_t position) const noexcept { return position & ~mask_; }

  // A thread that finds a slot gone has acquired from whoever took it, and so sees the counter
  // moved: 0 is answered only when the next slot was not to be had at some time during the call.
  template <class ToBeHad>
  Claim claim_from(atomic<std::uint64_t>& counter,
                   std::uint32_t wanted,
                   std::memory_order order,
                   ToBeHad to_be_had) noexcept {
    std::uint64_t position = counter.load(std::memory_order_relaxed);
    for (;;) {
      std::uint32_t count = 0;
      while (count < wanted && count <= mask_ && to_be_had(position + count)) {
        ++count;
      }
      if (count == 0) {
        const std::uint64_t now = counter.load(std::memory_order_relaxed);
        if (now == position) {
          return {position, 0};
        }
        position = now;  // another thread took that slot; look at the next one
        continue;
      }
      if (counter.compare_exchange_weak(position, position + count, order,
                                        std::memory_order_relaxed)) {
        return {position, count};
      }
    }
  }

  Slot* const slots_;
  const std::uint64_t mask_;
  alignas(kDestructive) atomic<std::uint64_t> tail_{0};  // written by producers
  alignas(kDestructive) atomic<std::uint64_t> head_{0};  // written by consumers
};

}  // namespace laneway::engine

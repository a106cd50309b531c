// Floor 1. InboxRing: many producers, drained by the holder of the shard's token.
//
// Claim: one compare-exchange moves `tail_` by n, never beyond the published limit. Write: fill the
// n entries. Publish: each slot's sequence becomes its position + 1. A slot claimed and not yet
// published stops the drain at that slot. The holder publishes a new limit when it has read
// entries.
//
// Invariants: (1) positions are claimed once, in order, and never repeat; (2) tail_ <= limit_ at
// each claim, and limit_ never falls; (3) a position below limit_ has been read in its previous
// lap. Order: FIFO per producer, and across producers whenever one publish returned before the
// other began, also when a producer is pre-empted between claim and publish. Progress: claim and
// publish are lock-free; peek never waits and stops at a hole. Source: bounded queue with a
// sequence per slot, Vyukov 2010; limit word and batches are ours. Next in the path of a message:
// engine/core/shard_core.hpp.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/limits.hpp"
#include "engine/base/prefetch.hpp"

#include <bit>
#include <cstdint>
#include <span>

namespace laneway::engine {

// All-zero bytes are a valid slot that has never been published.
template <class Entry>
struct InboxSlot {
  atomic<std::uint64_t> sequence;
  Entry entry;
};

template <class Entry>
class InboxRing {
 public:
  using Slot = InboxSlot<Entry>;

  struct Claim {
    std::uint64_t position;
    std::uint32_t count;  // 0: full
  };

  // The number of slots is a power of two. Positions start at `first`; `limit` as in set_limit.
  InboxRing(std::span<Slot> slots, std::uint64_t first, std::uint64_t limit)
      : slots_(slots.data()),
        mask_(slots.size() - 1),
        tail_(first),
        cached_limit_(limit),
        limit_(limit) {
    LANEWAY_CHECK(std::has_single_bit(slots.size()));
  }

  std::uint64_t size() const { return mask_ + 1; }

  // By producers. Claims up to `wanted` consecutive positions; fewer when that is all there is.
  // The claimant must write and publish every one of them without anything that can block or throw.
  Claim claim(std::uint32_t wanted) noexcept {
    // (I9) acquire, pairs with (I1): who sees a tail sees the limit that its claimants knew of, so
    // a refusal means that the ring was full.
    std::uint64_t tail = tail_.load(std::memory_order_acquire);  // (I9)
    for (;;) {
      const std::uint64_t room = room_after(tail, wanted);
      const std::uint32_t count = room < wanted ? static_cast<std::uint32_t>(room) : wanted;
      if (count == 0) {
        return {tail, 0};
      }
      // Writer: any producer. Readers: producers, and threads about to sleep.
      // (I1) sequentially consistent, pairs with (I2) through EventCount: the claim, then the look
      // for waiters. Entries are published by (I3), not by this. Acquire when it fails, as (I9).
      if (tail_.compare_exchange_weak(tail, tail + count, std::memory_order_seq_cst,  // (I1)
                                      std::memory_order_acquire)) {
        return {tail, count};
      }
    }
  }

  // The entry at a position: for its claimant until published, for the holder after peek.
  Entry& entry(std::uint64_t position) const noexcept { return slots_[position & mask_].entry; }

  void publish(Claim claim) noexcept {
    // The last one first: the holder stops at the first, so it looks at no line of this batch,
    // which would take it away from us, until the batch is there as a whole.
    for (std::uint32_t i = claim.count; i != 0; --i) {
      const std::uint64_t position = claim.position + i - 1;
      // Writer: the claimant of `position`. Reader: the holder of the token.
      // (I3) release, pairs with (I4): publishes the entry.
      slots_[position & mask_].sequence.store(position + 1, std::memory_order_release);
    }
  }

  // Everything claimed so far. For a thread about to sleep: a claim counts as work.
  std::uint64_t claimed() const noexcept {
    return tail_.load(std::memory_order_seq_cst);  // (I2) the second look, pairs with (I1)
  }

  // By the holder, or as a hint by anyone: has this position been published?
  bool published(std::uint64_t position) const noexcept {
    // (I4) acquire, pairs with (I3).
    return slots_[position & mask_].sequence.load(std::memory_order_acquire) == position + 1;
  }

  // By the holder: positions below `limit` may be claimed. Must cover entries already read only.
  void set_limit(std::uint64_t limit) noexcept {
    LANEWAY_ASSERT(limit >= limit_.load(std::memory_order_relaxed));
    // (I5) release, pairs with (I6): the holder has finished reading what may be overwritten.
    limit_.store(limit, std::memory_order_release);
  }
  std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

  // By the holder: the slot, which is published, will be read soon.
  void prefetch(std::uint64_t position) const noexcept {
    const auto* slot = reinterpret_cast<const char*>(&slots_[position & mask_]);
    for (std::size_t line = 0; line < sizeof(Slot); line += kCacheLine) {
      __builtin_prefetch(slot + line);
    }
  }

  // By a producer: the slot will be written soon, by it or by another. Nothing happens to one that
  // may hold what the holder has yet to read.
  void prefetch_for_write(std::uint64_t position) const noexcept {
    if (position >= cached_limit_.load(std::memory_order_relaxed)) {
      return;
    }
    const auto* slot = reinterpret_cast<const char*>(&slots_[position & mask_]);
    for (std::size_t line = 0; line < sizeof(Slot); line += kCacheLine) {
      prefetch_for_writing(slot + line);
    }
  }

 private:
  // Reads the holder's line only when the cached limit does not suffice.
  std::uint64_t room_after(std::uint64_t tail, std::uint32_t wanted) noexcept {
    // (I7) acquire, pairs with (I8): another producer's acquire of the limit counts for us.
    std::uint64_t limit = cached_limit_.load(std::memory_order_acquire);
    if (static_cast<std::int64_t>(limit - tail) < static_cast<std::int64_t>(wanted)) {
      limit = limit_.load(std::memory_order_acquire);         // (I6) pairs with (I5)
      cached_limit_.store(limit, std::memory_order_release);  // (I8) pairs with (I7)
    }
    // A stale tail may lie beyond an old cached limit; the compare-exchange sorts that out.
    return static_cast<std::int64_t>(limit - tail) > 0 ? limit - tail : 0;
  }

  Slot* const slots_;
  const std::uint64_t mask_;
  alignas(kDestructive) atomic<std::uint64_t> tail_;   // written by producers, at every claim
  atomic<std::uint64_t> cached_limit_;                 // written by producers, about once a lap
  alignas(kDestructive) atomic<std::uint64_t> limit_;  // written by the holder
};

}  // namespace laneway::engine

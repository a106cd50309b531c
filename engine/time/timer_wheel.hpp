// Floor 1. TimerWheel: which slot is due at which tick. Knows indices and ticks, nothing else.
//
// A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP
// 1987, scheme 7) with intrusive doubly linked lists, so that a cancelled timer leaves no garbage.
//
// Placement. `reached` is the tick that the wheel has got to; its time is a number whose digits, in
// base 256, are positions on the levels. A timer waits on the level of the highest digit in which
// its tick differs from `reached`, in the bucket of its own digit there. A timer that is due, or
// late, waits in the bucket of `reached` on level 0. What differs above the last level waits in the
// overflow list until its round (a turn of the whole wheel) begins.
//
// Order of events. All of a level comes before all of the next one, and inside a level the digits
// rise, so buckets numbered level by level stand in the order of their times: the next event is the
// first bit of a bitmap, and time without events costs nothing. An event is the start of a bucket:
// `reached` moves there, and the bucket is fired (level 0) or cascaded, its timers moving to lower
// levels. Several events of one tick are taken one after the other, a budget may end a call
// anywhere.
//
// Invariants:
// 1. Timers of one tick fire in the order in which they were armed. At any time they all wait in
// one
//    list, except while the bucket that holds them is cascaded: then the later ones are still in
//    that bucket, and arm() appends to it and to no lower level (`floor_`).
// 2. No bucket but the current one starts at or before `reached`, and the current one starts there.
// 3. A bit is set if and only if its bucket is not empty.
// 4. A timer moves at most once per level, firing included; once more for each round in which the
//    overflow list is looked through.
//
// Progress: every call is bounded: arm, cancel and next_due by a constant, advance by its budget.
// No call allocates. One writer: the holder of the shard's token.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/limits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <span>

namespace laneway::engine {

// One per slot, in memory of the owner. All zero means "not armed": a fresh mapping is ready to use
// and is not touched before its slot is armed. Links are those of the wheel, not indices of slots.
struct TimerNode {
  std::uint32_t prev;
  std::uint32_t next;
  std::uint64_t tick;
};
static_assert(sizeof(TimerNode) == 16, "four timers share a cache line");

// What one advance did.
struct WheelProgress {
  std::uint32_t nodes = 0;  // fired or moved to a lower level, at most the budget
  bool more = false;        // the budget ended the call; something is left to do at the same tick
};

template <class Sink>
concept TimerSink = std::invocable<Sink&, std::uint32_t, std::uint64_t>;

template <unsigned kLevels = 4, unsigned kBucketBits = 8>
class BasicTimerWheel {
 public:
  using Node = TimerNode;
  static constexpr std::uint64_t kNever = UINT64_MAX;

  // One node per slot. They must be all zero and outlive the wheel; nothing else may write them.
  BasicTimerWheel(std::span<Node> nodes, std::uint64_t now_tick) noexcept
      : nodes_(nodes), reached_(now_tick) {
    LANEWAY_CHECK(nodes.size() <= UINT32_MAX - kFirstSlotLink);
    for (std::uint32_t link = 0; link < kFirstSlotLink; ++link) {
      heads_[link] = {link, link};
    }
  }
  BasicTimerWheel(const BasicTimerWheel&) = delete;  // two wheels cannot share nodes
  BasicTimerWheel& operator=(const BasicTimerWheel&) = delete;

  // The slot becomes due at `tick`, after all slots already armed for that tick. A slot that is
  // armed is moved. A tick that is past is due at once, after what is due now.
  void arm(std::uint32_t slot, std::uint64_t tick) noexcept {
    LANEWAY_ASSERT(slot < nodes_.size());
    if (armed(slot)) {
      unlink(slot);
    } else {
      ++size_;
    }
    const std::uint32_t bucket = bucket_for(tick, floor_);
    if (bucket >= kOverflow) [[unlikely]] {
      overflow_round_ = std::min(overflow_round_, tick >> kRoundBits);
    }
    nodes_[slot].tick = tick;
    append(bucket, slot);
  }

  // False, and nothing happens, if the slot is not armed.
  bool cancel(std::uint32_t slot) noexcept {
    LANEWAY_ASSERT(slot < nodes_.size());
    if (!armed(slot)) {
      return false;
    }
    unlink(slot);
    --size_;
    return true;
  }

  bool armed(std::uint32_t slot) const noexcept { return nodes_[slot].next != kUnlinked; }

  // As given to arm(). The slot must be armed.
  std::uint64_t tick_of(std::uint32_t slot) const noexcept {
    LANEWAY_ASSERT(armed(slot));
    return nodes_[slot].tick;
  }

  // Timers armed.
  std::uint32_t size() const noexcept { return size_; }

  // The tick that the wheel has got to: everything due before it has been fired. Behind the
  // now_tick of the last advance while its budget keeps it there.
  std::uint64_t reached() const noexcept { return reached_; }

  // A tick at which advance may have something to do: not later than the first timer fires, perhaps
  // earlier (the start of its bucket, or what remains of a cancelled one). kNever: nothing is
  // armed.
  std::uint64_t next_due() const noexcept {
    if (size_ == 0) {
      return kNever;
    }
    if (cascading() || !empty(current_bucket())) {
      return reached_;
    }
    return start_of(first_occupied());
  }

  // Moves time to now_tick and calls sink(slot, tick) for what is due, in the order of the ticks
  // and inside a tick in the order of arming; late arrivals come after what is due when they
  // arrive. Fires and moves at most `budget` nodes; what is left is done by the next calls, and
  // until then arm, cancel and next_due behave as if time had stopped in the middle. A now_tick
  // behind reached() does nothing. The slot is unlinked when the sink is called; the sink may arm
  // and cancel any slot, and must not call advance.
  template <TimerSink Sink>
  WheelProgress advance(std::uint64_t now_tick, std::uint32_t budget, Sink&& sink) {
    WheelProgress progress;
    if (now_tick < reached_) {
      return progress;
    }
    while (find_work(now_tick)) {
      if (progress.nodes == budget) {
        progress.more = true;
        break;
      }
      ++progress.nodes;
      const std::uint32_t slot = heads_[link_of_bucket(current_bucket())].next - kFirstSlotLink;
      unlink(slot);
      if (cascading()) {
        descend(slot);
        continue;
      }
      --size_;
      const std::uint64_t tick = nodes_[slot].tick;
      LANEWAY_ASSERT(tick <= now_tick);
      sink(slot, tick);
    }
    return progress;
  }

 private:
  // A link names a list's head (bucket + 1) or a slot (kFirstSlotLink + slot). Lists are circular
  // through their heads, so unlinking needs no bucket and appending knows no special case.
  struct Head {
    std::uint32_t prev;
    std::uint32_t next;
  };

  static constexpr std::uint32_t kBuckets = 1u << kBucketBits;  // of a level
  static constexpr std::uint32_t kOverflow = kLevels * kBuckets;
  static constexpr std::uint32_t kLists = kOverflow + 2;
  static constexpr std::uint32_t kUnlinked = 0;
  static constexpr std::uint32_t kFirstSlotLink = kLists + 1;
  static constexpr std::uint32_t kWords = (kLists + 63) / 64;
  static constexpr unsigned kRoundBits = kLevels * kBucketBits;
  static_assert(kLevels >= 1);
  static_assert(kRoundBits < 64, "a round must end before the ticks do");
  static_assert(kWords <= 64, "one word tells which words of the bitmap are not zero");

  static constexpr std::uint32_t link_of_bucket(std::uint32_t bucket) { return bucket + 1; }

  std::uint32_t& prev_of(std::uint32_t link) noexcept {
    return link < kFirstSlotLink ? heads_[link].prev : nodes_[link - kFirstSlotLink].prev;
  }
  std::uint32_t& next_of(std::uint32_t link) noexcept {
    return link < kFirstSlotLink ? heads_[link].next : nodes_[link - kFirstSlotLink].next;
  }

  bool empty(std::uint32_t bucket) const noexcept {
    return heads_[link_of_bucket(bucket)].next == link_of_bucket(bucket);
  }

  // The level is at least that of `floor`, a power of two whose exponent is a multiple of the
  // digit.
  std::uint32_t bucket_for(std::uint64_t tick, std::uint64_t floor) const noexcept {
    const std::uint64_t due_tick = std::max(tick, reached_);
    const auto bits = static_cast<unsigned>(std::bit_width((due_tick ^ reached_) | floor)) - 1;
    const unsigned level = bits / kBucketBits;
    if (level >= kLevels) [[unlikely]] {
      return overflow_;
    }
    const auto digit = static_cast<std::uint32_t>(due_tick >> (level * kBucketBits));
    return level * kBuckets + (digit & (kBuckets - 1));
  }

  // Where a timer for `reached` waits: the bucket being cascaded, or the one whose timers are due.
  std::uint32_t current_bucket() const noexcept { return bucket_for(reached_, floor_); }
  bool cascading() const noexcept { return floor_ != 1; }

  void append(std::uint32_t bucket, std::uint32_t slot) noexcept {
    const std::uint32_t head = link_of_bucket(bucket);
    const std::uint32_t link = kFirstSlotLink + slot;
    const std::uint32_t last = heads_[head].prev;
    LANEWAY_ASSERT(next_of(last) == head);
    nodes_[slot].prev = last;
    nodes_[slot].next = head;
    next_of(last) = link;
    heads_[head].prev = link;
    if (last == head) {
      occupied_[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
      occupied_words_ |= std::uint64_t{1} << (bucket / 64);
    }
  }

  void unlink(std::uint32_t slot) noexcept {
    Node& node = nodes_[slot];
    const std::uint32_t prev = node.prev;
    const std::uint32_t next = node.next;
    LANEWAY_ASSERT(next_of(prev) == kFirstSlotLink + slot);
    LANEWAY_ASSERT(prev_of(next) == kFirstSlotLink + slot);
    node.prev = kUnlinked;
    node.next = kUnlinked;
    next_of(prev) = next;
    prev_of(next) = prev;
    if (prev == next) {  // only a head follows and precedes the same node: the list is empty
      clear_occupied(prev - 1);
    }
  }

  void clear_occupied(std::uint32_t bucket) noexcept {
    std::uint64_t& word = occupied_[bucket / 64];
    word &= ~(std::uint64_t{1} << (bucket % 64));
    if (word == 0) {
      occupied_words_ &= ~(std::uint64_t{1} << (bucket / 64));
    }
  }

  // The bucket of the earliest event; something must be armed and the current bucket be empty.
  std::uint32_t first_occupied() const noexcept {
    LANEWAY_ASSERT(occupied_words_ != 0);
    const auto word = static_cast<std::uint32_t>(std::countr_zero(occupied_words_));
    return word * 64 + static_cast<std::uint32_t>(std::countr_zero(occupied_[word]));
  }

  // The tick at which an occupied bucket that is not the current one begins.
  std::uint64_t start_of(std::uint32_t bucket) const noexcept {
    if (bucket >= kOverflow) {
      // The remembered round may be that of timers since cancelled, and even have passed.
      return std::max(overflow_round_, (reached_ >> kRoundBits) + 1) << kRoundBits;
    }
    const unsigned shift = bucket / kBuckets * kBucketBits;
    const std::uint64_t above = reached_ >> shift >> kBucketBits;
    return (above << kBucketBits | (bucket & (kBuckets - 1))) << shift;
  }

  // Moves time to the next event at or before now_tick, or to now_tick if there is none. True: the
  // current bucket has a node to fire or to move. At most three turns.
  bool find_work(std::uint64_t now_tick) noexcept {
    while (empty(current_bucket())) {
      if (cascading()) {
        leave_cascade();
        continue;
      }
      const std::uint64_t start = occupied_words_ == 0 ? kNever : start_of(first_occupied());
      if (occupied_words_ == 0 || start > now_tick) {
        reached_ = now_tick;
        return false;
      }
      enter(first_occupied(), start);
    }
    return true;
  }

  void enter(std::uint32_t bucket, std::uint64_t start) noexcept {
    LANEWAY_ASSERT(start > reached_);
    reached_ = start;
    floor_ = std::uint64_t{1} << (bucket / kBuckets * kBucketBits);
    if (bucket >= kOverflow) {
      overflow_round_ = kNever;
    }
    LANEWAY_ASSERT(current_bucket() == bucket);
  }

  // What the overflow list kept for later rounds stands, in order, in the other of its two lists.
  void leave_cascade() noexcept {
    if (current_bucket() == overflow_) {
      overflow_ ^= 1;
    }
    floor_ = 1;
  }

  void descend(std::uint32_t slot) noexcept {
    std::uint32_t bucket = bucket_for(nodes_[slot].tick, 1);
    LANEWAY_ASSERT(bucket < current_bucket() || bucket == overflow_);
    if (bucket == overflow_) [[unlikely]] {
      bucket = overflow_ ^ 1;
      overflow_round_ = std::min(overflow_round_, nodes_[slot].tick >> kRoundBits);
    }
    append(bucket, slot);
  }

  std::span<Node> nodes_;
  std::uint64_t reached_;
  std::uint64_t floor_ = 1;  // the lowest tick distance of the level being cascaded; 1: none is
  std::uint64_t occupied_words_ = 0;
  std::uint64_t overflow_round_ = kNever;  // no timer of the overflow list is due in an earlier one
  std::uint32_t size_ = 0;
  std::uint32_t overflow_ = kOverflow;  // that or kOverflow + 1, the other being empty
  std::array<std::uint64_t, kWords> occupied_{};
  std::array<Head, kFirstSlotLink> heads_;
};

using TimerWheel = BasicTimerWheel<>;

}  // namespace laneway::engine

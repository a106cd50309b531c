// Floor 1. TimerWheel: which slot is due at which tick. Knows indices and ticks, nothing else.
//
// A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP
// 1987, scheme 7) with intrusive doubly linked lists.
//
// Cancelling is a mark: the node stays where it lies until its slot is armed again or its bucket
// comes, and is dropped then. arm_lazily() leaves the node of an earlier timer where it lies, too;
// when that bucket comes, the timer moves on to its own. So a slot whose leases are acknowledged
// and granted again costs the wheel one move per length of a lease, and not four lines per lease.
//
// Placement. `reached` is the tick that the wheel has got to. Its digits, in base 256, are
// positions on the levels. A timer waits on the level of the highest digit in which its tick
// differs from `reached`, in the bucket of its own digit there. One that is due, or late, waits in
// the bucket of `reached` on level 0. One that differs above the last level waits in the overflow
// list until its round (a turn of the whole wheel) begins.
//
// Events. `reached` moves to the start of a bucket, which is then fired (level 0) or cascaded, its
// timers moving to lower levels. All buckets of a level start before those of the next one, and
// inside a level the digits rise; so buckets numbered level by level stand in the order of time,
// the next event is the first bit of a bitmap, and empty time costs nothing.
//
// Invariants:
// 1. Timers of one tick that were armed by arm() fire in the order in which they were armed. They
//    wait in one list, except while that list is being cascaded, which a budget may interrupt
//    anywhere: then those still in it are the later ones, and arm appends to it and to no lower
//    level (`floor_`).
// 2. No bucket but the current one starts at or before `reached`.
// 3. A bit is set if and only if its bucket is not empty.
// 4. A timer moves at most once per level, firing included, once more for each round in which the
//    overflow list is looked through (those in which something of it was due), and once more for
//    each earlier timer whose place it was given.
// 5. No node lies in a bucket that starts after its tick.
//
// Progress: arm, cancel and next_due take a constant number of steps, advance its budget. Nothing
// allocates. One writer: the holder of the shard's token.
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

// A member of a list, or the head of one; in memory of the owner. All zero means "not armed", so a
// fresh mapping is ready to use and its pages are touched only as slots are armed. The links are
// the wheel's own numbers; the highest bit of `tick` marks a cancelled timer.
struct TimerNode {
  std::uint32_t prev;
  std::uint32_t next;
  std::uint64_t tick;
};
static_assert(sizeof(TimerNode) == 16, "four timers share a cache line");

// What one advance did.
struct WheelProgress {
  std::uint32_t nodes = 0;  // fired, moved or dropped; at most the budget
  bool more = false;        // the budget ended the call, and there may be more to do at this tick
};

template <class Sink>
concept TimerSink = std::invocable<Sink&, std::uint32_t, std::uint64_t>;

// Aligned: what every call reads, all but the bitmap, fits one cache line.
template <unsigned kLevels = 4, unsigned kBucketBits = 8>
class alignas(kCacheLine) BasicTimerWheel {
 public:
  static constexpr std::uint64_t kNever = UINT64_MAX;
  static constexpr std::uint64_t kTickMax = UINT64_MAX >> 1;

  // Nodes that a wheel for so many slots needs: one for each, and the heads of the lists.
  static constexpr std::size_t nodes_for(std::size_t slots) { return kFirstSlotLink + slots; }

  // nodes_for(slots) nodes. They must be all zero and outlive the wheel; nothing else may write
  // them.
  BasicTimerWheel(std::span<TimerNode> nodes, std::uint64_t now_tick) noexcept
      : nodes_(nodes), reached_(now_tick) {
    LANEWAY_CHECK(nodes.size() >= kFirstSlotLink);
    LANEWAY_CHECK(nodes.size() <= UINT32_MAX);
    for (std::uint32_t link = 0; link < kFirstSlotLink; ++link) {
      nodes_[link].prev = link;
      nodes_[link].next = link;
    }
  }
  BasicTimerWheel(const BasicTimerWheel&) = delete;  // two wheels cannot share nodes
  BasicTimerWheel& operator=(const BasicTimerWheel&) = delete;

  // The slot becomes due at `tick`, after all slots already armed for that tick; if it is armed, it
  // is moved. A tick that is past is due at once, after what is due now. At most kTickMax.
  void arm(std::uint32_t slot, std::uint64_t tick) noexcept {
    LANEWAY_ASSERT(tick <= kTickMax);
    cancel(slot);
    if (of(slot).next != kUnlinked) {
      unlink(slot);
    }
    ++size_;
    of(slot).tick = tick;
    if (tick != last_tick_ || last_bucket_ == kLists) {
      last_tick_ = tick;
      last_bucket_ = bucket_for(tick, floor_);
    }
    append(last_bucket_, slot);
  }

  // As arm, but in no order among those of its tick. The cheaper one for a slot that is armed again
  // and again, later each time.
  void arm_lazily(std::uint32_t slot, std::uint64_t tick) noexcept {
    TimerNode& node = of(slot);
    if (node.next == kUnlinked || tick < (node.tick & kTickMax)) [[unlikely]] {
      arm(slot, tick);
      return;
    }
    LANEWAY_ASSERT(tick <= kTickMax);
    size_ += cancelled(node) ? 1 : 0;
    node.tick = tick;
  }

  // False, and nothing happens, if the slot is not armed.
  bool cancel(std::uint32_t slot) noexcept {
    if (!armed(slot)) {
      return false;
    }
    of(slot).tick |= kCancelled;
    --size_;
    return true;
  }

  bool armed(std::uint32_t slot) const noexcept {
    LANEWAY_ASSERT(kFirstSlotLink + slot < nodes_.size());
    return of(slot).next != kUnlinked && !cancelled(of(slot));
  }

  // As given to arm(). The slot must be armed.
  std::uint64_t tick_of(std::uint32_t slot) const noexcept {
    LANEWAY_ASSERT(armed(slot));
    return of(slot).tick;
  }

  std::uint32_t size() const noexcept { return size_; }  // timers armed

  // The tick that the wheel has got to: everything due before it has been fired. Behind the
  // now_tick of the last advance while budgets keep it there.
  std::uint64_t reached() const noexcept { return reached_; }

  // A tick at which advance has something to do: never later than the first timer fires, perhaps
  // earlier (the start of its bucket, or that of a cancelled one). kNever: nothing is armed.
  std::uint64_t next_due() const noexcept {
    if (size_ == 0) {
      return kNever;
    }
    return cascading() ? reached_ : start_of(first_occupied());
  }

  // Moves time to now_tick and calls sink(slot, tick) for what is due: in the order of the ticks,
  // in a tick in the order of arming; what was armed too late comes after what was due then. Fires,
  // moves and drops at most `budget` nodes; the next calls do the rest, and until then time stands,
  // for arm, cancel and next_due too, at reached(). A now_tick behind reached() does nothing. The
  // slot is unlinked when the sink is called. The sink may arm and cancel any slot, but not
  // advance.
  template <TimerSink Sink>
  WheelProgress advance(std::uint64_t now_tick, std::uint32_t budget, Sink&& sink) {
    WheelProgress progress;
    while (now_tick >= reached_ && find_work(now_tick)) {
      if (progress.nodes == budget) {
        progress.more = size_ != 0;
        break;
      }
      ++progress.nodes;
      const std::uint32_t slot = nodes_[link_of_bucket(current_bucket())].next - kFirstSlotLink;
      unlink(slot);
      const std::uint64_t tick = of(slot).tick;
      if (cancelled(of(slot))) {
        continue;
      }
      if (cascading() || tick > reached_) {
        move_on(slot);
        continue;
      }
      --size_;
      sink(slot, tick);
    }
    return progress;
  }

 private:
  // A link is the place of a node: the head of a list (bucket + 1) or a slot (kFirstSlotLink +
  // slot). Lists are circular through their heads, so that to unlink needs no bucket and to append
  // no special case.

  static constexpr std::uint32_t kBuckets = 1u << kBucketBits;  // of a level
  static constexpr std::uint32_t kOverflow = kLevels * kBuckets;
  static constexpr std::uint32_t kLists = kOverflow + 2;
  static constexpr std::uint32_t kUnlinked = 0;
  static constexpr std::uint64_t kCancelled = kTickMax + 1;
  static constexpr std::uint32_t kFirstSlotLink = kLists + 1;
  static constexpr std::uint32_t kWords = (kLists + 63) / 64;
  static constexpr unsigned kRoundBits = kLevels * kBucketBits;
  static_assert(kBucketBits >= 1, "the two overflow lists differ in the lowest bit alone");
  static_assert(kRoundBits < 64, "a round must end before the ticks do");
  static_assert(kWords <= 64, "one word tells which words of the bitmap are not zero");

  static constexpr std::uint32_t link_of_bucket(std::uint32_t bucket) { return bucket + 1; }

  TimerNode& of(std::uint32_t slot) noexcept { return nodes_[kFirstSlotLink + slot]; }
  const TimerNode& of(std::uint32_t slot) const noexcept { return nodes_[kFirstSlotLink + slot]; }
  static bool cancelled(const TimerNode& node) noexcept { return (node.tick & kCancelled) != 0; }

  bool empty(std::uint32_t bucket) const noexcept {
    return nodes_[link_of_bucket(bucket)].next == link_of_bucket(bucket);
  }

  // Not below the level whose lowest digit is worth `floor` ticks.
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
    const std::uint32_t last = nodes_[head].prev;
    LANEWAY_ASSERT(nodes_[last].next == head);
    of(slot).prev = last;
    of(slot).next = head;
    nodes_[last].next = kFirstSlotLink + slot;
    nodes_[head].prev = kFirstSlotLink + slot;
    if (last == head) {
      occupied_[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
      occupied_words_ |= std::uint64_t{1} << (bucket / 64);
    }
    if (bucket >= kOverflow) [[unlikely]] {
      overflow_round_ = std::min(overflow_round_, of(slot).tick >> kRoundBits);
    }
  }

  void unlink(std::uint32_t slot) noexcept {
    TimerNode& node = of(slot);
    const std::uint32_t prev = node.prev;
    const std::uint32_t next = node.next;
    LANEWAY_ASSERT(nodes_[prev].next == kFirstSlotLink + slot);
    LANEWAY_ASSERT(nodes_[next].prev == kFirstSlotLink + slot);
    node.prev = kUnlinked;
    node.next = kUnlinked;
    nodes_[prev].next = next;
    nodes_[next].prev = prev;
    if (prev == next) {  // only a head can stand on both sides: the list is empty now
      const std::uint32_t bucket = prev - 1;
      occupied_[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
      if (occupied_[bucket / 64] == 0) {
        occupied_words_ &= ~(std::uint64_t{1} << (bucket / 64));
      }
    }
  }

  // The bucket of the next event. While a cascade is in progress that bucket comes before it.
  std::uint32_t first_occupied() const noexcept {
    LANEWAY_ASSERT(occupied_words_ != 0);
    // Not std::countr_zero: for its answer of 64, which cannot be here, GCC warns of the subscript.
    const auto word = static_cast<std::uint32_t>(__builtin_ctzll(occupied_words_));
    return word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(occupied_[word]));
  }

  // The tick at which an occupied bucket begins, outside of cascades.
  std::uint64_t start_of(std::uint32_t bucket) const noexcept {
    if (bucket >= kOverflow) [[unlikely]] {
      // The round may be that of timers since cancelled, and even have passed.
      return std::max(overflow_round_, (reached_ >> kRoundBits) + 1) << kRoundBits;
    }
    const unsigned shift = bucket / kBuckets * kBucketBits;
    const std::uint64_t above = reached_ >> shift >> kBucketBits;
    return (above << kBucketBits | (bucket & (kBuckets - 1))) << shift;
  }

  // True: the current bucket has a node to fire or to move. False: time is now_tick, all is done.
  bool find_work(std::uint64_t now_tick) noexcept {
    if (cascading()) {
      if (!empty(current_bucket())) {
        return true;
      }
      // What an overflow cascade keeps for later rounds is, in order, in the other overflow list.
      overflow_ ^= current_bucket() == overflow_ ? 1 : 0;
      floor_ = 1;
      last_bucket_ = kLists;
    }
    if (occupied_words_ == 0 || start_of(first_occupied()) > now_tick) {
      reached_ = now_tick;
      last_bucket_ = kLists;
      return false;
    }
    if (empty(current_bucket())) {
      enter(first_occupied());
    }
    return true;
  }

  void enter(std::uint32_t bucket) noexcept {
    LANEWAY_ASSERT(start_of(bucket) > reached_);
    reached_ = start_of(bucket);
    last_bucket_ = kLists;
    floor_ = std::uint64_t{1} << (bucket / kBuckets * kBucketBits);
    if (bucket >= kOverflow) {
      overflow_round_ = kNever;  // until the cascade finds what it has to keep
    }
    LANEWAY_ASSERT(current_bucket() == bucket);
  }

  // To the timer's own bucket, which is a lower one, or a later one if it was armed lazily. What a
  // cascade of the overflow list keeps goes to the other one.
  void move_on(std::uint32_t slot) noexcept {
    const std::uint32_t bucket = bucket_for(of(slot).tick, 1);
    LANEWAY_ASSERT(bucket != current_bucket() || bucket == overflow_);
    append(bucket == overflow_ && current_bucket() == overflow_ ? bucket ^ 1 : bucket, slot);
  }

  std::span<TimerNode> nodes_;
  std::uint64_t reached_;
  std::uint64_t floor_ = 1;  // ticks that the lowest digit of the cascaded level is worth, or 1
  std::uint64_t occupied_words_ = 0;
  std::uint64_t overflow_round_ = kNever;  // nothing in the overflow list is due in an earlier one
  // Where the last arm() put its timer: those of one hold mostly have one tick. kLists: not
  // known.
  std::uint64_t last_tick_ = 0;
  std::uint32_t last_bucket_ = kLists;
  std::uint32_t size_ = 0;              // armed; those that were cancelled may lie in lists too
  std::uint32_t overflow_ = kOverflow;  // or kOverflow + 1; the other one is for cascades
  std::array<std::uint64_t, kWords> occupied_{};
};

using TimerWheel = BasicTimerWheel<>;

}  // namespace laneway::engine

// Floor 2. The steps of ShardCore that every message takes, inline: accept, grant and ack together
// are some three hundred instructions, and calls between them would be a third more. Included by
// shard_core.hpp alone.
#pragma once

#include "engine/core/shard_core.hpp"

#include <algorithm>

namespace laneway::engine {

inline std::chrono::nanoseconds elapsed(std::int64_t from_ns, std::int64_t now_ns) {
  return std::chrono::nanoseconds(std::max<std::int64_t>(0, now_ns - from_ns));
}

// --- accept -----------------------------------------------------------------------------------

inline std::uint32_t ShardCore::allocate() {
  if (free_ != 0) {
    const std::uint32_t index = free_ - 1;
    free_ = slots_[index].list_next;
    return index;
  }
  LANEWAY_CHECK(fresh_ < slots_.size());
  return fresh_++;
}

[[gnu::always_inline]] inline void ShardCore::release_slot(std::uint32_t index) {
  Slot& slot = slots_[index];
  LANEWAY_ASSERT(slot.pins == 0);
  if (options_.counts_bytes) [[unlikely]] {
    freed_bytes_ += slot.content_bytes();
  }
  if (slot.block != nullptr) {
    slot.block->next = freed_blocks_;
    freed_blocks_ = slot.block;
    slot.block = nullptr;
  }
  if (slot.beyond_capacity) [[unlikely]] {
    // Of the slots beyond the capacity all above the bound count against it, whichever they are.
    left_ += beyond_ > options_.dead_max ? 1 : 0;
    --beyond_;
    slot.beyond_capacity = false;
  } else {
    ++left_;
  }
  slot.state = SlotState::free;
  slot.list_next = free_;
  free_ = index + 1;
}

inline void ShardCore::arm_ttl(std::uint32_t index) {
  if (slots_[index].ttl_tick != 0) {
    wheel_.arm(index, slots_[index].ttl_tick);
  }
}

inline void ShardCore::arm_due(std::uint32_t index, std::uint64_t tick) {
  const std::uint64_t ttl_tick = slots_[index].ttl_tick;
  wheel_.arm(index, ttl_tick != 0 ? std::min(tick, ttl_tick) : tick);
}

inline void ShardCore::make_ready(std::uint32_t index, std::int64_t now_ns, bool at_front) {
  Slot& slot = slots_[index];
  slot.state = SlotState::ready;
  slot.since_ns = now_ns;
  if (at_front) {
    // No younger than the one behind it, so that the first of the list is always the oldest.
    slot.since_ns = ready_.empty() ? now_ns : slots_[ready_.front()].since_ns;
    ready_.push_front(index);
  } else {
    ready_.push_back(index);
  }
  if (options_.priorities) [[unlikely]] {
    ranked_.push(index, at_front);
  }
  arm_ttl(index);
}

inline void ShardCore::make_blocked(std::uint32_t index) {
  slots_[index].state = SlotState::blocked;
  ++stats_.blocked;
  arm_ttl(index);
}

// The message takes its place in the order of its key. False: another one is before it.
[[gnu::always_inline]] inline bool ShardCore::join_lane(std::uint32_t index, std::int64_t now_ns) {
  Slot& slot = slots_[index];
  slot.join = ++joins_;
  if (options_.kind == QueueKind::by_key && slot.has_key() && !lanes_.append(index)) {
    if (options_.on_death == OnDeath::divert_key && stopped_before(index)) [[unlikely]] {
      divert(index, now_ns);
    } else {
      make_blocked(index);
    }
    return false;
  }
  return true;
}

inline void ShardCore::join(std::uint32_t index, std::int64_t now_ns) {
  if (join_lane(index, now_ns)) {
    make_ready(index, now_ns, false);
  }
}

inline void ShardCore::note_entered(std::uint32_t index) {
  if (options_.drops_oldest) {
    age_.push(index);
  }
  if (options_.priorities) {
    ranked_.set_priority(index, next_priority_);
  }
  if (log_ != nullptr) {
    log_->accepted(index);
  }
}

inline void ShardCore::note_joined(std::uint32_t index) {
  if (log_ != nullptr) {
    log_->joined(index);
  }
}

inline void ShardCore::note_resolved(std::uint32_t index, MessageState outcome) {
  if (log_ != nullptr) {
    log_->resolved(index, outcome);
  }
  if (options_.drops_oldest) {
    age_.remove(index);
  }
}

[[gnu::always_inline]] inline std::uint32_t ShardCore::enter(const Submission& submission,
                                                             std::uint64_t position,
                                                             std::int64_t now_ns) {
  LANEWAY_ASSERT(position == accepted_);
  const std::uint32_t index = allocate();
  Slot& slot = slots_[index];
  static_cast<MessageBody&>(slot) = submission;
  slot.position = position;
  slot.published_ns = now_ns;
  slot.attempts = 0;
  slot.cancelled = false;
  if (submission.attempts_max == 0) {
    slot.attempts_max = static_cast<std::uint16_t>(options_.attempts_max);
  }

  ++accepted_;
  index_.insert(index, position);
  if (noted_) [[unlikely]] {
    note_entered(index);
  }
  const std::uint64_t due_tick = submission.due_tick;
  // Due already: joins at once, unless one with an earlier delay is still to join before it.
  if (due_tick == 0 || (due_tick <= tick_floor(now_ns) && wheel_.next_due() > due_tick)) {
    if (noted_ && due_tick != 0) [[unlikely]] {
      note_joined(index);
    }
    return join_lane(index, now_ns) ? index : kNoSlot;
  }
  slot.state = SlotState::delayed;
  ++stats_.delayed;
  arm_due(index, due_tick);
  return kNoSlot;
}

inline void ShardCore::accept(const Submission& submission,
                              std::uint64_t position,
                              std::int64_t now_ns) {
  const std::uint32_t index = enter(submission, position, now_ns);
  if (index != kNoSlot) {
    make_ready(index, now_ns, false);
  }
}

// --- grant ------------------------------------------------------------------------------------

inline bool ShardCore::is_late(std::uint32_t index, std::int64_t now_ns) const {
  const Slot& slot = slots_[index];
  return slot.ttl_tick != 0 && slot.ttl_tick <= tick_floor(now_ns);
}

// Takes the first ready message out of its list. A waiting message whose deadline has passed is
// never granted, also when its timer is behind; only so many of them are looked at.
inline std::uint32_t ShardCore::next_ready(std::int64_t now_ns) {
  for (std::uint32_t late = 0; late < kHoldItemsMax && !ready_.empty(); ++late) {
    const std::uint32_t index = first_ready();
    if (!is_late(index, now_ns)) {
      if (options_.priorities) [[unlikely]] {
        unlist_ready(index);
      } else {
        ready_.pop_front();
      }
      stats_.queue_wait.record(elapsed(slots_[index].since_ns, now_ns));
      return index;
    }
    timer_fired(index, slots_[index].ttl_tick, now_ns);
  }
  return kNoSlot;
}

inline void ShardCore::lease_one(std::uint32_t index,
                                 std::int64_t now_ns,
                                 const GrantTerms& terms) {
  Slot& slot = slots_[index];
  if (slot.ttl_tick != 0) {
    wheel_.cancel(index);
  }
  slot.state = SlotState::leased;
  slot.since_ns = now_ns;
  slot.consumer = terms.consumer;
  slot.run = 0;
  ++slot.attempts;
  ++slot.pins;
  if (log_ != nullptr) [[unlikely]] {
    log_->attempts_changed(index);
  }
  ++stats_.leased;
  ++stats_.leased_total;
  if (slot.attempts > 1) [[unlikely]] {
    ++stats_.redelivered;
  }
}

[[gnu::always_inline]] inline Grant ShardCore::begin_lease(std::uint32_t index,
                                                           std::int64_t now_ns,
                                                           const GrantTerms& terms) {
  lease_one(index, now_ns, terms);
  wheel_.arm_lazily(index, terms.deadline_tick);
  ++leases_out_;
  return {index, 0, ++fences_, slots_[index].attempts};
}

inline bool ShardCore::grant(const GrantTerms& terms, std::int64_t now_ns, Grant* grant) {
  const std::uint32_t index = next_ready(now_ns);
  if (index == kNoSlot) {
    return false;
  }
  *grant = begin_lease(index, now_ns, terms);
  const Slot& slot = slots_[index];
  if (options_.run_max > 1 && slot.lane_prev != 0 && slot.lane_next != 0 && terms.room > 1) {
    extend_run(index, now_ns, terms, grant);
  }
  return true;
}

template <class Lease>
[[gnu::always_inline]] inline void ShardCore::grant_entered(std::span<const std::uint32_t> entered,
                                                            const GrantTerms& terms,
                                                            std::int64_t now_ns,
                                                            Lease lease) {
  LANEWAY_ASSERT(ready_.empty());
  std::uint64_t at_once = 0;
  for (const std::uint32_t index : entered) {
    Slot& slot = slots_[index];
    if (slot.ttl_tick != 0) [[unlikely]] {
      const Grant grant = grant_in_time(index, terms, now_ns);
      if (grant.slot != kNoSlot) {
        lease(grant);
      }
      continue;
    }
    // As begin_lease, of a message that has never been granted.
    slot.since_ns = now_ns;
    slot.consumer = terms.consumer;
    slot.run = 0;
    slot.attempts = 1;
    slot.pins = 1;
    slot.state = SlotState::leased;
    if (log_ != nullptr) [[unlikely]] {
      log_->attempts_changed(index);
    }
    wheel_.arm_lazily(index, terms.deadline_tick);
    ++at_once;
    lease(Grant{index, 0, ++fences_, 1});
  }
  granted_at_once_ += at_once;
  leases_out_ += at_once;
}

// --- settle -----------------------------------------------------------------------------------

// Leases of one grant that are acknowledged together took equally long.
inline void ShardCore::note_ack(std::int64_t granted_ns, std::int64_t now_ns) {
  const std::int64_t ns = now_ns - granted_ns;
  if (ns != last_acks_.ns) [[unlikely]] {
    record_acks(&stats_);
    last_acks_ = {0, ns};
  }
  ++last_acks_.count;
}

// Takes the message out of its lane, if it is in one; the next of its key becomes ready.
[[gnu::always_inline]] inline void ShardCore::leave_lane(std::uint32_t index, std::int64_t now_ns) {
  if (slots_[index].lane_prev == 0) {
    return;
  }
  const std::uint32_t head = lanes_.remove(index);
  if (head != 0 && slots_[head - 1].state == SlotState::blocked) {
    --stats_.blocked;
    wheel_.cancel(head - 1);
    make_ready(head - 1, now_ns, false);
  }
}

[[gnu::always_inline]] inline void ShardCore::resolve(std::uint32_t index, MessageState outcome) {
  Slot& slot = slots_[index];
  LANEWAY_ASSERT(slot.lane_prev == 0);
  LANEWAY_ASSERT(!wheel_.armed(index));
  if (noted_) [[unlikely]] {
    note_resolved(index, outcome);
  }
  index_.resolve(index, slot.position, outcome);
  if (slot.story != 0) {
    story_.forget(slot);
  }
  if (slot.pins == 0) {
    release_slot(index);
    return;
  }
  slot.state = SlotState::resolved;
  ++stats_.pinned;
}

[[gnu::always_inline]] inline void ShardCore::settle_acked(std::uint32_t index,
                                                           std::int64_t now_ns) {
  Slot& slot = slots_[index];
  LANEWAY_ASSERT(slot.run == 0);
  LANEWAY_ASSERT(slot.state == SlotState::leased);
  note_ack(slot.since_ns, now_ns);
  wheel_.cancel(index);
  --leases_out_;
  --slot.pins;
  leave_lane(index, now_ns);
  resolve(index, MessageState::completed);
}

}  // namespace laneway::engine

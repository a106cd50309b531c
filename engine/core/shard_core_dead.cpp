// Floor 2. ShardCore: death, and what comes after it. By OnDeath a dead letter may stop its key:
// then it stays in its lane, at the head. With divert_key those that follow it there are dead too,
// and stay behind it; whoever joins behind a dead one is diverted at once. Those that had been
// blocked are diverted one by one, by timers that are due now, so that a long lane is worked off
// within the budget of timers.
#include "engine/base/assert.hpp"
#include "engine/core/shard_core.hpp"

#include <algorithm>

namespace laneway::engine {

// To the dead letters; the oldest of them makes room.
void ShardCore::bury(std::uint32_t index, DeadReason reason, std::int64_t now_ns) {
  Slot& slot = slots_[index];
  const bool stops = options_.on_death != OnDeath::continue_key && slot.lane_prev != 0;
  if (!stops) {
    leave_lane(index, now_ns);
  }
  slot.state = SlotState::dead;
  if (age_.used()) {
    age_.remove(index);
  }
  slot.reason = static_cast<std::uint8_t>(reason);
  last_died_ns_ = std::max(now_ns, last_died_ns_ + kDeathNanos);
  slot.since_ns = last_died_ns_;
  if (log_ != nullptr) {
    log_->died(index);
  }
  count_death(reason);
  if (stops) {
    stats_.keys_stopped += lanes_.is_head(index) ? 1u : 0u;
    if (options_.on_death == OnDeath::divert_key && slot.lane_next != 0) {
      wheel_.arm(slot.lane_next - 1, tick_floor(now_ns));
    }
  }
  if (dead_.size() >= options_.dead_max) {
    ++stats_.discarded_for_room;
    discard(dead_.front(), now_ns);
  }
  dead_.push_back(index);
  if (options_.dead_age_max_ms != 0) {
    wheel_.arm(index, tick_after(now_ns, options_.dead_age_max_ms));
  }
  leave_capacity(index);
}

// While replayed or pinned ones fill the bound, as many go on counting against the capacity.
void ShardCore::leave_capacity(std::uint32_t index) {
  if (!slots_[index].beyond_capacity) {
    slots_[index].beyond_capacity = true;
    ++beyond_;
    left_ += beyond_ <= options_.dead_max ? 1 : 0;
  }
}

void ShardCore::count_death(DeadReason reason) {
  ++stats_.dead_lettered;
  switch (reason) {
    case DeadReason::rejected:
      ++stats_.dead_rejected;
      return;
    case DeadReason::attempts:
      ++stats_.dead_attempts;
      return;
    case DeadReason::diverted:
      ++stats_.dead_diverted;
      return;
  }
}

// A message behind a dead one of its key, not armed and in no list.
void ShardCore::divert(std::uint32_t index, std::int64_t now_ns) {
  LANEWAY_ASSERT(options_.on_death == OnDeath::divert_key);
  bury(index, DeadReason::diverted, now_ns);
}

// Before a message leaves its lane alive: was it the next to be diverted? Then another one is.
void ShardCore::divert_next(std::uint32_t index, std::int64_t now_ns) {
  const Slot& slot = slots_[index];
  if (slot.lane_prev != 0 && slot.lane_next != 0 && !lanes_.is_head(index) &&
      stopped_before(index)) {
    wheel_.arm(slot.lane_next - 1, tick_floor(now_ns));
  }
}

void ShardCore::unlist_dead(std::uint32_t index) {
  LANEWAY_ASSERT(slots_[index].state == SlotState::dead);
  dead_.remove(index);
  wheel_.cancel(index);
}

// Takes a dead letter out of its lane. When it was the last one that stopped it, the key goes on.
void ShardCore::unstop(std::uint32_t index, std::int64_t now_ns) {
  if (slots_[index].lane_prev == 0) {
    return;
  }
  const bool head = lanes_.is_head(index);
  const std::uint32_t next = slots_[index].lane_next;
  const bool still = next != 0 && slots_[next - 1].state == SlotState::dead;
  stats_.keys_stopped -= head && !still ? 1u : 0u;
  leave_lane(index, now_ns);
}

bool ShardCore::release_key(std::string_view key, std::uint32_t key_hash, std::int64_t now_ns) {
  std::uint32_t head = lanes_.find(key, key_hash);
  if (head == 0 || slots_[head - 1].state != SlotState::dead) {
    return false;
  }
  while (head != 0 && slots_[head - 1].state == SlotState::dead) {
    const std::uint32_t next = slots_[head - 1].lane_next;
    unstop(head - 1, now_ns);
    head = next;
  }
  return true;
}

void ShardCore::replay(std::uint32_t index, std::uint64_t due_tick, std::int64_t now_ns) {
  Slot& slot = slots_[index];
  unlist_dead(index);
  ++stats_.replayed;
  story_.forget(slot);
  slot.attempts = 0;
  slot.ttl_tick = 0;  // its deadline was for its first life
  if (log_ != nullptr) {
    log_->replayed(index, due_tick);
  }
  if (age_.used()) {
    age_.push(index);
  }
  if (slot.lane_prev != 0 && options_.on_death == OnDeath::divert_key) {
    release_key(slot.key_view(), slot.key_hash, now_ns);
  }
  const bool in_place = slot.lane_prev != 0;
  stats_.keys_stopped -= in_place ? 1u : 0u;
  if (due_tick != 0) {
    slot.state = in_place ? SlotState::retrying : SlotState::delayed;
    ++stats_.delayed;
    arm_due(index, due_tick);
  } else if (in_place) {
    make_ready(index, now_ns, false);
  } else {
    join(index, now_ns);
  }
}

void ShardCore::discard(std::uint32_t index, std::int64_t now_ns) {
  unlist_dead(index);
  ++stats_.discarded;
  unstop(index, now_ns);
  if (age_.used()) {
    age_.push(index);  // resolve takes it out
  }
  resolve(index, MessageState::discarded);
}

}  // namespace laneway::engine

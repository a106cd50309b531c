// Floor 2. ShardCore: messages of an earlier life come back. First each gets its slot, by rising
// position; then the dead ones their state, by time of death; then all their place, in their order.
#include "engine/core/shard_core.hpp"

#include <algorithm>

namespace laneway::engine {

std::uint32_t ShardCore::restore(const RestoredMessage& message) {
  LANEWAY_ASSERT(log_ == nullptr);
  const std::uint32_t index = allocate();
  Slot& slot = slots_[index];
  static_cast<MessageBody&>(slot) = message.submission;
  slot.position = message.position;
  slot.published_ns = message.published_ns;
  slot.cancelled = false;
  for (const RestoredAttempt& attempt : message.story) {
    FailureNote note{};
    note.error_class = attempt.error_class;
    note.set_text(attempt.text);
    slot.attempts = attempt.number;
    slot.consumer = attempt.consumer;
    slot.since_ns = attempt.granted_ns;
    story_.add(slot, attempt.end, &note, attempt.ended_ns);
  }
  slot.attempts = message.attempts;
  if (slot.attempts_max == 0) {
    slot.attempts_max = static_cast<std::uint16_t>(options_.attempts_max);
  }
  --left_;  // it counts against the capacity
  ++stats_.published;
  index_.insert(index, slot.position);
  next_priority_ = message.priority;
  if (noted_) {
    note_entered(index);
  }
  return index;
}

void ShardCore::restore_dead(std::uint32_t index, DeadReason reason, std::int64_t died_ns) {
  die(index, reason, died_ns);
  list_dead(index, died_ns);
}

void ShardCore::restore_order_of_dead(std::uint32_t index, bool stops) {
  slots_[index].join = ++joins_;
  if (stops && options_.on_death != OnDeath::continue_key && slots_[index].has_key()) {
    const bool head = lanes_.append(index);
    stats_.keys_stopped += head ? 1u : 0u;
    // One of several that were handed out together. Only a head stops its key, and those diverted.
    if (!head && (options_.on_death == OnDeath::hold_key || !stopped_before(index))) {
      (void)lanes_.remove(index);
    }
  }
}

void ShardCore::restore_waiting(std::uint32_t index, std::int64_t now_ns) {
  join(index, now_ns);
}

void ShardCore::restore_delayed(std::uint32_t index, std::uint64_t due_tick) {
  slots_[index].state = SlotState::delayed;
  ++stats_.delayed;
  arm_due(index, due_tick);
}

void ShardCore::restore_retrying(std::uint32_t index,
                                 std::uint64_t due_tick,
                                 bool detached,
                                 std::int64_t now_ns) {
  // Only the head of a lane can be one that failed; another that says so waits for its turn.
  if (!detached && !join_lane(index, now_ns)) {
    return;
  }
  slots_[index].state = SlotState::retrying;
  ++stats_.delayed;
  arm_due(index, due_tick);
}

std::uint32_t ShardCore::restore_id(const DedupWindow::Entry& entry, std::int64_t now_ns) {
  const std::uint32_t place = dedup_.place_of(dedup_.end());
  (void)dedup_.add(entry, now_ns, [](std::uint32_t) {});
  return place;
}

}  // namespace laneway::engine

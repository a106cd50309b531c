// Floor 2. LaneTable: the active keys of a shard. A key is present only while one of its messages
// is ready, blocked, leased or waits for its retry; its lane chains them in join order.
//
// A lane is nothing but its slots: the table leads to the head, the head's lane_prev to the tail
// and lane_length counts, so that a key with one message costs one entry and one slot. Complexity:
// expected O(1).
#pragma once

#include "engine/core/key_table.hpp"
#include "engine/core/slot.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace laneway::engine {

class LaneTable {
 public:
  // Memory for KeyTable::entries(slots); zeroed.
  LaneTable(std::span<ProbeTable::Entry> entries, std::span<Slot> slots)
      : table_(entries, slots.size()), slots_(slots.data()) {}

  std::uint64_t active() const { return table_.size(); }

  // Slot + 1 of the head of this key's lane, or 0.
  std::uint32_t find(std::string_view key, std::uint32_t key_hash) const {
    return table_.find(key_hash,
                       [&](std::uint32_t other) { return slots_[other - 1].key_view() == key; });
  }

  // Puts the slot at the end of its key's lane. True: it is the lane's only message.
  [[gnu::always_inline]] bool append(std::uint32_t slot) {
    Slot& added = slots_[slot];
    const std::uint32_t head = table_.find_or_insert(
        added.key_hash, slot + 1,
        [&](std::uint32_t other) { return slots_[other - 1].key_view() == added.key_view(); });
    if (head != 0) {
      chain(slots_[head - 1], slot);
      return false;
    }
    added.lane_prev = slot + 1;
    added.lane_next = 0;
    added.lane_length = 1;
    return true;
  }

  // Takes the slot out. Answers the slot + 1 that became the head of its lane by that, else 0.
  [[gnu::always_inline]] std::uint32_t remove(std::uint32_t slot) {
    Slot& removed = slots_[slot];
    if (removed.lane_prev == slot + 1) [[likely]] {  // its own tail: the only one
      removed.lane_prev = 0;
      table_.erase(removed.key_hash, slot + 1);
      return 0;
    }
    return remove_of_many(slot);
  }

  // For a slot that is in a lane: only a head's lane_prev leads to a slot without a next.
  bool is_head(std::uint32_t slot) const {
    return slots_[slots_[slot].lane_prev - 1].lane_next == 0;
  }

 private:
  std::uint32_t remove_of_many(std::uint32_t slot) {
    Slot& removed = slots_[slot];
    const std::uint32_t next = removed.lane_next;
    const std::uint32_t prev = removed.lane_prev;
    removed.lane_prev = 0;
    if (slots_[prev - 1].lane_next != 0) {
      unchain(slot, prev, next);
      return 0;
    }
    slots_[next - 1].lane_prev = prev;
    slots_[next - 1].lane_length = removed.lane_length - 1;
    table_.replace(removed.key_hash, slot + 1, next);
    return next;
  }

  void chain(Slot& head, std::uint32_t slot) {
    slots_[slot].lane_next = 0;
    slots_[slot].lane_prev = head.lane_prev;
    slots_[head.lane_prev - 1].lane_next = slot + 1;
    head.lane_prev = slot + 1;
    ++head.lane_length;
  }

  // A slot that is not the head; `removed` has lost its lane_prev already.
  void unchain(std::uint32_t slot, std::uint32_t prev, std::uint32_t next) {
    const Slot& removed = slots_[slot];
    Slot& head = slots_[table_.find(removed.key_hash, [&](std::uint32_t other) {
      return slots_[other - 1].key_view() == removed.key_view();
    }) - 1];
    slots_[prev - 1].lane_next = next;
    (next != 0 ? slots_[next - 1] : head).lane_prev = prev;
    --head.lane_length;
  }

  KeyTable table_;
  Slot* slots_;
};

}  // namespace laneway::engine

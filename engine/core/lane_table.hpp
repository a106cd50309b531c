// Floor 2. LaneTable: the active keys of a shard. A key is present only while one of its messages
// is ready, blocked, leased or waits for its retry; its lane chains them in join order.
#pragma once

#include "engine/core/key_table.hpp"
#include "engine/core/slot.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace laneway::engine {

struct Lane {
  std::uint32_t head;  // slot + 1
  std::uint32_t tail;
  std::uint32_t length;
  std::uint32_t next_free;  // index + 1
};

class LaneTable {
 public:
  // Memory for KeyTable::entries(lanes); all of it zeroed.
  LaneTable(std::span<ProbeTable::Entry> entries, std::span<Lane> lanes, std::span<Slot> slots)
      : table_(entries, lanes.size()), lanes_(lanes.data()), slots_(slots.data()) {}

  std::uint64_t active() const { return table_.size(); }
  void prefetch(std::uint32_t hash) const { table_.prefetch(hash); }

  // Puts the slot at the end of its key's lane. True: it is the lane's only message.
  bool append(std::uint32_t slot) {
    Slot& added = slots_[slot];
    const std::uint32_t unused = free_ != 0 ? free_ : fresh_ + 1;
    const std::uint32_t link =
        table_.find_or_insert(added.key_hash, unused, [&](std::uint32_t lane) {
          return slots_[lanes_[lane - 1].head - 1].key_view() == added.key_view();
        });
    if (link != 0) {
      chain(link, slot);
      return false;
    }
    Lane& lane = lanes_[unused - 1];
    if (free_ != 0) {
      free_ = lane.next_free;
    } else {
      ++fresh_;
    }
    lane = {slot + 1, slot + 1, 1, 0};
    added.lane = unused;
    added.lane_prev = 0;
    added.lane_next = 0;
    return true;
  }

  // Takes the slot out. Answers the slot + 1 that became the head of its lane by that, else 0.
  std::uint32_t remove(std::uint32_t slot) {
    Slot& removed = slots_[slot];
    const std::uint32_t link = removed.lane;
    Lane& lane = lanes_[link - 1];
    removed.lane = 0;
    if (--lane.length == 0) {
      close(link, removed.key_hash);
      return 0;
    }
    const bool was_head = removed.lane_prev == 0;
    (was_head ? lane.head : slots_[removed.lane_prev - 1].lane_next) = removed.lane_next;
    (removed.lane_next == 0 ? lane.tail : slots_[removed.lane_next - 1].lane_prev) =
        removed.lane_prev;
    return was_head ? lane.head : 0;
  }

  bool is_head(std::uint32_t slot) const { return slots_[slot].lane_prev == 0; }

 private:
  void chain(std::uint32_t link, std::uint32_t slot) {
    Slot& added = slots_[slot];
    Lane& lane = lanes_[link - 1];
    added.lane = link;
    added.lane_prev = lane.tail;
    added.lane_next = 0;
    slots_[lane.tail - 1].lane_next = slot + 1;
    lane.tail = slot + 1;
    ++lane.length;
  }

  void close(std::uint32_t link, std::uint32_t hash) {
    table_.erase(hash, link);
    lanes_[link - 1].next_free = free_;
    free_ = link;
  }

  KeyTable table_;
  Lane* lanes_;
  Slot* slots_;
  std::uint32_t free_ = 0;
  std::uint32_t fresh_ = 0;
};

}  // namespace laneway::engine

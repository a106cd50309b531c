// Floor 2. PositionIndex: from the position of a message to its slot while it lives, and to its
// outcome afterwards. A ring of the newest positions, one step through memory per message; a
// message that lives longer than a whole turn moves to an overflow table when a newer one needs its
// place, and its outcome is not kept. Complexity: O(1), expected O(1) in the overflow table.
#pragma once

#include <laneway/message.hpp>

#include "engine/base/hash.hpp"
#include "engine/base/limits.hpp"
#include "engine/core/probe_table.hpp"
#include "engine/core/slot.hpp"

#include <cstdint>
#include <span>

namespace laneway::engine {

class PositionIndex {
 public:
  // The ring is a power of two; the table has twice as many entries as there are slots; both
  // zeroed.
  PositionIndex(std::span<std::uint32_t> ring,
                std::span<ProbeTable::Entry> overflow,
                std::span<Slot> slots)
      : ring_(ring.data()), mask_(ring.size() - 1), overflow_(overflow), slots_(slots.data()) {
    LANEWAY_CHECK(std::has_single_bit(ring.size()));
  }

  // The position is the slot's, and follows the one before.
  void insert(std::uint32_t slot, std::uint64_t position) {
    std::uint32_t& place = ring_[position & mask_];
    if (live(place)) [[unlikely]] {
      overflow_.insert(tag(slots_[place - 1].position), place);
    }
    place = slot + 1;
  }

  // The slot's message, at this position, is over.
  void resolve(std::uint32_t slot, std::uint64_t position, MessageState outcome) {
    std::uint32_t& place = ring_[position & mask_];
    if (place == slot + 1) {
      place = kOutcome | static_cast<std::uint32_t>(outcome);
    } else {
      overflow_.erase(tag(position), slot + 1);
    }
  }

  // Slot + 1, or 0.
  std::uint32_t find(std::uint64_t position) const {
    const std::uint32_t place = ring_[position & mask_];
    if (live(place) && slots_[place - 1].position == position) {
      return place;
    }
    return overflow_.find(
        tag(position), [&](std::uint32_t value) { return slots_[value - 1].position == position; });
  }

  // Of a position that was inserted less than a turn ago and has no slot any more.
  MessageState outcome(std::uint64_t position) const {
    const std::uint32_t place = ring_[position & mask_];
    LANEWAY_ASSERT(!live(place));
    return static_cast<MessageState>(place & ~kOutcome);
  }

 private:
  // A place holds slot + 1, or this bit and an outcome, or 0.
  static constexpr std::uint32_t kOutcome = std::uint32_t{1} << 31;
  static_assert(2 * kShardCapacityMax < kOutcome, "a shard has no more slots than that");

  static bool live(std::uint32_t place) { return place - 1 < kOutcome - 1; }

  static std::uint32_t tag(std::uint64_t position) {
    return static_cast<std::uint32_t>(mix64(position));
  }

  std::uint32_t* ring_;
  std::uint64_t mask_;
  ProbeTable overflow_;
  Slot* slots_;
};

}  // namespace laneway::engine

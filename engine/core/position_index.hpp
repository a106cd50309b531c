// Floor 2. PositionIndex: from the position of a live message to its slot. A ring of the newest
// positions, one step through memory per message; a message that lives longer than a whole turn
// moves to an overflow table when a newer one needs its place. Complexity: O(1), expected O(1) for
// messages in the overflow table.
#pragma once

#include "engine/base/hash.hpp"
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

  // The slot's position must be set.
  void insert(std::uint32_t slot) {
    std::uint32_t& place = ring_[slots_[slot].position & mask_];
    if (place != 0) [[unlikely]] {
      overflow_.insert(tag(slots_[place - 1].position), place);
    }
    place = slot + 1;
  }

  void erase(std::uint32_t slot) {
    std::uint32_t& place = ring_[slots_[slot].position & mask_];
    if (place == slot + 1) {
      place = 0;
    } else {
      overflow_.erase(tag(slots_[slot].position), slot + 1);
    }
  }

  // Slot + 1, or 0.
  std::uint32_t find(std::uint64_t position) const {
    const std::uint32_t place = ring_[position & mask_];
    if (place != 0 && slots_[place - 1].position == position) {
      return place;
    }
    return overflow_.find(
        tag(position), [&](std::uint32_t value) { return slots_[value - 1].position == position; });
  }

 private:
  static std::uint32_t tag(std::uint64_t position) {
    return static_cast<std::uint32_t>(mix64(position));
  }

  std::uint32_t* ring_;
  std::uint64_t mask_;
  ProbeTable overflow_;
  Slot* slots_;
};

}  // namespace laneway::engine

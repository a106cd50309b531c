// Floor 2. Slot: the place of one message in a shard. Links and indices hold index + 1, so that
// zeroed memory is a free slot with no links.
#pragma once

#include "engine/core/message_body.hpp"

#include <cstdint>

namespace laneway::engine {

enum class SlotState : std::uint8_t {
  free,
  delayed,   // waits for its publish delay; in no lane yet
  ready,     // in the ready list
  blocked,   // in its lane behind another message
  leased,    // granted, alone or as part of a run
  retrying,  // failed, waits for its retry
  dead,      // in the dead letters
  resolved,  // over, but a Lease still pins the bytes
};

struct Slot : MessageBody {
  std::int64_t published_ns;
  std::uint32_t consumer;  // of the current or last lease

  // The last line: all that the core moves around.
  alignas(kCacheLine) std::uint64_t position;
  std::uint64_t join;         // place in the order of its key
  std::int64_t since_ns;      // entered its state: ready, leased or dead
  std::uint32_t list_prev;    // ready list or dead list
  std::uint32_t list_next;    // also the free list
  std::uint32_t story;        // newest attempt record
  std::uint32_t lane_prev;    // of the head: the tail; 0: in no lane
  std::uint32_t lane_next;    // 0: the tail
  std::uint32_t lane_length;  // of the head: messages in the lane
  // What is set together lies together: one store instead of several.
  std::uint32_t run;       // run record of the current lease, 0: none
  std::uint16_t attempts;  // grants that count
  std::uint16_t pins;      // Lease objects that refer to the bytes
  SlotState state;
  bool cancelled;        // while leased: its end is to be CANCELLED, unless it is acknowledged
  bool beyond_capacity;  // counts against the dead letters' bound, not the capacity
  std::uint8_t reason;   // DeadReason of a dead one
  std::uint8_t story_length;
};
static_assert(sizeof(Slot) == 3 * kCacheLine, "two lines of message and one of state");

}  // namespace laneway::engine

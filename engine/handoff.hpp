// Floor 3. Handoff: the plain queue behind QueueKind::handoff. No core, no rules: producers copy
// bytes into the ring, consumers copy them out.
#pragma once

#include <laneway/consumer.hpp>

#include "engine/base/arena.hpp"
#include "engine/concurrent/handoff_ring.hpp"
#include "engine/core/block.hpp"

#include <cstdint>

namespace laneway::engine {

struct HandoffEntry {
  Block* block;  // null when the payload is inline
  std::uint64_t payload_bytes;
  std::byte payload[kPayloadBytesInline];
};

class Handoff {
 public:
  using Ring = HandoffRing<HandoffEntry>;

  static std::uint64_t slots(std::uint64_t capacity);
  static std::uint64_t bytes(std::uint64_t capacity);
  explicit Handoff(std::uint64_t capacity);
  bool mapped() const { return arena_.mapped(); }

  Ring& ring() { return ring_; }
  const Ring& ring() const { return ring_; }
  void take(std::uint32_t max, MessageBatch* batch);

 private:
  Arena arena_;
  Ring ring_;
};

}  // namespace laneway::engine

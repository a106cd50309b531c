#include "engine/handoff.hpp"

#include "engine/message_item.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace laneway::engine {

std::uint64_t Handoff::slots(std::uint64_t capacity) {
  return std::max<std::uint64_t>(2, std::bit_ceil(capacity));
}

std::uint64_t Handoff::bytes(std::uint64_t capacity) {
  ArenaSize size;
  size.add<Ring::Slot>(static_cast<std::size_t>(slots(capacity)));
  return size.bytes();
}

Handoff::Handoff(std::uint64_t capacity)
    : arena_(static_cast<std::size_t>(bytes(capacity))),
      ring_(arena_.take_ring<Ring::Slot>(static_cast<std::size_t>(slots(capacity)))) {}

void Handoff::take(std::uint32_t max, MessageBatch* batch) {
  const Ring::Claim claim = ring_.claim_published(max - static_cast<std::uint32_t>(batch->size_));
  for (std::uint32_t i = 0; i < claim.count; ++i) {
    const HandoffEntry& entry = ring_.entry(claim.position + i);
    MessageItem& item = batch->items()[batch->size_++];
    item.id = message_id(0, claim.position + i + 1);
    item.block = entry.block;
    item.published = {};
    item.attempt = 1;
    item.key_bytes = 0;
    item.payload_bytes = static_cast<std::uint8_t>(entry.payload_bytes);
    std::memcpy(item.payload, entry.payload, sizeof item.payload);
  }
  ring_.free(claim);
}

}  // namespace laneway::engine

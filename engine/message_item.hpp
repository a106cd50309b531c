// Floor 3. MessageItem: a message that has been taken for good, in a MessageBatch; and message ids.
#pragma once

#include <laneway/consumer.hpp>

#include "engine/core/slot.hpp"

#include <cstdint>
#include <cstring>

namespace laneway::engine {

inline MessageId message_id(std::uint32_t shard, std::uint64_t position) {
  return {std::uint64_t{shard} << MessageId::kPositionBits | position};
}

struct MessageItem {
  MessageId id;
  Block* block;  // owned by the batch
  std::chrono::system_clock::time_point published;
  std::uint16_t attempt;
  std::uint8_t key_bytes;
  std::uint8_t payload_bytes;
  char key[kKeyBytesInline];
  std::byte payload[kPayloadBytesInline];

  void copy(const Slot& slot,
            std::uint32_t shard,
            std::chrono::system_clock::time_point first_published) {
    id = message_id(shard, slot.position);
    block = slot.block;
    published = first_published;
    attempt = slot.attempts;
    key_bytes = slot.key_bytes;
    payload_bytes = slot.payload_bytes;
    std::memcpy(key, slot.key, sizeof key);
    std::memcpy(payload, slot.payload, sizeof payload);
  }

  std::string_view key_view() const {
    return key_bytes == 0 && block != nullptr ? block->key() : std::string_view(key, key_bytes);
  }
  Bytes payload_view() const {
    return payload_bytes == 0 && block != nullptr ? block->payload()
                                                  : Bytes(payload, payload_bytes);
  }
  std::string_view type_view() const {
    return block != nullptr ? block->type() : std::string_view();
  }
};
static_assert(sizeof(MessageItem) <= 128, "the storage of MessageBatch");

}  // namespace laneway::engine

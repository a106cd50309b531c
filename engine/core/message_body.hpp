// Floor 2. MessageBody: what a message carries from the publisher's ring slot to its place in the
// slab, in one copy. Small payload and key are inline.
#pragma once

#include "engine/base/limits.hpp"
#include "engine/core/block.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace laneway::engine {

struct MessageBody {
  std::uint64_t ttl_tick;      // the message deadline, 0: none
  Block* block;                // null when everything is inline
  std::uint32_t key_hash;      // without a key: not used
  std::uint16_t attempts_max;  // 0: as the queue says
  std::uint8_t key_bytes;      // inline
  std::uint8_t payload_bytes;  // inline
  char key[kKeyBytesInline];
  std::byte payload[kPayloadBytesInline];

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
  // Of payload, key and type.
  std::uint64_t content_bytes() const {
    const std::uint64_t outside = block == nullptr ? 0
                                                   : std::uint64_t{block->payload_bytes} +
                                                         block->key_bytes + block->type_bytes;
    return outside + key_bytes + payload_bytes;
  }
  bool has_key() const { return key_bytes != 0 || (block != nullptr && block->key_bytes != 0); }
};
static_assert(kPayloadBytesInline <= UINT8_MAX);
static_assert(kKeyBytesInline <= UINT8_MAX);
static_assert(kAttemptsMax <= UINT16_MAX);

}  // namespace laneway::engine

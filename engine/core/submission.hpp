// Floor 2. Submission: a message as it travels through the inbox ring, small payload and key
// inline. Times are absolute, so that a message that lies in the ring for a while is not late for
// that.
#pragma once

#include "engine/base/limits.hpp"
#include "engine/core/block.hpp"

#include <cstdint>

namespace laneway::engine {

// 34 years of engine time.
inline constexpr std::uint64_t kTickMask = (std::uint64_t{1} << 40) - 1;

struct Submission {
  Block* block;                     // null when everything is inline
  std::uint64_t due_tick : 40;      // not before this tick; 0: at once
  std::uint64_t payload_bytes : 8;  // inline
  std::uint64_t key_bytes : 8;      // inline
  std::uint64_t : 8;
  std::uint64_t ttl_tick : 40;      // the message deadline; 0: none
  std::uint64_t attempts_max : 16;  // 0: as the queue says
  std::uint64_t : 8;
  std::uint32_t key_hash;  // 0 bytes of key: not used
  std::uint32_t : 32;
  char key[kKeyBytesInline];
  std::byte payload[kPayloadBytesInline];
};
static_assert(sizeof(Submission) + sizeof(std::uint64_t) == 2 * kCacheLine,
              "with its sequence, one hand-off moves one ring slot of two lines");
static_assert(kDelayMsMax < std::uint64_t{1} << 40);
static_assert(kAttemptsMax < 1u << 16);

}  // namespace laneway::engine

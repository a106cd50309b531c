// Floor 3. What follows from the options of a queue.
#pragma once

#include <laneway/options.hpp>

#include "engine/base/limits.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::engine {

inline std::uint32_t content_max(const QueueOptions& options) {
  return options.payload_bytes_max + kKeyBytesMax + kTypeBytesMax;
}

// Rules of publishing beside capacity and payload pool.
inline bool has_rules(const QueueOptions& options) {
  return options.bytes_max != 0 || options.key_messages_max != 0 ||
         options.overflow != Overflow::reject || options.high_watermark != 0 ||
         options.priorities || options.dedup_window > std::chrono::milliseconds::zero();
}

}  // namespace laneway::engine

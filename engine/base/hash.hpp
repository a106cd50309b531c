// Floor 0. The hash of keys: XXH3-64 where the header is found at build time, else a multiply-xor
// hash of the same shape. Only shard choice and table places depend on it, never correctness.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef LANEWAY_HAVE_XXHASH
#define XXH_INLINE_ALL
#include <xxhash.h>
#endif

namespace laneway::engine {

inline std::uint64_t mix64(std::uint64_t value) noexcept {
  value ^= value >> 32;
  value *= 0x9e3779b97f4a7c15u;
  value ^= value >> 29;
  value *= 0xbf58476d1ce4e5b9u;
  value ^= value >> 32;
  return value;
}

inline std::uint64_t hash_bytes(std::string_view bytes) noexcept {
#ifdef LANEWAY_HAVE_XXHASH
  return XXH3_64bits(bytes.data(), bytes.size());
#else
  std::uint64_t hash = 0x9e3779b97f4a7c15u ^ bytes.size();
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    hash = mix64(hash ^ word);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, bytes.size() - at);
  return mix64(hash ^ word);
#endif
}

}  // namespace laneway::engine

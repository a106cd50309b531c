// Floor 2. Block: memory outside the slot for a payload above 64 bytes, a key above 24 bytes, or a
// type. Taken by the publisher before its claim, given back by the core with the message.
#pragma once

#include <laneway/message.hpp>

#include <cstddef>
#include <cstdint>

namespace laneway::engine {

struct Block {
  Block* next;                  // chain of blocks to give back
  std::uint32_t number;         // within its size class
  std::uint32_t payload_bytes;  // 0 when the payload is inline
  std::uint16_t key_bytes;      // 0 when the key is inline
  std::uint8_t type_bytes;
  std::uint8_t size_class;

  std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* bytes() const { return reinterpret_cast<const std::byte*>(this + 1); }

  Bytes payload() const { return {bytes(), payload_bytes}; }
  std::string_view key() const { return text(payload_bytes, key_bytes); }
  std::string_view type() const { return text(payload_bytes + key_bytes, type_bytes); }

 private:
  std::string_view text(std::size_t at, std::size_t size) const {
    return {reinterpret_cast<const char*>(bytes() + at), size};
  }
};

}  // namespace laneway::engine

// What publishers do for the core: submissions with their bytes, and the blocks that some of these
// need. Each block must come back once, and only when nobody reads its message any more.
#pragma once

#include "engine/core/block.hpp"
#include "engine/core/submission.hpp"
#include "tests/core/reference_core.hpp"
#include "tests/core/require.hpp"
#include "tests/core/shape.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace laneway::engine {

class BlockYard {
 public:
  Block* take(std::uint64_t position,
              const std::string& payload,
              const std::string& key,
              const std::string& type) {
    const std::size_t bytes = payload.size() + key.size() + type.size();
    memory_.push_back(std::make_unique<std::uint64_t[]>((sizeof(Block) + bytes + 7) / 8));
    auto* block = reinterpret_cast<Block*>(memory_.back().get());
    block->payload_bytes = static_cast<std::uint32_t>(payload.size());
    block->key_bytes = static_cast<std::uint16_t>(key.size());
    block->type_bytes = static_cast<std::uint8_t>(type.size());
    const std::string all = payload + key + type;
    std::copy(all.begin(), all.end(), reinterpret_cast<char*>(block->bytes()));
    out_.emplace(block, position);
    return block;
  }

  // Its bytes are overwritten, so that whoever still reads them reads something else.
  std::uint64_t give(Block* block) {
    const auto found = out_.find(block);
    require(found != out_.end(), "a block is given back once");
    const std::uint64_t position = found->second;
    out_.erase(found);
    const std::size_t bytes = block->payload_bytes + block->key_bytes + block->type_bytes;
    std::fill_n(block->bytes(), bytes, std::byte{0xdd});
    return position;
  }

  bool all_back() const { return out_.empty(); }

 private:
  std::vector<std::unique_ptr<std::uint64_t[]>> memory_;  // kept to the end of the run
  std::map<Block*, std::uint64_t> out_;                   // block -> its message
};

// Bytes that name their message, as many as wanted.
inline std::string bytes_of(std::uint64_t position, std::size_t size) {
  std::string bytes(size, static_cast<char>('a' + position % 26));
  const std::string name = std::to_string(position);
  bytes.replace(0, std::min(size, name.size()), name, 0, std::min(size, name.size()));
  return bytes;
}

// The key of this number; some are too long for a slot, and of those some differ only at their end.
inline std::string key_of(std::uint64_t number) {
  const std::string name = "key-" + std::to_string(number);
  return number % 5 == 4 ? std::string(30, 'k') + name : name;
}

inline std::uint32_t hash_of(Hashing hashing, const std::string& key) {
  const std::uint64_t hash = hash_bytes(key);
  switch (hashing) {
    case Hashing::spread:
      return static_cast<std::uint32_t>(hash);
    case Hashing::few:
      return static_cast<std::uint32_t>(hash % 3) << 8;
    case Hashing::equal:
      return 0xffff'ffff;
  }
  return 0;
}

// As the publish path writes it: small payload and key inline, the rest in a block.
inline Submission submission_of(const reference::Message& message,
                                Hashing hashing,
                                BlockYard* blocks) {
  Submission submission = {};
  const bool payload_inline = message.payload.size() <= kPayloadBytesInline;
  const bool key_inline = message.key.size() <= kKeyBytesInline;
  if (!payload_inline || !key_inline || !message.type.empty()) {
    submission.block = blocks->take(message.position, payload_inline ? "" : message.payload,
                                    key_inline ? "" : message.key, message.type);
  }
  if (payload_inline) {
    std::memcpy(submission.payload, message.payload.data(), message.payload.size());
    submission.payload_bytes = message.payload.size() & 0xff;
  }
  if (key_inline) {
    std::memcpy(submission.key, message.key.data(), message.key.size());
    submission.key_bytes = message.key.size() & 0xff;
  }
  submission.key_hash = hash_of(hashing, message.key);
  submission.due_tick = message.due_tick & ((std::uint64_t{1} << 40) - 1);
  submission.ttl_tick = message.ttl_tick & ((std::uint64_t{1} << 40) - 1);
  return submission;
}

}  // namespace laneway::engine

// Floor 3. What a publish prepares before it claims a place, and what it writes there.
#pragma once

#include "engine/base/hash.hpp"
#include "engine/queue_state.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>

namespace laneway::engine {

// Most payloads and keys have one of few sizes; a copy of a known size is a handful of moves.
template <std::size_t kMax>
void copy_inline(void* to, const void* from, std::size_t size) {
  if (size == kMax) {
    std::memcpy(to, from, kMax);
  } else if (size == sizeof(std::uint64_t)) {
    std::memcpy(to, from, sizeof(std::uint64_t));
  } else if (size != 0) {
    std::memcpy(to, from, size);
  }
}

struct QueueState::Draft {
  Block* block;
  std::uint64_t due_tick;
  std::uint64_t ttl_tick;
  std::uint32_t shard;
  std::uint32_t key_hash;
  bool sync;  // its publisher waits until it is durable
};

struct QueueState::Times {
  const ShardHost& host;
  std::int64_t read_ns = -1;
  std::span<std::uint64_t> ends = {};  // by shard: behind the last message that is waited for

  std::uint64_t tick_after(std::chrono::milliseconds time) {
    if (time == std::chrono::milliseconds::zero()) {
      return 0;
    }
    if (read_ns < 0) {
      read_ns = host.now_ns();
    }
    return ShardCore::tick_after(read_ns, static_cast<std::uint64_t>(time.count()));
  }
};

inline bool QueueState::is_sync(const Message& message) const {
  return journal != nullptr &&
         message.durability.value_or(options_.durability) == Durability::sync;
}

// What can fail happens here, before anything is claimed. False: the payload pool is used up.
[[gnu::always_inline]] inline bool QueueState::prepare(const Message& message,
                                                       Times* times,
                                                       Draft* draft) {
  const bool large_payload = message.payload.size() > kPayloadBytesInline;
  const bool long_key = message.key.size() > kKeyBytesInline;
  draft->block = nullptr;
  if (large_payload || long_key || !message.type.empty()) [[unlikely]] {
    draft->block = pool.take(large_payload ? message.payload : Bytes(),
                             long_key ? message.key : std::string_view(), message.type);
    if (draft->block == nullptr) {
      return false;
    }
  }
  draft->due_tick = times->tick_after(message.delay);
  draft->sync = is_sync(message);
  draft->ttl_tick = times->tick_after(message.ttl);
  return true;
}

inline QueueState::KeyPlace QueueState::place_of(std::string_view key) const {
  const std::uint64_t hash = hash_bytes(key);
  const auto shard_mask = static_cast<std::uint32_t>(shards_.size() - 1);
  return {static_cast<std::uint32_t>(hash >> 32) & shard_mask, static_cast<std::uint32_t>(hash)};
}

[[gnu::always_inline]] inline void QueueState::route(const Message& message, Draft* draft) {
  const auto shard_mask = static_cast<std::uint32_t>(shards_.size() - 1);
  if (message.key.empty()) {
    draft->key_hash = 0;
    draft->shard = shard_mask == 0 ? 0 : static_cast<std::uint32_t>(keyless_.next()) & shard_mask;
    return;
  }
  const KeyPlace place = place_of(message.key);
  draft->key_hash = place.hash;
  draft->shard = place.shard;
}

// Stores only: nothing between claim and publish may block, allocate or throw.
inline void QueueState::place(const Message& message, const Draft& draft, Submission* entry) const {
  const bool key_inline = message.key.size() <= kKeyBytesInline;
  const bool payload_inline = message.payload.size() <= kPayloadBytesInline;
  entry->block = draft.block;
  entry->due_tick = draft.due_tick | (draft.sync ? ShardJournal::kSync : 0);
  entry->ttl_tick = draft.ttl_tick;
  entry->attempts_max = static_cast<std::uint16_t>(message.attempts_max);
  entry->key_hash = draft.key_hash;
  entry->key_bytes = static_cast<std::uint8_t>(key_inline ? message.key.size() : 0);
  entry->payload_bytes = static_cast<std::uint8_t>(payload_inline ? message.payload.size() : 0);
  if (key_inline) {
    copy_inline<kKeyBytesInline>(entry->key, message.key.data(), message.key.size());
  }
  if (payload_inline) {
    copy_inline<kPayloadBytesInline>(entry->payload, message.payload.data(),
                                     message.payload.size());
  }
}

}  // namespace laneway::engine

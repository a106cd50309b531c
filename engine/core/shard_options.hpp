// Floor 2. What a shard core is told: its sizes and rules, how a lease ended, what to grant.
#pragma once

#include <laneway/options.hpp>

#include <cstdint>

namespace laneway::engine {

inline constexpr std::int64_t kTickNanos = 1'000'000;
// No two letters of a shard die within one: listings tell them apart by it.
inline constexpr std::int64_t kDeathNanos = 1'000;
// Some 140 years before the clock's 0: before any message. What an earlier life brings may be older
// than the clock.
inline constexpr std::int64_t kLongAgoNanos = -(std::int64_t{1} << 62);

// What a shard is sized and ruled by; the queue's options divided among its shards.
struct ShardOptions {
  std::uint64_t capacity = 0;
  std::uint64_t dead_max = 0;
  std::uint64_t outcomes = 0;        // power of two
  std::uint64_t results = 0;         // power of two, or none
  std::uint64_t first_position = 0;  // of the first message
  std::uint64_t first_fence = 0;     // grants are numbered above it
  std::uint64_t restored = 0;        // messages that will come back and count against the capacity
  QueueKind kind = QueueKind::by_key;
  OnFailure on_failure = OnFailure::hold;
  OnDeath on_death = OnDeath::continue_key;
  std::uint64_t dead_age_max_ms = 0;  // 0: none
  bool drops_oldest = false;
  bool priorities = false;
  std::uint64_t dedup_ids = 0;  // 0: no dedup window
  std::uint64_t dedup_window_ms = 0;
  bool counts_bytes = false;
  std::uint32_t attempts_max = 0;
  std::uint32_t run_max = 0;
  Backoff backoff = {};
  std::uint64_t seed = 0;

  std::uint64_t slots() const { return capacity + dead_max; }
};

// How a lease ended. After the last two its Lease object still exists and unpins later.
enum class LeaseEnd : std::uint8_t {
  acked,
  nacked,
  released,
  rejected,
  abandoned,
  expired,
  taken_back,  // by the engine, not counted as an attempt
};

struct GrantTerms {
  std::uint64_t deadline_tick;
  std::uint32_t consumer;
  std::uint32_t room;  // messages that may still be granted in this hold, at least 1
};

struct Grant {
  std::uint32_t slot;
  std::uint32_t run;  // run record, or 0
  std::uint64_t fence;
  std::uint16_t attempt;
};

}  // namespace laneway::engine

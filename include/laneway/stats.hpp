// Stats: what an operator sees of a queue.
#pragma once

#include <laneway/export.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace laneway {

// Durations in buckets that double: bucket b counts those of [2^b, 2^(b+1)) microseconds, bucket 0
// everything below two. Error of a percentile: less than a factor of two.
struct LANEWAY_EXPORT DurationHistogram {
  static constexpr std::size_t kBuckets = 40;
  std::array<std::uint64_t, kBuckets> buckets{};
  std::uint64_t count = 0;
  std::uint64_t sum_us = 0;

  static constexpr std::size_t bucket_of(std::uint64_t us) noexcept {
    const auto bucket = static_cast<std::size_t>(std::bit_width(us | 1) - 1);
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  void record(std::chrono::nanoseconds duration) noexcept {
    const auto ns = duration.count();
    const std::uint64_t us = ns < 1000 ? 0 : static_cast<std::uint64_t>(ns) / 1000;
    ++count;
    ++buckets[bucket_of(us)];
    sum_us += us;
  }
  void add(const DurationHistogram& other) noexcept;
  // Upper edge of the bucket that holds the given share (0..1); zero when empty.
  std::chrono::microseconds percentile(double share) const noexcept;
};

// How a journal was found to end.
enum class RecoveryEnd : std::uint8_t {
  created,  // there was none
  closed,   // in order: nothing is missing
  clean,    // at the end of its last write
  torn,     // in the middle of a write that nobody was told is durable: cut off
  corrupt,  // damaged where records had been confirmed: it is not opened, and not changed
};
LANEWAY_EXPORT std::string_view to_string(RecoveryEnd end) noexcept;

// What opening a journal found.
struct LANEWAY_EXPORT JournalRecovery {
  RecoveryEnd end = RecoveryEnd::created;
  std::uint64_t bytes = 0;     // read and good
  std::uint64_t records = 0;   // in them
  std::uint64_t messages = 0;  // that are not over
  std::chrono::milliseconds took{0};
  std::string file;               // where it ends or is damaged
  std::uint64_t offset = 0;       // in that
  std::uint64_t end_lsn = 0;      // number of the record after the last good one
  std::uint64_t lost_to_lsn = 0;  // corrupt: confirmed records up to here are in question
  std::string detail;             // corrupt: what is wrong
};

// What the journal of an engine is doing.
struct LANEWAY_EXPORT JournalStats {
  std::string primitive;            // how it writes, and why not better
  std::int32_t failed = 0;          // errno of the failure that ended it, or 0
  bool full = false;                // publishing waits for room
  std::uint64_t epoch = 0;          // how often it has been opened
  std::uint64_t commits = 0;        // writes that were made durable
  std::uint64_t bytes_written = 0;  // by them
  std::uint64_t durable_records = 0;
  std::uint64_t evacuations = 0;  // segments given up after a failed write
  std::uint64_t segments = 0;     // that hold records
  std::uint64_t segment_bytes = 0;
  std::uint64_t live_records = 0;  // that hold a message
  std::uint64_t live_bytes = 0;
  JournalRecovery recovery;  // how it was found
};

// A consistent snapshot of one shard, or the sum over the shards of a queue. Ages and waits begin
// when the shard first looks at a message: at the next receive, stats or status after its publish.
struct LANEWAY_EXPORT QueueStats {
  // Gauges: messages by state, now.
  std::uint64_t ready = 0;
  std::uint64_t blocked = 0;  // wait for an earlier message of their key
  std::uint64_t delayed = 0;  // wait for their delay or retry
  std::uint64_t leased = 0;
  std::uint64_t dead = 0;
  std::uint64_t capacity = 0;
  std::uint64_t pinned = 0;  // resolved, but an expired Lease still refers to them
  std::uint64_t keys_active = 0;
  std::uint64_t keys_stopped = 0;        // of these: by a dead letter, see OnDeath
  std::uint64_t payload_pool_bytes = 0;  // taken from the pool now
  std::uint64_t bytes = 0;               // held, when there is QueueOptions::bytes_max
  std::uint64_t in_flight = 0;           // leases out, when there is QueueOptions::in_flight_max
  bool above_high_watermark = false;
  std::chrono::milliseconds oldest_ready_age{0};
  std::chrono::milliseconds oldest_dead_age{0};

  // Counters since the queue was opened.
  std::uint64_t published = 0;
  std::uint64_t refused_full = 0;
  std::uint64_t refused_key_full = 0;
  std::uint64_t refused_too_large = 0;
  std::uint64_t refused_paused = 0;
  std::uint64_t shed = 0;             // refused for their priority
  std::uint64_t deduplicated = 0;     // publishes whose message was there already
  std::uint64_t dedup_forgotten = 0;  // ids that went before their time, see dedup_ids_max
  std::uint64_t ring_busy = 0;  // of these: room was left, but the shard was held and its ring full
  std::uint64_t leased_total = 0;
  std::uint64_t redelivered = 0;  // grants after the first of a message
  std::uint64_t acked = 0;
  std::uint64_t nacked = 0;
  std::uint64_t released = 0;
  std::uint64_t rejected = 0;
  std::uint64_t lease_expired = 0;
  std::uint64_t abandoned = 0;
  std::uint64_t revoked = 0;     // messages of a run given back because an earlier one failed
  std::uint64_t lease_lost = 0;  // settles that came too late, by verb:
  std::uint64_t lease_lost_ack = 0;
  std::uint64_t lease_lost_nack = 0;
  std::uint64_t lease_lost_release = 0;
  std::uint64_t lease_lost_reject = 0;
  std::uint64_t lease_lost_extend = 0;
  std::uint64_t dead_lettered = 0;  // by reason:
  std::uint64_t dead_rejected = 0;
  std::uint64_t dead_attempts = 0;
  std::uint64_t dead_diverted = 0;
  std::uint64_t replayed = 0;
  std::uint64_t discarded = 0;
  std::uint64_t discarded_for_room = 0;  // of these: the oldest, for a newer one
  std::uint64_t discarded_for_age = 0;   // of these: by QueueOptions::dead_letters_age_max
  std::uint64_t expired = 0;             // message deadlines that passed
  std::uint64_t cancelled = 0;
  std::uint64_t dropped = 0;  // by Overflow::drop_oldest
  std::uint64_t holds = 0;    // times a shard's token was taken

  // Ages and waits begin when the shard first looks at a message: at the next receive after its
  // publish, or within a tick of one.
  DurationHistogram queue_wait;  // accepted or due until granted
  DurationHistogram processing;  // granted until the settle was seen

  // Sums; ages become the older one.
  void add(const QueueStats& other) noexcept;
  // True when every accepted message is accounted for by exactly one state.
  bool conserved() const noexcept {
    return published == ready + blocked + delayed + leased + acked + dead + discarded + expired +
                            cancelled + dropped;
  }
};

}  // namespace laneway

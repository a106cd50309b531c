// Options of engines, queues and receives. Every member has a default that is meant to be kept.
#pragma once

#include <laneway/export.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

namespace laneway {

class Clock;
class EngineObserver;

// Who moves time: a thread of the engine, or the embedder by calling Engine::poll().
enum class DriverMode : std::uint8_t { thread, manual };

// How segments of the journal are written.
enum class JournalStorage : std::uint8_t {
  best,   // io_uring where it may be used, else plain system calls
  uring,  // io_uring, or opening fails
  posix,  // plain system calls
};

// A journal lets queues survive the end of the process and of the machine's power.
struct JournalOptions {
  // Where it lives; made if it is not there. Empty: no journal.
  std::string directory = {};
  // Of one file; 64 KiB to 1 GiB in blocks of 4 KiB. An existing journal keeps its own.
  std::uint64_t segment_bytes = 64ull * 1024 * 1024;
  // Bound of all segments together, at least four of them. Beyond it publish answers journal_full.
  std::uint64_t bytes_max = 1ull << 50;
  JournalStorage storage = JournalStorage::best;
};

struct EngineOptions {
  DriverMode driver = DriverMode::thread;
  // Null: the steady clock of the system. Tests give a ManualClock, together with a manual driver.
  std::shared_ptr<const Clock> clock = nullptr;
  JournalOptions journal = {};
  // Who is told about the journal. Null: lines of its log go to standard error.
  std::shared_ptr<EngineObserver> observer = nullptr;
};

enum class QueueKind : std::uint8_t {
  by_key,     // messages of one key one at a time and in order; those without a key in no order
  unordered,  // leases, retries and dead letters without any order; keys are only carried along
  handoff,    // plain hand-off: no keys, leases, delays or retries; read with Consumer::take
};

// What happens to the rest of a key while a failed message of it waits for its retry.
enum class OnFailure : std::uint8_t {
  hold,    // the key waits, other keys do not
  detach,  // the key goes on; the failed message is retried out of order
};

// What happens to the rest of a key when a message of it dies, rejected or out of attempts.
enum class OnDeath : std::uint8_t {
  continue_key,  // the key goes on; there is a gap
  hold_key,      // the key waits until its dead letter is replayed, discarded, or its key released
  divert_key,    // the rest follows to the dead letters, until one is replayed or the key released
};

// Exponential back-off with full jitter: attempt n waits a uniformly drawn time between `floor` and
// min(cap, first * 2^(n-1)). Source: Brooker, "Exponential Backoff And Jitter", AWS, 2015.
struct Backoff {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds cap{5 * 60 * 1000};
  std::chrono::milliseconds floor{1};

  friend bool operator==(const Backoff&, const Backoff&) = default;
};

// What a publish does when there is no room: capacity, payload pool or bytes_max.
enum class Overflow : std::uint8_t {
  reject,       // answers queue_full
  block,        // waits up to QueueOptions::block_max, then answers queue_full
  drop_oldest,  // removes the oldest waiting message of the shard: DROPPED, counted, observed
};

// Messages granted by a queue as a whole: on average `per_second`, up to `burst` at once.
// Source: GCRA, ITU-T I.371.
struct RateLimit {
  double per_second = 0;  // 0: no limit
  std::uint32_t burst = 1;

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// What a message survives.
enum class Durability : std::uint8_t {
  none,   // lives in memory only
  async,  // written and synced in the background, within about a millisecond
  sync,   // publish returns, and it is delivered, when it is on stable storage
};

struct QueueOptions {
  QueueKind kind = QueueKind::by_key;
  // Messages held: ready, blocked, delayed and leased. Divided among the shards, rounded up.
  std::uint64_t capacity = 65'536;
  // Power of two up to 256. 0: as cores and capacity justify. Fixed for the life of the queue.
  std::uint32_t shards = 0;
  // Payloads above this are refused as too_large.
  std::uint32_t payload_bytes_max = 64 * 1024;
  // Bound of the memory for payloads above 64 bytes, keys above 24 bytes and types.
  std::uint64_t payload_pool_bytes = 64ull * 1024 * 1024;
  // Bound of payload, key and type bytes of all messages held, dead letters included. 0: none.
  std::uint64_t bytes_max = 0;
  // Messages of one key that wait in its order or are leased; one more is refused as key_full. 0:
  // no limit. Exact: a publish with a key then runs the shard, and waits for its holder if need be.
  std::uint64_t key_messages_max = 0;
  Overflow overflow = Overflow::reject;
  // How long Overflow::block waits, for one call. With a manual driver it does not wait.
  std::chrono::milliseconds block_max{1'000};
  // Messages held (as for capacity) at which the observer is told, see QueueObserver. 0: none.
  std::uint64_t high_watermark = 0;
  std::uint64_t low_watermark = 0;
  // Messages are granted by their priority, strictly: within a shard, among those that it has
  // looked at. Costs nothing when it is off; a message with a priority is refused then.
  bool priorities = false;
  // While the queue is above its high watermark, messages of a lower priority are refused as shed.
  std::int32_t shed_below = std::numeric_limits<std::int32_t>::min();
  // For so long a dedup id is remembered, of the last so many messages that had one. 0: not at all.
  // A publish with one runs the shard, and waits for its holder if need be.
  std::chrono::milliseconds dedup_window{0};
  std::uint64_t dedup_ids_max = 65'536;
  // Leases out at one time, over all consumers; a run is one. A settled one counts until its shard
  // is next looked at. 0: no limit.
  std::uint32_t in_flight_max = 0;
  RateLimit rate = {};
  // Deliveries (not releases) before a message is dead-lettered.
  std::uint32_t attempts_max = 5;
  Backoff backoff = {};
  OnFailure on_failure = OnFailure::hold;
  OnDeath on_death = OnDeath::continue_key;
  // Length of a lease when receive does not say.
  std::chrono::milliseconds lease{30'000};
  // Messages of one key that one lease may hold (an ordered run), up to 32. 1: no runs.
  std::uint32_t run_max = 1;
  // Dead letters kept, divided among the shards; the oldest makes room for the newest.
  std::uint64_t dead_letters_max = 10'000;
  // Older dead letters are discarded. 0: never.
  std::chrono::milliseconds dead_letters_age_max{0};
  // status(id) remembers how the last so many messages ended.
  std::uint64_t outcomes_remembered = 65'536;
  // status(id) shows the results that were acknowledged with, of the last so many messages. 0:
  // none are kept, and ack(result) is refused.
  std::uint64_t results_remembered = 0;
  // Seed of the jitter: two queues with the same seed and the same events draw the same delays.
  std::uint64_t seed = 0x6c616e65776179;
  // Of messages that do not say. async and sync need an engine with a journal, where such a queue
  // keeps its number of shards for ever; its messages may ask for any Durability.
  Durability durability = Durability::none;
  // So may those of a queue of Durability::none.
  bool durable_messages = false;
  // A delivery that the end of the process interrupted is counted as an attempt, so that a message
  // that ends the process does not do so for ever. Costs a small record for each delivery.
  bool count_interrupted = true;

  friend bool operator==(const QueueOptions&, const QueueOptions&) = default;
};

struct ReceiveOptions {
  // At most this many leases (or taken messages), up to 64.
  std::uint32_t max = 1;
  // Blocks at most this long for the first message. With a manual driver it never sleeps.
  std::chrono::milliseconds wait{0};
  // Length of the leases. 0: as the queue says. Up to 7 days.
  std::chrono::milliseconds lease{0};
};

}  // namespace laneway

#include "engine/queue_state.hpp"

#include "engine/base/atomic.hpp"
#include "engine/driver.hpp"
#include "engine/message_item.hpp"

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A position of 0 would make an id of 0, which names no message.
constexpr std::uint64_t kFirstPosition = 1;

// A hold is shorter than this; a holder that was pre-empted is not waited for.
constexpr int kBusyTries = 64;

std::uint32_t default_shards(std::uint64_t capacity) {
  constexpr std::uint64_t kCapacityPerShard = 16'384;
  constexpr std::uint64_t kDefaultMax = 16;
  const std::uint64_t cores = std::max(1u, std::thread::hardware_concurrency());
  // Consumers share a core's token in turns: half as many shards as cores keep them apart.
  const std::uint64_t wanted = std::min({cores / 2, capacity / kCapacityPerShard, kDefaultMax});
  return static_cast<std::uint32_t>(std::bit_floor(std::max<std::uint64_t>(1, wanted)));
}

std::uint64_t share(std::uint64_t total, std::uint32_t shards) {
  return (total + shards - 1) / shards;
}

ShardOptions shard_options(const QueueOptions& options, std::uint32_t number) {
  ShardOptions shard;
  shard.capacity = share(options.capacity, options.shards);
  shard.dead_max = share(options.dead_letters_max, options.shards);
  shard.outcomes = std::bit_ceil(share(options.outcomes_remembered, options.shards));
  const std::uint64_t results = share(options.results_remembered, options.shards);
  shard.results = results == 0 ? 0 : std::bit_ceil(results);
  shard.first_position = kFirstPosition;
  shard.kind = options.kind;
  shard.on_failure = options.on_failure;
  shard.on_death = options.on_death;
  shard.dead_age_max_ms = static_cast<std::uint64_t>(options.dead_letters_age_max.count());
  shard.attempts_max = options.attempts_max;
  shard.run_max = options.run_max;
  shard.backoff = options.backoff;
  shard.seed = options.seed + number;
  return shard;
}

bool is_over(MessageState state) {
  switch (state) {
    case MessageState::accepted:
    case MessageState::delayed:
    case MessageState::ready:
    case MessageState::blocked:
    case MessageState::leased:
      return false;
    default:
      return true;
  }
}

std::uint32_t content_max(const QueueOptions& options) {
  return options.payload_bytes_max + kKeyBytesMax + kTypeBytesMax;
}

Result<> check_sizes(const QueueOptions& options) {
  if (options.capacity == 0 || options.capacity > kShardCapacityMax) {
    return {Errc::invalid_argument, "capacity is 1 to 134,217,728"};
  }
  const bool power_of_two = options.shards == 0 || std::has_single_bit(options.shards);
  if (!power_of_two || options.shards > kShardsMax) {
    return {Errc::invalid_argument, "shards is 0 or a power of two up to 256"};
  }
  if (options.payload_bytes_max > kPayloadBytesMax) {
    return {Errc::invalid_argument, "payload_bytes_max is at most 64 MiB"};
  }
  if (options.payload_pool_bytes < PayloadPool::block_bytes(content_max(options))) {
    return {Errc::invalid_argument,
            "payload_pool_bytes cannot hold one message of payload_bytes_max"};
  }
  if (options.dead_letters_max == 0 || options.dead_letters_max > kShardCapacityMax) {
    return {Errc::invalid_argument, "dead_letters_max is 1 to 134,217,728"};
  }
  if (options.outcomes_remembered == 0 || options.outcomes_remembered > kShardCapacityMax) {
    return {Errc::invalid_argument, "outcomes_remembered is 1 to 134,217,728"};
  }
  if (options.results_remembered > kShardCapacityMax) {
    return {Errc::invalid_argument, "results_remembered is at most 134,217,728"};
  }
  return {};
}

Result<> check_rules(const QueueOptions& options) {
  if (options.attempts_max == 0 || options.attempts_max > kAttemptsMax) {
    return {Errc::invalid_argument, "attempts_max is 1 to 60,000"};
  }
  const Backoff& backoff = options.backoff;
  constexpr milliseconds kDelayMax{kDelayMsMax};
  if (backoff.floor < milliseconds(1) || backoff.first < milliseconds::zero() ||
      backoff.cap < backoff.floor || backoff.first > kDelayMax || backoff.cap > kDelayMax) {
    return {Errc::invalid_argument, "a back-off has 1 ms <= floor <= cap <= 8.7 years"};
  }
  if (options.lease <= milliseconds::zero() || options.lease > milliseconds(kLeaseMsMax)) {
    return {Errc::invalid_argument, "a lease is more than 0 and up to 7 days"};
  }
  if (options.dead_letters_age_max < milliseconds::zero() ||
      options.dead_letters_age_max > kDelayMax) {
    return {Errc::invalid_argument, "dead_letters_age_max is 0 (none) to 8.7 years"};
  }
  if (options.on_death != OnDeath::continue_key && options.kind != QueueKind::by_key) {
    return {Errc::invalid_argument, "OnDeath::hold_key and divert_key need QueueKind::by_key"};
  }
  if (options.run_max == 0 || options.run_max > kRunMax) {
    return {Errc::invalid_argument, "run_max is 1 to 32"};
  }
  if (options.run_max > 1 && options.kind != QueueKind::by_key) {
    return {Errc::invalid_argument, "ordered runs need QueueKind::by_key"};
  }
  return {};
}

}  // namespace

Result<QueueOptions> QueueState::complete(const QueueOptions& options) {
  if (const Result<> sizes = check_sizes(options); !sizes) {
    return sizes.error();
  }
  if (const Result<> rules = check_rules(options); !rules) {
    return rules.error();
  }
  QueueOptions completed = options;
  if (options.kind == QueueKind::handoff) {
    completed.shards = 1;
  } else if (options.shards == 0) {
    completed.shards = default_shards(options.capacity);
  }
  return completed;
}

std::uint64_t QueueState::bytes(const QueueOptions& completed) {
  const std::uint64_t pool =
      PayloadPool::mapping_bytes(completed.payload_pool_bytes, content_max(completed));
  if (completed.kind == QueueKind::handoff) {
    return pool + Handoff::bytes(completed.capacity);
  }
  return pool + completed.shards * Shard::bytes(shard_options(completed, 0));
}

ShardHost::ShardHost(std::shared_ptr<Driver> driver_used,
                     std::chrono::system_clock::time_point wall_origin,
                     std::uint64_t pool_bytes,
                     std::uint32_t content_max)
    : driver(std::move(driver_used)),
      clock(driver->clock()),
      origin(wall_origin),
      pool(pool_bytes, content_max) {}

QueueState::QueueState(std::string name,
                       const QueueOptions& completed,
                       std::shared_ptr<Driver> driver_used,
                       bool may_block,
                       std::chrono::system_clock::time_point wall_origin)
    : ShardHost(std::move(driver_used),
                wall_origin,
                completed.payload_pool_bytes,
                content_max(completed)),
      name_(std::move(name)),
      options_(completed),
      may_block_(may_block) {
  if (is_handoff()) {
    handoff_.emplace(completed.capacity);
    return;
  }
  driver->expect(completed.shards);
  for (std::uint32_t number = 0; number < completed.shards; ++number) {
    shards_.push_back(std::make_unique<Shard>(*this, shard_options(completed, number), number));
  }
}

QueueState::~QueueState() = default;

bool QueueState::mapped() const {
  return pool.mapped() && (!handoff_ || handoff_->mapped()) &&
         std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->mapped(); });
}

Shard* QueueState::shard_of(MessageId id) const {
  return id.shard() < shards_.size() ? shards_[id.shard()].get() : nullptr;
}

// --- receive ----------------------------------------------------------------------------------

Result<> QueueState::check(const ReceiveOptions& options) const {
  if (closed.read()) {
    return {Errc::closed, "the queue has been closed"};
  }
  if (options.max == 0 || options.max > kBatchMax) {
    return {Errc::invalid_argument, "max is 1 to 64"};
  }
  if (options.wait < milliseconds::zero()) {
    return {Errc::invalid_argument, "wait is not negative"};
  }
  if (options.lease < milliseconds::zero() || options.lease > milliseconds(kLeaseMsMax)) {
    return {Errc::invalid_argument, "a lease is more than 0 and up to 7 days"};
  }
  return {};
}

// A hold is bounded work, and one that came back with nothing may have ended among settles or
// timers that had to be seen first: a shard counts as empty only when nothing is left to look at.
template <class Batch, class VisitOnce>
Shard::Visit QueueState::visit_shard(const Shard& shard, Batch* batch, VisitOnce visit_once) const {
  constexpr int kHoldsMax = 1 << 12;
  Shard::Visit visited = Shard::Visit::done;
  for (int holds = 0; holds < kHoldsMax && !shard.looks_idle(); ++holds) {
    visited = visit_once();
    if (visited == Shard::Visit::busy || !batch->empty() || consuming_paused.read()) {
      break;
    }
  }
  return visited;
}

Result<> QueueState::receive(const ReceiveOptions& options,
                             std::uint32_t consumer,
                             std::uint32_t visit,
                             LeaseBatch* batch) {
  if (const Result<> valid = check(options); !valid) {
    return valid.error();
  }
  if (is_handoff()) {
    return {Errc::invalid_argument, "a handoff queue has no leases: use take"};
  }
  const milliseconds lease = options.lease > milliseconds::zero() ? options.lease : options_.lease;
  const ReceiveTerms terms{options.max, static_cast<std::uint64_t>(lease.count()), consumer};
  const auto visit_all = [&] {
    for (int tries = 0; tries < kBusyTries; ++tries) {
      batch->shards_skipped_ = 0;
      for (std::uint32_t i = 0; i < shards_.size() && batch->size_ < terms.max; ++i) {
        Shard& shard = *shards_[(visit + i) & (shards_.size() - 1)];
        const Shard::Visit visited =
            visit_shard(shard, batch, [&] { return shard.receive(terms, batch); });
        batch->shards_skipped_ += visited == Shard::Visit::busy ? 1u : 0u;
      }
      if (!batch->empty() || batch->shards_skipped_ == 0) {
        break;
      }
      relax();
    }
    return !batch->empty();
  };
  return wait_for(options.wait, visit_all);
}

Result<std::size_t> QueueState::take(const ReceiveOptions& options,
                                     std::uint32_t visit,
                                     MessageBatch* batch) {
  if (const Result<> valid = check(options); !valid) {
    return valid.error();
  }
  const auto visit_all = [&] {
    if (is_handoff()) {
      if (!consuming_paused.read()) {
        handoff_->take(options.max, batch);
        if (consumers.anybody_waits() && handoff_->ring().anything()) {
          consumers.notify_one();  // what is left is for another
        }
      }
      return !batch->empty();
    }
    for (std::uint32_t i = 0; i < shards_.size() && batch->size_ < options.max; ++i) {
      Shard& shard = *shards_[(visit + i) & (shards_.size() - 1)];
      (void)visit_shard(shard, batch, [&] { return shard.take(options.max, batch); });
    }
    return !batch->empty();
  };
  const Result<> waited = wait_for(options.wait, visit_all);
  if (!waited) {
    return waited.error();
  }
  return batch->size();
}

bool QueueState::looks_idle() const {
  if (is_handoff()) {
    return !handoff_->ring().anything_published();
  }
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->looks_idle(); });
}

bool QueueState::may_sleep() {
  if (is_handoff()) {
    return consuming_paused.read() || !handoff_->ring().anything();
  }
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->may_sleep(); });
}

// Spins for about a microsecond, then sleeps. After every sleep it looks again, also after the
// last.
template <class VisitAll>
Result<> QueueState::wait_for(milliseconds wait, VisitAll visit_all) {
  if (visit_all() || wait == milliseconds::zero() || !may_block_) {
    return {};
  }
  const std::int64_t deadline_ns =
      now_ns() + nanoseconds(std::min(wait, milliseconds(kWaitMsMax))).count();
  constexpr int kSpins = 64;
  constexpr nanoseconds kHoleNap = milliseconds(1);
  for (;;) {
    for (int i = 0; i < kSpins; ++i) {
      if (!looks_idle() && visit_all()) {
        return {};
      }
      relax();
    }
    const EventCount::Key key = consumers.prepare();
    if (closed.read()) {
      consumers.cancel();
      return {Errc::closed, "the queue has been closed"};
    }
    const nanoseconds left{deadline_ns - now_ns()};
    if (left <= nanoseconds::zero()) {
      consumers.cancel();
      (void)visit_all();
      return {};
    }
    const bool nothing_to_do = may_sleep();
    if (!nothing_to_do && !looks_idle()) {
      consumers.cancel();
    } else {
      // Something claimed and not yet published is not worth spinning for, nor a long sleep.
      consumers.wait(key, nothing_to_do ? left : std::min(left, kHoleNap));
    }
    if (visit_all()) {
      return {};
    }
  }
}

// --- operators --------------------------------------------------------------------------------

Result<QueueStats> QueueState::stats() {
  QueueStats total;
  for (const auto& shard : shards_) {
    QueueStats stats;
    if (const Result<> counted = shard->stats(&stats); !counted) {
      return counted.error();
    }
    total.add(stats);
  }
  if (is_handoff()) {
    const Handoff::Ring& ring = handoff_->ring();
    total.acked = ring.taken_total();
    total.published = std::max(ring.published_total(), total.acked);
    total.ready = total.published - total.acked;
    total.capacity = ring.size();
  }
  total.refused_full = refused_full.read();
  total.ring_busy = ring_busy.read();
  total.lease_lost = lease_lost.read();
  total.payload_pool_bytes = pool.bytes_taken();
  return total;
}

// The first wake-up is followed at once; those after it may be about other messages, so they are
// not followed more often than it costs little.
Result<MessageStatus> QueueState::wait(Shard& shard, MessageId id, milliseconds timeout) {
  constexpr milliseconds kLookAgain{1};
  const std::int64_t deadline_ns =
      now_ns() + nanoseconds(std::min(timeout, milliseconds(kWaitMsMax))).count();
  for (bool first = true;; first = false) {
    const EventCount::Key key = onlookers.prepare();
    Result<MessageStatus> status = shard.status(id.position());
    const nanoseconds left{deadline_ns - now_ns()};
    if (!status || is_over(status->state) || !may_block_ || left <= nanoseconds::zero()) {
      onlookers.cancel();
      return status;
    }
    onlookers.wait(key, left);
    if (!first) {
      std::this_thread::sleep_for(std::min<nanoseconds>(left, kLookAgain));
    }
  }
}

void QueueState::refresh() {
  for (const auto& shard : shards_) {
    shard->look_again();
  }
  consumers.notify_all();
}

void QueueState::close() noexcept {
  std::call_once(closed_once_, [this] {
    closed.set(true);
    consumers.notify_all();
    onlookers.notify_all();
    std::int64_t leases = 0;
    // Closing takes the tokens for good, so nobody posts to the driver any more.
    for (const auto& shard : shards_) {
      leases += static_cast<std::int64_t>(shard->close());
    }
    driver->forget(shards_);
    self_ = shared_from_this();
    if (departures.expect(leases)) {
      self_.reset();
    }
  });
}

}  // namespace laneway::engine

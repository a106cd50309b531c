#include "engine/queue_state.hpp"

#include "engine/base/atomic.hpp"
#include "engine/driver.hpp"
#include "engine/journal_host.hpp"
#include "engine/message_item.hpp"
#include "engine/no_memory.hpp"
#include "engine/queue_rules.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <thread>
#include <utility>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A position of 0 would make an id of 0, which names no message.
constexpr std::uint64_t kFirstPosition = 1;

constexpr unsigned kEpochShift = 40;  // of fences: rising over restarts without a record of each

// A hold is shorter than this; a holder that was pre-empted is not waited for.
constexpr int kBusyTries = 64;

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
  shard.drops_oldest = options.overflow == Overflow::drop_oldest;
  shard.priorities = options.priorities;
  if (options.dedup_window > milliseconds::zero()) {
    shard.dedup_ids = share(options.dedup_ids_max, options.shards);
    shard.dedup_window_ms = static_cast<std::uint64_t>(options.dedup_window.count());
  }
  shard.counts_bytes = options.bytes_max != 0;
  shard.attempts_max = options.attempts_max;
  shard.run_max = options.run_max;
  shard.backoff = options.backoff;
  shard.seed = options.seed + number;
  return shard;
}

ShardOptions shard_options(const QueueOptions& options,
                           const QueuePlace& place,
                           std::uint32_t number) {
  ShardOptions shard = shard_options(options, number);
  if (place.journal != nullptr) {
    const SourceId id{place.journal_number, static_cast<std::uint16_t>(number)};
    const Journal& journal = place.journal->journal();
    const std::uint64_t used = journal.positions_end(id);
    shard.restored = std::min(shard.capacity, place.journal->recovered(id).waiting());
    shard.first_position = used == 0 ? kFirstPosition : used + ShardJournal::kPositionsSkipped;
    shard.first_fence = std::uint64_t{journal.epoch()} << kEpochShift;
  }
  return shard;
}

// Bytes of the largest record that a message of the queue can be told with.
std::size_t record_max(const QueueOptions& options) {
  constexpr std::size_t kStory = kStoryAttemptsMax * (sizeof(AttemptBody) + kErrorTextBytesMax);
  constexpr std::size_t kFixed = 256 + kDedupIdBytesMax;
  return kFixed + kStory + kKeyBytesMax + kTypeBytesMax + options.payload_bytes_max;
}

// Between two messages on average, rounded so that no more pass than asked; 0: no limit.
std::int64_t interval_ns(const RateLimit& rate) {
  return rate.per_second > 0 ? static_cast<std::int64_t>(std::ceil(1e9 / rate.per_second)) : 0;
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

}  // namespace

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
                     const QueueOptions& options,
                     std::uint32_t content_max)
    : driver(std::move(driver_used)),
      clock(driver->clock()),
      origin(wall_origin),
      pool(options.payload_pool_bytes, content_max),
      limited(options.in_flight_max != 0 || options.rate.per_second > 0),
      watched(options.high_watermark != 0),
      count_interrupted(options.count_interrupted),
      in_flight(options.in_flight_max),
      rate(interval_ns(options.rate), options.rate.burst) {}

QueueState::QueueState(std::string name, const QueueOptions& completed, const QueuePlace& place)
    : ShardHost(place.driver, place.origin, completed, content_max(completed)),
      name_(std::move(name)),
      options_(completed),
      ruled_(has_rules(completed) || place.journal != nullptr),
      may_block_(place.may_block),
      holds_each_(std::max<std::uint32_t>(1, kReceiveHoldsMax / std::max(1u, completed.shards))),
      journal_number_(place.journal_number) {
  journal = place.journal;
  if (is_handoff()) {
    handoff_.emplace(completed.capacity);
    return;
  }
  driver->expect(completed.shards);
  for (std::uint32_t number = 0; number < completed.shards; ++number) {
    shards_.push_back(
        std::make_unique<Shard>(*this, shard_options(completed, place, number), number));
  }
}

QueueState::~QueueState() {
  for (const auto& shard : shards_) {
    if (shard->journal() != nullptr) {
      journal->forget(*shard->journal());
    }
  }
}

Result<> QueueState::recover() {
  constexpr std::size_t kOutboxMin = 1u << 20;
  const std::size_t largest = record_max(options_);
  if (largest > journal->journal().record_bytes_max()) {
    return {Errc::invalid_argument, "payload_bytes_max does not fit a quarter of a segment"};
  }
  for (const auto& shard : shards_) {
    const SourceId id{journal_number_, static_cast<std::uint16_t>(shard->number())};
    Outbox* const outbox = journal->journal().attach(id, std::max(kOutboxMin, 4 * largest));
    if (outbox == nullptr) {
      return {Errc::no_memory, "the system refused memory for the journal of a queue"};
    }
    if (const Result<> kept = shard->keep_journal(*journal, *outbox, largest); !kept) {
      return kept.error();
    }
    if (const Result<> restored = shard->restore(journal->recovered(id)); !restored) {
      return restored.error();
    }
  }
  // Whoever is refused may open the queue with other options: until here nothing has changed.
  journal->expect(shards_.size());
  for (const auto& shard : shards_) {
    shard->begin_recording();
    journal->recovered({journal_number_, static_cast<std::uint16_t>(shard->number())}) = {};
  }
  if (watched) {
    look_at_depth();
  }
  return may_block_ || options_.durability == Durability::none ? know_positions() : Result<>();
}

// No id is given out before it is known that those of earlier lives, lost ones too, are passed.
Result<> QueueState::know_positions() {
  constexpr milliseconds kPatience{1'000};  // a journal without room must not keep it closed
  for (const auto& shard : shards_) {
    if (const Result<bool> known = shard->flush(kPatience);
        !known && known.error().code != Errc::journal_full) {
      return known.error();
    }
  }
  return {};
}

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
// timers that had to be seen first: the shard is looked at again while its part of the holds lasts.
template <class Batch, class VisitOnce>
Shard::Visit QueueState::visit_shard(const Shard& shard, Batch* batch, VisitOnce visit_once) const {
  Shard::Visit visited = Shard::Visit::done;
  std::uint32_t holds = 0;
  while (!shard.looks_idle()) {
    visited = visit_once();
    if (visited == Shard::Visit::busy || !batch->empty() || consuming_paused.read() ||
        ++holds >= holds_each_) {
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
  const auto visit_each = [&] {
    batch->shards_skipped_ = 0;
    for (std::uint32_t i = 0; i < shards_.size() && batch->size_ < terms.max; ++i) {
      Shard& shard = *shards_[(visit + i) & (shards_.size() - 1)];
      const Shard::Visit visited =
          visit_shard(shard, batch, [&] { return shard.receive(terms, batch); });
      batch->shards_skipped_ += visited == Shard::Visit::busy ? 1u : 0u;
    }
  };
  const auto visit_all = [&] {
    for (int tries = 0; tries < kBusyTries; ++tries) {
      visit_each();
      if (!batch->empty() || batch->shards_skipped_ == 0) {
        break;
      }
      relax();
    }
    return !batch->empty();
  };
  visit_each();  // mostly all that there is to do, so it is compiled for itself
  if (!batch->empty() || (options.wait == milliseconds::zero() && batch->shards_skipped_ == 0)) {
    return {};
  }
  return wait_for(options.wait, visit_all);
}

Result<std::size_t> QueueState::take(const ReceiveOptions& options,
                                     std::uint32_t visit,
                                     MessageBatch* batch) {
  if (const Result<> valid = check(options); !valid) {
    return valid.error();
  }
  const auto visit_ring = [&] {
    if (!consuming_paused.read()) {
      handoff_->take(options.max, batch);
      if (consumers.anybody_waits() && handoff_->ring().anything()) {
        consumers.notify_one();  // what is left is for another
      }
    }
    return !batch->empty();
  };
  const auto visit_all = [&] {
    for (std::uint32_t i = 0; i < shards_.size() && batch->size_ < options.max; ++i) {
      Shard& shard = *shards_[(visit + i) & (shards_.size() - 1)];
      (void)visit_shard(shard, batch, [&] { return shard.take(options.max, batch); });
    }
    return !batch->empty();
  };
  const Result<> waited =
      is_handoff() ? wait_for(options.wait, visit_ring) : wait_for(options.wait, visit_all);
  if (!waited) {
    return waited.error();
  }
  return batch->size();
}

// While consuming is paused there is nothing to do: who resumes wakes everybody.
bool QueueState::looks_idle() const {
  if (consuming_paused.read()) {
    return true;
  }
  if (is_handoff()) {
    return !handoff_->ring().anything_published();
  }
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->looks_idle(); });
}

bool QueueState::may_sleep() {
  if (consuming_paused.read()) {
    return true;
  }
  if (is_handoff()) {
    return !handoff_->ring().anything();
  }
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->may_sleep(); });
}

// What may be slept of this: no longer than the rate gate is shut.
nanoseconds QueueState::until_open(nanoseconds left) const {
  if (!rate.limits()) {
    return left;
  }
  const nanoseconds shut{rate.open_ns() - now_ns()};
  return shut > nanoseconds::zero() ? std::min(left, shut) : left;
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
      const nanoseconds nap = nothing_to_do ? until_open(left) : std::min(left, kHoleNap);
      consumers.wait(key, nap);
    }
    if (visit_all()) {
      return {};
    }
  }
}

// --- operators --------------------------------------------------------------------------------

Result<QueueStats> QueueState::stats() {
  const auto lost = [this](SettleVerb verb) {
    return lease_lost[static_cast<std::size_t>(verb)].read();
  };
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
  total.refused_too_large = refused_too_large.read();
  total.refused_paused = refused_paused.read();
  total.shed = shed.read();
  total.refused_key_full = refused_key_full.read();
  total.bytes = bytes_held.read();
  total.in_flight = in_flight.out();
  total.above_high_watermark = high.above();
  total.ring_busy = ring_busy.read();
  total.lease_lost_ack = lost(SettleVerb::ack);
  total.lease_lost_nack = lost(SettleVerb::nack);
  total.lease_lost_release = lost(SettleVerb::release);
  total.lease_lost_reject = lost(SettleVerb::reject);
  total.lease_lost_extend = lost(SettleVerb::extend);
  total.lease_lost = total.lease_lost_ack + total.lease_lost_nack + total.lease_lost_release +
                     total.lease_lost_reject + total.lease_lost_extend;
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
    Result<MessageStatus> status = unless_no_memory([&] { return shard.status(id.position()); });
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

Result<DeadLetterPage> QueueState::dead_letters(const DeadLetterQuery& query) {
  // A cursor names the shard and the time of death in it, like an id its shard and position.
  std::size_t number = MessageId{query.from}.shard();
  std::uint64_t from_us = MessageId{query.from}.position();
  DeadLetterPage page;
  for (; number < shards_.size(); ++number, from_us = 0) {
    const Result<std::uint64_t> next_us = shards_[number]->dead_letters(from_us, query, &page);
    if (!next_us) {
      return next_us.error();
    }
    if (*next_us != 0) {
      page.next = message_id(static_cast<std::uint32_t>(number), *next_us).value;
      break;
    }
  }
  return page;
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
    if (journal != nullptr) {
      record_the_rest();
    }
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

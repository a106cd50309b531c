// Floor 3. Shard: what it writes down, and what it finds again.
#include "engine/base/hash.hpp"
#include "engine/hold.hpp"
#include "engine/journal_host.hpp"
#include "engine/recovered_queues.hpp"
#include "engine/shard.hpp"

#include <algorithm>
#include <cstring>

namespace laneway::engine {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::system_clock;

// One message on its way back, and its slot.
struct Returning {
  std::uint64_t position;
  RecoveredMessage* message;
  std::uint32_t slot = 0;
};

// The wall clock may have been set meanwhile: what is left is never more than was asked for.
class WallTimes {
 public:
  WallTimes(const ShardHost& host, std::int64_t now_ns)
      : now_ns_(now_ns), now_ms_(ms_of(host.wall(now_ns))) {}

  std::int64_t ns(std::int64_t wall_ms) const {
    return now_ns_ + nanoseconds(milliseconds(wall_ms - now_ms_)).count();
  }
  std::uint64_t tick(const DueBody& due) const {
    const std::int64_t left = std::max<std::int64_t>(0, due.at_ms - now_ms_);
    const std::uint64_t ms = std::min(static_cast<std::uint64_t>(left), due.for_ms);
    return ShardCore::tick_after(now_ns_, ms);
  }

 private:
  static std::int64_t ms_of(system_clock::time_point time) {
    return duration_cast<milliseconds>(time.time_since_epoch()).count();
  }

  const std::int64_t now_ns_;
  const std::int64_t now_ms_;
};

bool fill(const RecoveredMessage& message,
          const WallTimes& times,
          ShardHost& host,
          Submission* to) {
  const Bytes payload(message.payload);
  const std::string_view key = message.key;
  const bool large = payload.size() > kPayloadBytesInline;
  const bool long_key = key.size() > kKeyBytesInline;
  if (large || long_key || !message.type.empty()) {
    to->block = host.pool.take(large ? payload : Bytes(), long_key ? key : std::string_view(),
                               message.type);
    if (to->block == nullptr) {
      return false;
    }
  }
  to->ttl_tick = message.deadline ? times.tick(*message.deadline) : 0;
  to->key_hash = static_cast<std::uint32_t>(hash_bytes(key));
  to->attempts_max = message.fixed.attempts_max;
  if (!long_key) {
    to->key_bytes = static_cast<std::uint8_t>(key.size());
    std::copy(key.begin(), key.end(), to->key);
  }
  if (!large && !payload.empty()) {
    to->payload_bytes = static_cast<std::uint8_t>(payload.size());
    std::memcpy(to->payload, payload.data(), payload.size());
  }
  return true;
}

std::vector<RestoredAttempt> story(const RecoveredMessage& message, const WallTimes& times) {
  std::vector<RestoredAttempt> attempts;
  for (const RecoveredMessage::Attempt& each : message.story) {
    attempts.push_back({each.body.number, static_cast<AttemptEnd>(each.body.end),
                        each.body.error_class, each.body.consumer, times.ns(each.body.granted_ms),
                        times.ns(each.body.ended_ms), each.text});
  }
  if (message.interrupted) {
    // When it was handed out was not worth writing down.
    const std::int64_t published_ns = times.ns(message.fixed.published_ms);
    attempts.push_back(
        {message.attempts, AttemptEnd::interrupted, 0, 0, published_ns, published_ns, {}});
  }
  return attempts;
}

}  // namespace

// One shard on its way back, step by step.
class Shard::Restoring {
 public:
  Restoring(Shard& shard, RecoveredShard& recovered)
      : shard_(shard),
        core_(shard.core_),
        recovered_(recovered),
        now_ns_(shard.host_.now_ns()),
        times_(shard.host_, now_ns_) {}

  Result<> place_messages() {
    for (auto& [position, message] : recovered_.messages) {
      all_.push_back({position, &message});
      dead_ += message.is() == RecordedState::dead ? 1 : 0;
    }
    if (dead_ > core_.dead_max() || all_.size() > core_.capacity() + core_.dead_max()) {
      return {Errc::invalid_argument,
              "the journal holds more messages than the queue has room for"};
    }
    sort_by([](const Returning& each) { return each.position; });
    for (Returning& each : all_) {
      stay_behind_accepted(each);
      RestoredMessage restored;
      if (!fill(*each.message, times_, shard_.host_, &restored.submission)) {
        return {Errc::invalid_argument, "the journal holds more bytes than payload_pool_bytes"};
      }
      const std::vector<RestoredAttempt> attempts = story(*each.message, times_);
      restored.position = each.position;
      restored.published_ns = times_.ns(each.message->fixed.published_ms);
      restored.attempts = each.message->attempts;
      restored.priority = each.message->fixed.priority;
      restored.story = attempts;
      each.slot = core_.restore(restored);
      if (core_.counts_bytes()) {
        shard_.host_.bytes_held.add(restored.submission.content_bytes());
      }
      homes_.push_back({each.message->home.sequence, each.slot, each.message, nullptr});
    }
    return {};
  }

  // The newest ones, as many as are remembered.
  void restore_ids() {
    const std::size_t room = core_.dedup().size();
    std::size_t too_many = recovered_.ids.size() - std::min(room, recovered_.ids.size());
    for (const auto& [position, id] : recovered_.ids) {
      const auto message = recovered_.messages.find(position);
      const bool alone = message == recovered_.messages.end();
      if (too_many != 0) {
        --too_many;
        if (alone) {
          shard_.journal_->drop(id.home);
        }
        continue;
      }
      const auto hash = static_cast<std::uint32_t>(hash_bytes(id.id));
      const std::uint32_t place = core_.restore_id(
          core_.dedup().entry_of(id.id, hash, position, times_.ns(id.until_ms)), now_ns_);
      if (alone) {
        homes_.push_back({id.home.sequence, place, nullptr, &id});
      } else {
        message->second.home.id = place + 1;
      }
    }
  }

  void adopt_homes() {
    std::sort(homes_.begin(), homes_.end(),
              [](const Home& a, const Home& b) { return a.sequence < b.sequence; });
    for (const Home& each : homes_) {
      if (each.message != nullptr) {
        shard_.journal_->adopt(each.index, each.message->home, each.message->state.detached != 0);
      } else {
        shard_.journal_->adopt_id(each.index, each.id->home);
      }
    }
  }

  void bury_the_dead() {
    sort_by([](const Returning& each) { return each.message->state.died_ms; });
    for (const Returning& each : all_) {
      const RecoveredMessage& message = *each.message;
      if (message.is() == RecordedState::dead) {
        core_.restore_dead(each.slot, static_cast<DeadReason>(message.state.reason),
                           times_.ns(message.state.died_ms));
      }
    }
    // More live ones than the capacity: so many had been dead and were replayed, whichever.
    for (std::uint64_t live = all_.size() - dead_; const Returning& each : all_) {
      if (each.message->is() != RecordedState::dead && live > core_.capacity()) {
        core_.leave_capacity(each.slot);
        --live;
      }
    }
  }

  void order_all() {
    sort_by([](const Returning& each) { return each.message->home.order; });
    for (const Returning& each : all_) {
      const RecoveredMessage& message = *each.message;
      if (killed(each)) {
        ++dead_;
        core_.restore_dead(each.slot, DeadReason::attempts, now_ns_);
        core_.restore_order_of_dead(each.slot, message.state.detached == 0);
        continue;
      }
      switch (message.is()) {
        case RecordedState::dead:
          core_.restore_order_of_dead(each.slot, message.state.stops != 0);
          break;
        case RecordedState::delayed:
          core_.restore_delayed(each.slot, times_.tick(*message.due));
          break;
        case RecordedState::retrying:
          core_.restore_retrying(each.slot, times_.tick(*message.due), message.state.detached != 0,
                                 now_ns_);
          break;
        case RecordedState::waiting:
          core_.restore_waiting(each.slot, now_ns_);
          break;
      }
    }
  }

 private:
  struct Home {
    std::uint64_t sequence;
    std::uint32_t index;              // slot, or place in the dedup window
    const RecoveredMessage* message;  // one of the two
    const RecoveredId* id;
  };

  // Of equal orders the lower position comes first.
  void stay_behind_accepted(const Returning& each) const {
    std::uint64_t& order = each.message->home.order;
    if (each.position > recovered_.accepted_late && order != 0) {
      order = std::max(order, recovered_.accepted_order);
    }
  }

  // One that has used up its attempts without an end to the last is a dead letter now.
  bool killed(const Returning& each) const {
    const RecoveredMessage& message = *each.message;
    const bool used_up = message.attempts >= core_.slot(each.slot).attempts_max;
    return message.is() != RecordedState::dead && message.interrupted && used_up &&
           dead_ < core_.dead_max();
  }

  template <class Value>
  void sort_by(Value value) {
    std::stable_sort(all_.begin(), all_.end(),
                     [&](const Returning& a, const Returning& b) { return value(a) < value(b); });
  }

  Shard& shard_;
  ShardCore& core_;
  RecoveredShard& recovered_;
  const std::int64_t now_ns_;
  const WallTimes times_;
  std::vector<Returning> all_;
  std::vector<Home> homes_;
  std::uint64_t dead_ = 0;
};

Result<> Shard::keep_journal(JournalHost& journal, Outbox& outbox, std::size_t record_max) {
  journal_ = std::make_unique<ShardJournal>(host_, journal, outbox, *this, record_max);
  if (!journal_->mapped()) {
    return {Errc::no_memory, "the system refused memory for the journal of a queue"};
  }
  return {};
}

Result<> Shard::restore(RecoveredShard& recovered) {
  Restoring restoring(*this, recovered);
  if (const Result<> placed = restoring.place_messages(); !placed) {
    return placed;
  }
  restoring.restore_ids();
  restoring.adopt_homes();
  restoring.bury_the_dead();
  restoring.order_all();
  journal_->begin_orders_above(recovered.orders);
  return {};
}

// What follows is recorded; and the hint and the inbox learn of what is there.
void Shard::begin_recording() {
  core_.set_log(journal_.get());
  journal_->journal().attach(*journal_);
  {
    const Hold hold(*this);
    journal_->mark_positions();
  }
  look_again();
}

bool Shard::run_journal() {
  Hold hold(*this);
  if (!hold) {
    return !host_.closed.read();
  }
  hold.step(0);
  return journal_->anything_to_do();
}

Result<std::optional<std::uint64_t>> Shard::record_everything(std::int64_t deadline_ns) {
  const std::uint64_t inbox = inbox_.claimed();
  const std::uint64_t returns = returns_.claimed();
  JournalHost& journal = journal_->journal();
  for (;;) {
    {
      Hold hold = Hold::patient(*this);
      if (!hold) {
        return {Errc::closed, "the queue has been closed"};
      }
      hold.step(0);
      if (journal.failed() != 0 || (journal_->recorded() >= inbox && returns_head_ >= returns)) {
        return std::optional(journal_->outbox().appended());
      }
      if (journal.full()) {
        return {Errc::journal_full, "what was published has no room in the journal yet"};
      }
      if (hold.now_ns() >= deadline_ns) {
        return std::optional<std::uint64_t>();
      }
    }
    journal.help();
    patience();
  }
}

Result<bool> Shard::flush(milliseconds timeout) {
  const std::int64_t deadline_ns =
      host_.now_ns() + nanoseconds(std::min(timeout, milliseconds(kWaitMsMax))).count();
  const Result<std::optional<std::uint64_t>> records = record_everything(deadline_ns);
  if (!records) {
    return records.error();
  }
  if (!*records) {
    return false;
  }
  const nanoseconds left{deadline_ns - host_.now_ns()};
  return journal_->journal().wait_for_records(journal_->outbox(), **records, left);
}

}  // namespace laneway::engine

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

// More live ones than the capacity: so many had been dead and were replayed, whichever they were.
void make_room_for_replayed(const std::vector<Returning>& all,
                            std::uint64_t live,
                            ShardCore* core) {
  for (const Returning& each : all) {
    if (each.message->is() != RecordedState::dead && live > core->capacity()) {
      core->leave_capacity(each.slot);
      --live;
    }
  }
}

}  // namespace

Result<> Shard::keep_journal(JournalHost& journal, Outbox& outbox) {
  journal_ = std::make_unique<ShardJournal>(host_, journal, outbox, *this);
  if (!journal_->mapped()) {
    return {Errc::no_memory, "the system refused memory for the journal of a queue"};
  }
  return {};
}

Result<> Shard::restore(RecoveredShard& recovered) {
  const std::int64_t now_ns = host_.now_ns();
  const WallTimes times(host_, now_ns);
  std::vector<Returning> all;
  std::uint64_t dead = 0;
  for (auto& [position, message] : recovered.messages) {
    all.push_back({position, &message});
    dead += message.is() == RecordedState::dead ? 1 : 0;
  }
  if (dead > core_.dead_max() || all.size() > core_.capacity() + core_.dead_max()) {
    return {Errc::invalid_argument, "the journal holds more messages than the queue has room for"};
  }
  const auto sort_by = [&](auto value) {
    std::sort(all.begin(), all.end(),
              [&](const Returning& a, const Returning& b) { return value(a) < value(b); });
  };
  sort_by([](const Returning& each) { return each.position; });
  for (Returning& each : all) {
    RestoredMessage restored;
    if (!fill(*each.message, times, host_, &restored.submission)) {
      return {Errc::invalid_argument, "the journal holds more bytes than payload_pool_bytes"};
    }
    const std::vector<RestoredAttempt> attempts = story(*each.message, times);
    restored.position = each.position;
    restored.published_ns = times.ns(each.message->fixed.published_ms);
    restored.attempts = each.message->attempts;
    restored.story = attempts;
    each.slot = core_.restore(restored);
  }
  sort_by([](const Returning& each) { return each.message->home.sequence; });
  for (const Returning& each : all) {
    journal_->adopt(each.slot, each.message->home);
  }
  sort_by([](const Returning& each) { return each.message->state.died_ms; });
  for (const Returning& each : all) {
    if (each.message->is() == RecordedState::dead) {
      core_.restore_dead(each.slot, static_cast<DeadReason>(each.message->state.reason),
                         std::max<std::int64_t>(0, times.ns(each.message->state.died_ms)));
    }
  }
  make_room_for_replayed(all, all.size() - dead, &core_);
  sort_by([](const Returning& each) { return each.message->home.order; });
  for (const Returning& each : all) {
    const RecoveredMessage& message = *each.message;
    const bool used_up = message.attempts >= core_.slot(each.slot).attempts_max;
    const bool killed = message.interrupted && used_up && dead < core_.dead_max();
    if (killed && message.is() != RecordedState::dead) {
      ++dead;
      core_.restore_dead(each.slot, DeadReason::attempts, now_ns);
      continue;
    }
    switch (message.is()) {
      case RecordedState::dead:
        break;
      case RecordedState::delayed:
        core_.restore_delayed(each.slot, times.tick(*message.due));
        break;
      case RecordedState::retrying:
        core_.restore_retrying(each.slot, times.tick(*message.due), message.state.detached != 0,
                               now_ns);
        break;
      case RecordedState::waiting:
        core_.restore_waiting(each.slot, now_ns);
        break;
    }
  }
  journal_->begin_orders_above(recovered.orders);
  recovered = {};
  return {};
}

// What follows is recorded; and the hint and the inbox learn of what is there.
void Shard::begin_recording() {
  core_.set_log(journal_.get());
  journal_->journal().attach(*journal_);
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

std::uint64_t Shard::record_everything() {
  const std::uint64_t inbox = inbox_.claimed();
  const std::uint64_t returns = returns_.claimed();
  for (;;) {
    {
      Hold hold = Hold::patient(*this);
      if (!hold) {
        return 0;
      }
      hold.step(0);
      const bool recorded = journal_->recorded() >= inbox && returns_head_ >= returns;
      if (recorded || journal_->journal().failed() != 0) {
        return journal_->outbox().appended();
      }
    }
    journal_->journal().help();
    patience();
  }
}

}  // namespace laneway::engine

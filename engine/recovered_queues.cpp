#include "engine/recovered_queues.hpp"

#include <algorithm>
#include <utility>

namespace laneway::engine {

bool RecoveredQueues::batch(const BatchHeader& header, std::uint64_t file_number) {
  constexpr std::uint64_t kTellEvery = std::uint64_t{64} << 20;
  so_far_.bytes += sizeof header + header.payload_bytes;
  if (so_far_.bytes - told_bytes_ >= kTellEvery) {
    told_bytes_ = so_far_.bytes;
    so_far_.messages = messages();
    so_far_.file = segment_name(file_number);
    so_far_.offset = header.offset;
    so_far_.end_lsn = header.first_lsn;
    observer_.recovering(so_far_);
  }
  return true;
}

std::uint64_t RecoveredQueues::messages() const {
  std::uint64_t sum = 0;
  for (const auto& [id, shard] : shards) {
    sum += shard.messages.size();
  }
  return sum;
}

bool RecoveredQueues::record(const RecordView& record) {
  ++so_far_.records;
  return apply(record);
}

bool RecoveredQueues::apply(const RecordView& record) {
  if (record.type() == RecordType::queue) {
    return queue(record);
  }
  if (record.type() == RecordType::mark) {
    return true;  // the scan itself has noted it
  }
  RecoveredShard& shard = shards[record.source()];
  const auto found = shard.messages.find(record.header.position);
  RecoveredMessage* const message = found == shard.messages.end() ? nullptr : &found->second;
  switch (record.type()) {
    case RecordType::publish:
    case RecordType::relocate:
      return whole(record, &shard);
    case RecordType::settle:
      if (message != nullptr) {
        shard.messages.erase(found);
      }
      return read_settle(record).has_value();
    case RecordType::retry:
      return retry(record, message);
    case RecordType::dead:
      return death(record, message);
    case RecordType::replay:
    case RecordType::join:
      return order(record, &shard, message);
    case RecordType::grant:
      if (message != nullptr) {
        attempts_changed(record, message);
      }
      return true;
    case RecordType::remember:
      return remember(record, &shard);
    case RecordType::lane:
      lane(record, &shard);
      return true;
    default:
      return (record.header.flags & kRecordIgnorable) != 0;
  }
}

bool RecoveredQueues::whole(const RecordView& record, RecoveredShard* shard) {
  const std::optional<RecordedMessage> told = read_message(record);
  if (!told) {
    return false;
  }
  RecoveredMessage& message = shard->messages[record.header.position];
  message = {};
  message.fixed = told->fixed;
  message.due = told->due;
  message.deadline = told->deadline;
  message.state = told->state;
  message.key = told->key;
  message.type = told->type;
  message.payload = told->payload.text();
  message.attempts = record.type() == RecordType::relocate ? record.header.aux : 0;
  if (record.type() == RecordType::publish && told->due) {
    message.state.state = static_cast<std::uint8_t>(RecordedState::delayed);
  }
  for (const RecordedAttempt& attempt : told->attempts) {
    message.story.push_back({attempt.body, std::string(attempt.text)});
  }
  // What it was leased for when it was told again is not known to have ended.
  message.interrupted =
      message.is() == RecordedState::waiting &&
      message.attempts > (message.story.empty() ? 0 : message.story.back().body.number);
  message.home = {record.sequence, told->fixed.order,
                  static_cast<std::uint32_t>(padded_record(record.header.bytes)), 0};
  if (told->dedup_until_ms) {
    shard->ids[record.header.position] = {std::string(told->dedup), *told->dedup_until_ms,
                                          message.home};
  } else {
    shard->ids.erase(record.header.position);
  }
  shard->orders = std::max(shard->orders, told->fixed.order);
  return true;
}

void RecoveredQueues::attempts_changed(const RecordView& record, RecoveredMessage* message) {
  const bool granted = (record.header.flags & kRecordAttempt) != 0;
  if (granted && message->interrupted) {
    // Handed out again although the attempt before has no end: that life ended first.
    RecoveredMessage::Attempt attempt{};
    attempt.body.granted_ms = attempt.body.ended_ms = message->fixed.published_ms;
    attempt.body.number = message->attempts;
    attempt.body.end = static_cast<std::uint8_t>(AttemptEnd::interrupted);
    message->story.push_back(attempt);
  }
  message->attempts = record.header.aux;
  message->interrupted = granted;
}

bool RecoveredQueues::retry(const RecordView& record, RecoveredMessage* message) {
  const std::optional<RecordedRetry> told = read_retry(record);
  if (told && message != nullptr) {
    message->due = told->fixed.due;
    message->state.detached = told->fixed.detached;
    message->state.state = static_cast<std::uint8_t>(RecordedState::retrying);
    message->attempts = record.header.aux;
    message->interrupted = false;
    message->story.push_back({told->attempt.body, std::string(told->attempt.text)});
  }
  return told.has_value();
}

bool RecoveredQueues::death(const RecordView& record, RecoveredMessage* message) {
  const std::optional<RecordedDeath> told = read_death(record);
  if (told && message != nullptr) {
    message->state.state = static_cast<std::uint8_t>(RecordedState::dead);
    message->state.reason = told->fixed.reason;
    message->state.died_ms = told->fixed.died_ms;
    message->state.stops = told->fixed.stops;
    message->attempts = record.header.aux;
    message->interrupted = false;
    if (told->attempt) {
      message->story.push_back({told->attempt->body, std::string(told->attempt->text)});
    }
  }
  return told.has_value();
}

bool RecoveredQueues::order(const RecordView& record,
                            RecoveredShard* shard,
                            RecoveredMessage* message) {
  const std::optional<RecordedOrder> told = read_order(record);
  if (!told) {
    return false;
  }
  shard->orders = std::max(shard->orders, told->fixed.order);
  if (message == nullptr) {
    return true;
  }
  const bool had_joined = message->is() == RecordedState::waiting && message->home.order != 0;
  message->home.order = told->fixed.order;
  if (record.type() == RecordType::join && had_joined) {
    shard->accepted_late = record.header.position;
    shard->accepted_order = told->fixed.order;
  }
  if (record.type() == RecordType::replay) {
    message->state = {};
    message->attempts = 0;
    message->story.clear();
    message->deadline.reset();
    message->due = told->due;
    const RecordedState later =
        told->fixed.order != 0 ? RecordedState::retrying : RecordedState::delayed;
    message->state.state = static_cast<std::uint8_t>(told->due ? later : RecordedState::waiting);
    return true;
  }
  if (message->is() == RecordedState::delayed) {
    message->state.state = static_cast<std::uint8_t>(RecordedState::waiting);
  }
  return true;
}

bool RecoveredQueues::remember(const RecordView& record, RecoveredShard* shard) {
  const std::optional<RecordedId> told = read_remember(record);
  if (told) {
    const auto bytes = static_cast<std::uint32_t>(padded_record(record.header.bytes));
    shard->ids[record.header.position] = {
        std::string(told->id), told->fixed.until_ms, {record.sequence, 0, bytes, 0}};
  }
  return told.has_value();
}

// Its dead letters stay what they are, and stop it no more.
void RecoveredQueues::lane(const RecordView& record, RecoveredShard* shard) {
  const std::string_view key = read_lane(record);
  for (auto& [position, message] : shard->messages) {
    if (message.key == key) {
      message.state.stops = 0;
    }
  }
}

bool RecoveredQueues::queue(const RecordView& record) {
  const std::optional<RecordedQueue> told = read_queue(record);
  if (!told) {
    return false;
  }
  queues[std::string(told->name)] = {record.header.queue, told->fixed.shards,
                                     told->fixed.hash_check};
  return true;
}

}  // namespace laneway::engine

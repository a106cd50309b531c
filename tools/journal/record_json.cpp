#include "tools/journal/record_json.hpp"

#include <laneway/dead_letter.hpp>
#include <laneway/message.hpp>

namespace laneway::journal_tool {

using engine::RecordedState;
using engine::RecordType;
using engine::RecordView;
using tools::Json;

namespace {

Json due_json(const engine::DueBody& due) {
  return {{"at_ms", due.at_ms}, {"for_ms", due.for_ms}};
}

Json attempt_json(const engine::RecordedAttempt& attempt) {
  Json json = {{"number", attempt.body.number},
               {"granted_ms", attempt.body.granted_ms},
               {"ended_ms", attempt.body.ended_ms},
               {"end", to_string(static_cast<AttemptEnd>(attempt.body.end))},
               {"error_class", attempt.body.error_class},
               {"consumer", attempt.body.consumer}};
  tools::add_bytes(json, "error", attempt.text);
  return json;
}

void add_message(const RecordView& record, bool payloads, Json& json) {
  const auto message = engine::read_message(record);
  if (!message) {
    return;
  }
  tools::add_bytes(json, "key", message->key);
  tools::add_bytes(json, "message_type", message->type);
  tools::add_bytes(json, "dedup_id", message->dedup);
  json["published_ms"] = message->fixed.published_ms;
  json["order"] = message->fixed.order;
  json["priority"] = message->fixed.priority;
  json["attempts_max"] = message->fixed.attempts_max;
  if (message->due) {
    json["due"] = due_json(*message->due);
  }
  if (message->deadline) {
    json["deadline"] = due_json(*message->deadline);
  }
  if (record.type() == RecordType::relocate) {
    const auto state = static_cast<RecordedState>(message->state.state);
    json["state"] = state_name(state);
    json["detached"] = message->state.detached != 0;
    if (state == RecordedState::dead) {
      json["reason"] = to_string(static_cast<DeadReason>(message->state.reason));
      json["died_ms"] = message->state.died_ms;
    }
    json["attempts"] = record.header.aux;
    json["story"] = Json::array();
    for (const engine::RecordedAttempt& attempt : message->attempts) {
      json["story"].push_back(attempt_json(attempt));
    }
  }
  json["payload_bytes"] = message->fixed.payload_bytes;
  if (payloads) {
    tools::add_bytes(json, "payload", message->payload.text());
  }
}

void add_retry(const RecordView& record, Json& json) {
  if (const auto retry = engine::read_retry(record)) {
    json["attempts"] = record.header.aux;
    json["due"] = due_json(retry->fixed.due);
    json["detached"] = retry->fixed.detached != 0;
    json["attempt"] = attempt_json(retry->attempt);
  }
}

void add_death(const RecordView& record, Json& json) {
  if (const auto death = engine::read_death(record)) {
    json["attempts"] = record.header.aux;
    json["reason"] = to_string(static_cast<DeadReason>(death->fixed.reason));
    json["died_ms"] = death->fixed.died_ms;
    if (death->attempt) {
      json["attempt"] = attempt_json(*death->attempt);
    }
  }
}

void add_order(const RecordView& record, Json& json) {
  if (const auto order = engine::read_order(record)) {
    json["time_ms"] = order->fixed.time_ms;
    json["order"] = order->fixed.order;
    if (order->due) {
      json["due"] = due_json(*order->due);
    }
  }
}

void add_body(const RecordView& record, bool payloads, Json& json) {
  switch (record.type()) {
    case RecordType::publish:
    case RecordType::relocate:
      return add_message(record, payloads, json);
    case RecordType::settle:
      if (const auto settle = engine::read_settle(record)) {
        json["outcome"] = to_string(static_cast<MessageState>(record.header.aux));
        json["time_ms"] = settle->time_ms;
      }
      return;
    case RecordType::retry:
      return add_retry(record, json);
    case RecordType::dead:
      return add_death(record, json);
    case RecordType::replay:
    case RecordType::join:
      return add_order(record, json);
    case RecordType::grant:
      json["attempts"] = record.header.aux;
      json["granted"] = (record.header.flags & engine::kRecordAttempt) != 0;
      return;
    case RecordType::queue:
      if (const auto queue = engine::read_queue(record)) {
        tools::add_bytes(json, "name", queue->name);
        json["shards"] = queue->fixed.shards;
      }
      return;
    case RecordType::remember:
      if (const auto remembered = engine::read_remember(record)) {
        tools::add_bytes(json, "dedup_id", remembered->id);
        json["until_ms"] = remembered->fixed.until_ms;
      }
      return;
    case RecordType::lane:
      tools::add_bytes(json, "key", engine::read_lane(record));
      return;
    case RecordType::mark:
      return;
  }
}

}  // namespace

const char* type_name(RecordType type) {
  static constexpr const char* kNames[] = {"unknown", "publish",  "settle", "retry",    "dead",
                                           "replay",  "join",     "grant",  "relocate", "queue",
                                           "mark",    "remember", "lane"};
  const auto index = static_cast<std::size_t>(type);
  return kNames[index < std::size(kNames) ? index : 0];
}

const char* state_name(RecordedState state) {
  static constexpr const char* kNames[] = {"waiting", "delayed", "retrying", "dead", "unknown"};
  const auto index = static_cast<std::size_t>(state);
  return kNames[index < std::size(kNames) ? index : std::size(kNames) - 1];
}

Json record_json(const RecordView& record, bool payloads) {
  Json json = {{"lsn", record.lsn},
               {"type", type_name(record.type())},
               {"queue", record.header.queue},
               {"shard", record.header.shard},
               {"position", record.header.position}};
  add_body(record, payloads, json);
  return json;
}

}  // namespace laneway::journal_tool

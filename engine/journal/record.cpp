#include "engine/journal/record.hpp"

#include "engine/base/assert.hpp"

#include <algorithm>
#include <cstring>

namespace laneway::engine {

namespace {

void raise(RecordHeader* header, std::uint8_t flag, bool wanted) {
  header->flags = static_cast<std::uint8_t>(header->flags | (wanted ? flag : 0));
}

}  // namespace

// --- writing ----------------------------------------------------------------------------------

void RecordWriter::begin(RecordHeader header, RecordType type) {
  bytes_ = 0;
  header.type = static_cast<std::uint8_t>(type);
  put(header);
}

void RecordWriter::put(const void* data, std::size_t size) {
  const std::size_t end = bytes_ + size;
  if (words_.size() * 8 < end) {
    words_.resize(padded_record(end) / 8);
  }
  if (size != 0) {
    std::memcpy(reinterpret_cast<std::byte*>(words_.data()) + bytes_, data, size);
  }
  bytes_ = end;
}

void RecordWriter::end() {
  const auto bytes = static_cast<std::uint32_t>(bytes_);
  std::byte* const first = reinterpret_cast<std::byte*>(words_.data());
  std::memcpy(first + offsetof(RecordHeader, bytes), &bytes, sizeof bytes);
  std::memset(first + bytes_, 0, padded_record(bytes_) - bytes_);
}

void RecordWriter::put(const RecordedAttempt& attempt) {
  AttemptBody body = attempt.body;
  body.text_bytes = static_cast<std::uint8_t>(attempt.text.size());
  put(body);
  put(attempt.text.data(), attempt.text.size());
}

void RecordWriter::settle(RecordHeader header, std::int64_t time_ms) {
  begin(header, RecordType::settle);
  put(SettleBody{time_ms});
  end();
}

void RecordWriter::bare(RecordHeader header) {
  begin(header, static_cast<RecordType>(header.type));
  end();
}

void RecordWriter::order(RecordHeader header, const RecordedOrder& order) {
  raise(&header, kRecordDue, order.due.has_value());
  begin(header, static_cast<RecordType>(header.type));
  put(order.fixed);
  if (order.due) {
    put(*order.due);
  }
  end();
}

void RecordWriter::remember(RecordHeader header, const RecordedId& remembered) {
  RememberBody body = remembered.fixed;
  body.bytes = static_cast<std::uint8_t>(remembered.id.size());
  begin(header, RecordType::remember);
  put(body);
  put(remembered.id.data(), remembered.id.size());
  end();
}

void RecordWriter::lane(RecordHeader header, std::string_view key) {
  begin(header, RecordType::lane);
  put(key.data(), key.size());
  end();
}

void RecordWriter::queue(RecordHeader header, const RecordedQueue& queue) {
  QueueBody body = queue.fixed;
  body.name_bytes = static_cast<std::uint16_t>(queue.name.size());
  begin(header, RecordType::queue);
  put(body);
  put(queue.name.data(), queue.name.size());
  end();
}

void RecordWriter::retry(RecordHeader header, const RecordedRetry& retry) {
  begin(header, RecordType::retry);
  put(retry.fixed);
  put(retry.attempt);
  end();
}

void RecordWriter::dead(RecordHeader header, const RecordedDeath& death) {
  raise(&header, kRecordAttempt, death.attempt.has_value());
  begin(header, RecordType::dead);
  put(death.fixed);
  if (death.attempt) {
    put(*death.attempt);
  }
  end();
}

void RecordWriter::message(const RecordedMessage& message) {
  PublishBody body = message.fixed;
  body.payload_bytes = static_cast<std::uint32_t>(message.payload.size());
  body.key_bytes = static_cast<std::uint16_t>(message.key.size());
  body.type_bytes = static_cast<std::uint8_t>(message.type.size());
  body.dedup_bytes = static_cast<std::uint8_t>(message.dedup.size());
  put(body);
  if (message.due) {
    put(*message.due);
  }
  if (message.deadline) {
    put(*message.deadline);
  }
  if (message.dedup_until_ms) {
    put(*message.dedup_until_ms);
  }
}

void RecordWriter::publish(RecordHeader header, const RecordedMessage& content) {
  raise(&header, kRecordDue, content.due.has_value());
  raise(&header, kRecordDeadline, content.deadline.has_value());
  raise(&header, kRecordDedup, content.dedup_until_ms.has_value());
  begin(header, RecordType::publish);
  message(content);
  put(content.key.data(), content.key.size());
  put(content.type.data(), content.type.size());
  put(content.dedup.data(), content.dedup.size());
  put(content.payload.data(), content.payload.size());
  end();
}

void RecordWriter::relocate(RecordHeader header, const RecordedMessage& content) {
  raise(&header, kRecordDue, content.due.has_value());
  raise(&header, kRecordDeadline, content.deadline.has_value());
  raise(&header, kRecordDedup, content.dedup_until_ms.has_value());
  begin(header, RecordType::relocate);
  message(content);
  RelocateBody state = content.state;
  state.attempts = static_cast<std::uint8_t>(content.attempts.size());
  put(state);
  put(content.key.data(), content.key.size());
  put(content.type.data(), content.type.size());
  put(content.dedup.data(), content.dedup.size());
  put(content.payload.data(), content.payload.size());
  for (const RecordedAttempt& attempt : content.attempts) {
    put(attempt);
  }
  end();
}

RecordHeader mark_header(SourceId id, std::uint64_t end) {
  RecordHeader header{};
  header.bytes = sizeof header;
  header.type = static_cast<std::uint8_t>(RecordType::mark);
  header.queue = id.queue;
  header.shard = id.shard;
  header.position = end - 1;
  return header;
}

// --- reading ----------------------------------------------------------------------------------

namespace {

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    T value{};
    const std::span<const std::byte> piece = take(sizeof(T));
    if (!piece.empty()) {
      std::memcpy(&value, piece.data(), sizeof(T));
    }
    return value;
  }
  std::span<const std::byte> take(std::size_t size) {
    ok_ = ok_ && size <= bytes_.size();
    if (!ok_) {
      return {};
    }
    const std::span<const std::byte> piece = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return piece;
  }
  std::string_view text(std::size_t size) {
    const std::span<const std::byte> piece = take(size);
    return {reinterpret_cast<const char*>(piece.data()), piece.size()};
  }
  RecordedAttempt attempt() {
    RecordedAttempt attempt{take<AttemptBody>(), {}};
    attempt.text = text(attempt.body.text_bytes);
    return attempt;
  }
  // Everything was there, and nothing is left.
  bool done() const { return ok_ && bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

template <class T>
std::optional<T> only(const RecordView& record) {
  Reader reader(record.body);
  const T body = reader.take<T>();
  return reader.done() ? std::optional<T>(body) : std::nullopt;
}

}  // namespace

bool read_record(std::span<const std::byte> bytes, RecordView* record) {
  if (bytes.size() < sizeof(RecordHeader)) {
    return false;
  }
  std::memcpy(&record->header, bytes.data(), sizeof(RecordHeader));
  if (record->header.bytes < sizeof(RecordHeader) ||
      padded_record(record->header.bytes) > bytes.size()) {
    return false;
  }
  record->body = bytes.subspan(sizeof(RecordHeader), record->header.bytes - sizeof(RecordHeader));
  return true;
}

std::optional<SettleBody> read_settle(const RecordView& record) {
  return only<SettleBody>(record);
}

std::optional<RecordedOrder> read_order(const RecordView& record) {
  Reader reader(record.body);
  RecordedOrder order{reader.take<OrderBody>(), {}};
  if ((record.header.flags & kRecordDue) != 0) {
    order.due = reader.take<DueBody>();
  }
  return reader.done() ? std::optional(order) : std::nullopt;
}

std::optional<RecordedMessage> read_message(const RecordView& record) {
  Reader reader(record.body);
  std::optional<RecordedMessage> message(std::in_place);
  message->fixed = reader.take<PublishBody>();
  if ((record.header.flags & kRecordDue) != 0) {
    message->due = reader.take<DueBody>();
  }
  if ((record.header.flags & kRecordDeadline) != 0) {
    message->deadline = reader.take<DueBody>();
  }
  if ((record.header.flags & kRecordDedup) != 0) {
    message->dedup_until_ms = reader.take<std::int64_t>();
  }
  const bool relocated = record.type() == RecordType::relocate;
  if (relocated) {
    message->state = reader.take<RelocateBody>();
  }
  message->key = reader.text(message->fixed.key_bytes);
  message->type = reader.text(message->fixed.type_bytes);
  message->dedup = reader.text(message->fixed.dedup_bytes);
  message->payload = Bytes(reader.take(message->fixed.payload_bytes));
  for (std::uint32_t i = 0; i < message->state.attempts; ++i) {
    message->attempts.push_back(reader.attempt());
  }
  if (!reader.done()) {
    message.reset();
  }
  return message;
}

std::optional<RecordedRetry> read_retry(const RecordView& record) {
  Reader reader(record.body);
  const RecordedRetry retry{reader.take<RetryBody>(), reader.attempt()};
  return reader.done() ? std::optional(retry) : std::nullopt;
}

std::optional<RecordedDeath> read_death(const RecordView& record) {
  Reader reader(record.body);
  RecordedDeath death{reader.take<DeadBody>(), {}};
  if ((record.header.flags & kRecordAttempt) != 0) {
    death.attempt = reader.attempt();
  }
  return reader.done() ? std::optional(death) : std::nullopt;
}

std::optional<RecordedId> read_remember(const RecordView& record) {
  Reader reader(record.body);
  RecordedId remembered{reader.take<RememberBody>(), {}};
  remembered.id = reader.text(remembered.fixed.bytes);
  return reader.done() ? std::optional(remembered) : std::nullopt;
}

std::string_view read_lane(const RecordView& record) {
  return Bytes(record.body).text();
}

std::optional<RecordedQueue> read_queue(const RecordView& record) {
  Reader reader(record.body);
  RecordedQueue queue{reader.take<QueueBody>(), {}};
  queue.name = reader.text(queue.fixed.name_bytes);
  return reader.done() ? std::optional(queue) : std::nullopt;
}

// --- frames -----------------------------------------------------------------------------------

void write_frame_head(const FrameHead& head, std::span<std::uint64_t, kFrameHeadWords> words) {
  LANEWAY_ASSERT(head.closes_plus_1 >> 62 == 0);
  words[0] = head.closes_plus_1 | std::uint64_t{head.opens} << 62 | std::uint64_t{head.sync} << 63;
  words[1] = head.closed_bytes;
}

FrameHead read_frame_head(std::uint64_t first, std::uint64_t second) {
  FrameHead head;
  head.closes_plus_1 = first & ((std::uint64_t{1} << 62) - 1);
  head.opens = (first >> 62 & 1) != 0;
  head.sync = first >> 63 != 0;
  head.closed_bytes = static_cast<std::uint32_t>(second);
  return head;
}

}  // namespace laneway::engine

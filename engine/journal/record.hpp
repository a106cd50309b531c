// Floor 2. Records as values: what a record says, and the frames in which it travels to the writer.
#pragma once

#include <laneway/message.hpp>

#include "engine/journal/format.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace laneway::engine {

// Which shard of which queue.
struct SourceId {
  std::uint16_t queue = 0;
  std::uint16_t shard = 0;
  friend bool operator==(const SourceId&, const SourceId&) = default;
  friend auto operator<=>(const SourceId&, const SourceId&) = default;
};

// One record as it lies in a batch. Views live as long as the buffer it was read into.
struct RecordView {
  RecordHeader header;
  std::span<const std::byte> body;
  std::uint64_t lsn = 0;
  // Number of the record among those of its source, from 0 at the start of what is recovered.
  std::uint64_t sequence = 0;

  RecordType type() const { return static_cast<RecordType>(header.type); }
  SourceId source() const { return {header.queue, header.shard}; }
};

struct RecordedAttempt {
  AttemptBody body;
  std::string_view text;
};

// publish and relocate.
struct RecordedMessage {
  PublishBody fixed = {};
  std::optional<DueBody> due;
  std::optional<DueBody> deadline;
  std::optional<std::int64_t> dedup_until_ms;  // with a dedup id
  RelocateBody state = {};
  std::string_view key;
  std::string_view type;
  std::string_view dedup;
  Bytes payload;
  std::vector<RecordedAttempt> attempts;  // oldest first
};

// join and replay.
struct RecordedOrder {
  OrderBody fixed = {};
  std::optional<DueBody> due;  // of replay: not before this
};

struct RecordedRetry {
  RetryBody fixed = {};
  RecordedAttempt attempt = {};
};

struct RecordedDeath {
  DeadBody fixed = {};
  std::optional<RecordedAttempt> attempt;
};

struct RecordedId {
  RememberBody fixed = {};
  std::string_view id;
};

struct RecordedQueue {
  QueueBody fixed = {};
  std::string_view name;
};

// A record under construction, reused from one to the next. The header is given by the caller but
// for its length.
class RecordWriter {
 public:
  // Records of up to so many bytes then allocate nothing.
  void reserve(std::size_t bytes) { words_.reserve(padded_record(bytes) / 8); }

  void settle(RecordHeader header, std::int64_t time_ms);
  void publish(RecordHeader header, const RecordedMessage& message);
  void relocate(RecordHeader header, const RecordedMessage& message);
  void retry(RecordHeader header, const RecordedRetry& retry);
  void dead(RecordHeader header, const RecordedDeath& death);
  void order(RecordHeader header, const RecordedOrder& order);  // join, replay
  void remember(RecordHeader header, const RecordedId& remembered);
  void lane(RecordHeader header, std::string_view key);
  void queue(RecordHeader header, const RecordedQueue& queue);
  void bare(RecordHeader header);  // grant, mark

  std::size_t bytes() const { return bytes_; }  // without padding
  // The record with its padding, in words.
  std::span<const std::uint64_t> words() const {
    return {words_.data(), padded_record(bytes_) / 8};
  }
  std::span<const std::byte> padded() const { return std::as_bytes(words()); }

 private:
  void begin(RecordHeader header, RecordType type);
  void end();
  void put(const void* data, std::size_t size);
  template <class T>
  void put(const T& value) {
    put(&value, sizeof value);
  }
  void put(const RecordedAttempt& attempt);
  void message(const RecordedMessage& message);

  std::vector<std::uint64_t> words_;
  std::size_t bytes_ = 0;
};

// A mark, which is a header alone: no position below `end`, which is not 0, is free.
RecordHeader mark_header(SourceId id, std::uint64_t end);

// Empty: the body does not have the shape of its type.
std::optional<SettleBody> read_settle(const RecordView& record);
std::optional<RecordedMessage> read_message(const RecordView& record);  // publish, relocate
std::optional<RecordedRetry> read_retry(const RecordView& record);
std::optional<RecordedDeath> read_death(const RecordView& record);
std::optional<RecordedOrder> read_order(const RecordView& record);
std::optional<RecordedId> read_remember(const RecordView& record);
std::optional<RecordedQueue> read_queue(const RecordView& record);
std::string_view read_lane(const RecordView& record);  // the key

// The record at the front of `bytes`; false when its length does not fit there.
bool read_record(std::span<const std::byte> bytes, RecordView* record);

// What the writer must know of a record beside its bytes. In the outbox ring it goes before them.
struct FrameHead {
  // The record that it takes the place of as its message's home, or that ends with it: its number
  // in this source, plus 1; 0: none.
  std::uint64_t closes_plus_1 = 0;
  std::uint32_t closed_bytes = 0;  // of that record, with padding
  bool opens = false;              // the record is a message's home from now on
  bool sync = false;               // somebody waits for it
};
inline constexpr std::size_t kFrameHeadWords = 2;

void write_frame_head(const FrameHead& head, std::span<std::uint64_t, kFrameHeadWords> words);
FrameHead read_frame_head(std::uint64_t first, std::uint64_t second);

}  // namespace laneway::engine

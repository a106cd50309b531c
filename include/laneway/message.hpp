// Message: what a producer publishes; MessageId: how it is known from then on.
#pragma once

#include <laneway/options.hpp>
#include <laneway/result.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace laneway {

// A view of bytes that text converts to. Owns nothing.
class Bytes {
 public:
  constexpr Bytes() noexcept = default;
  Bytes(const void* data, std::size_t size) noexcept
      : data_(static_cast<const std::byte*>(data)), size_(size) {}
  Bytes(std::span<const std::byte> bytes) noexcept : data_(bytes.data()), size_(bytes.size()) {}
  Bytes(std::string_view text) noexcept : Bytes(text.data(), text.size()) {}
  Bytes(const std::string& text) noexcept : Bytes(text.data(), text.size()) {}
  Bytes(const char* text) noexcept : Bytes(std::string_view(text)) {}

  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }
  operator std::span<const std::byte>() const noexcept { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Names a message within its queue: unique for ever, known as soon as publish returns. The value
// holds the shard and the place claimed in it; order of ids says nothing across shards.
struct MessageId {
  std::uint64_t value = 0;  // 0 names no message

  static constexpr unsigned kPositionBits = 54;
  std::uint32_t shard() const noexcept {
    return static_cast<std::uint32_t>(value >> kPositionBits);
  }
  std::uint64_t position() const noexcept {
    return value & ((std::uint64_t{1} << kPositionBits) - 1);
  }
  friend auto operator<=>(const MessageId&, const MessageId&) = default;
};

// What a producer hands over. The views need to live only until publish returns: bytes are copied.
struct Message {
  // Messages of one key are worked on one at a time and in order. Empty: no key, no order.
  std::string_view key = {};
  Bytes payload = {};
  // Free text for handlers, dead letters and filters, such as "invoice.created".
  std::string_view type = {};
  // Not delivered before this much time has passed; joins the order of its key when it is due.
  std::chrono::milliseconds delay{0};
  // The message deadline: EXPIRED when it still waits after this much time. 0: never.
  std::chrono::milliseconds ttl{0};
  // Deliveries before it is dead-lettered. 0: as the queue says.
  std::uint32_t attempts_max = 0;
  // Higher ones first; a key ranks by its first waiting message. For QueueOptions::priorities.
  std::int32_t priority = 0;
  // Up to 64 bytes. A second message with the same id within QueueOptions::dedup_window is not
  // taken: its publish answers the id of the first. Give it the same key every time, or never one.
  std::string_view dedup_id = {};
  // Empty: as the queue says. not_durable: more than queue and engine can give.
  std::optional<Durability> durability = {};
};

// The answer for one message of a batch.
struct Published {
  MessageId id = {};      // when accepted
  Errc refused = Errc{};  // else why not; Errc{} (zero) means accepted
  // Accepted before, within the dedup window: `id` is the first one's, and it is as durable as that
  // had asked for.
  bool duplicate = false;
  bool accepted() const noexcept { return refused == Errc{}; }
};

// States of a message, as status(id) and stats() name them.
enum class MessageState : std::uint8_t {
  unknown,    // never published, or its outcome is no longer remembered
  accepted,   // published, not yet looked at by its shard
  delayed,    // waits for its delay, or for its retry
  ready,      // may be granted now
  blocked,    // waits for an earlier message of its key
  leased,     // a consumer holds it
  completed,  // acknowledged
  dead,       // in the dead letters
  expired,    // its own deadline passed while it waited
  discarded,  // removed from the dead letters
  cancelled,  // by Queue::cancel
  dropped,    // by Overflow::drop_oldest
};
LANEWAY_EXPORT std::string_view to_string(MessageState state) noexcept;

// What status(id) answers. Attempts, due and error class are zero for states that have none.
struct MessageStatus {
  MessageState state = MessageState::unknown;
  std::uint32_t attempts = 0;           // deliveries that have ended or are running
  std::chrono::milliseconds due_in{0};  // until the next delivery may happen, when delayed
  std::uint32_t error_class = 0;        // of the last failed attempt
  std::string error;                    // its text
  bool cancelling = false;              // leased, and somebody has asked to cancel it
  std::string result;                   // of a completed one, as long as it is remembered
};

}  // namespace laneway

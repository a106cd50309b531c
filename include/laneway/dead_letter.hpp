// DeadLetter: a message that will not be retried, with its whole story.
#pragma once

#include <laneway/message.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace laneway {

// interrupted: the program ended while somebody worked on the message; a journal remembers it.
enum class AttemptEnd : std::uint8_t { nacked, rejected, expired, abandoned, interrupted };
LANEWAY_EXPORT std::string_view to_string(AttemptEnd end) noexcept;

// One failed delivery.
struct Attempt {
  std::uint32_t number;  // 1 is the first
  AttemptEnd end;
  std::uint32_t error_class;
  std::chrono::system_clock::time_point granted;
  std::chrono::system_clock::time_point ended;
  std::uint32_t consumer;  // number of the Consumer that held it, counted from 1 in its queue
  std::string error;
};

enum class DeadReason : std::uint8_t {
  rejected,  // by a handler
  attempts,  // used up
  diverted,  // an earlier message of its key died: OnDeath::divert_key
};
LANEWAY_EXPORT std::string_view to_string(DeadReason reason) noexcept;

struct DeadLetter {
  MessageId id;
  std::string key;
  std::string type;
  std::vector<std::byte> payload;  // only when asked for
  std::size_t payload_bytes;
  DeadReason reason;
  std::uint32_t attempts;  // deliveries in this life; a replay starts a new one
  // The last ones, oldest first; at most 32 are kept of a message.
  std::vector<Attempt> story;
  std::chrono::system_clock::time_point published;
  std::chrono::system_clock::time_point died;
};

// A page of the listing of Queue::dead_letters, oldest first within a shard.
struct DeadLetterPage {
  std::vector<DeadLetter> letters;
  std::uint64_t next = 0;  // hand it to the next call; 0: that was all
};

// Chooses dead letters: those that fit everything that is given. Views need to live only until the
// call returns.
struct DeadLetterFilter {
  std::string_view key = {};                                // empty: any
  std::string_view type = {};                               // empty: any
  std::optional<std::uint32_t> error_class = std::nullopt;  // of the last failed attempt
  std::optional<DeadReason> reason = std::nullopt;
  std::chrono::milliseconds older_than{0};    // dead for at least so long
  std::chrono::milliseconds younger_than{0};  // dead for less than that; 0: any
};

struct DeadLetterQuery {
  std::uint64_t from = 0;  // DeadLetterPage::next of the page before
  std::size_t limit = 100;
  bool payloads = false;
  DeadLetterFilter filter = {};
};

struct ReplayOptions {
  DeadLetterFilter filter = {};
  // So many a second from now on, each DELAYED until its turn. 0: all at once.
  std::uint32_t per_second = 0;
};

}  // namespace laneway

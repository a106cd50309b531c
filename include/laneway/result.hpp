// Errors by value: Errc, Error and Result<T>.
//
// Nothing in laneway throws on a hot path. A call that can fail answers a Result; member names are
// those of std::expected, which C++20 does not have. Success allocates nothing.
//
//   laneway::Result<laneway::MessageId> id = queue.publish({.key = "customer-7", .payload =
//   "bill"}); if (!id) return complain(id.error());
#pragma once

#include <laneway/export.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace laneway {

enum class Errc : std::int32_t {
  queue_full = 1,      // no room: capacity, ring or payload pool; try again later or shed load
  too_large,           // key, type or payload above the limit of the queue
  closed,              // the queue or its engine has been closed
  paused_for_publish,  // publishing is paused by an operator
  invalid_argument,    // a mistake in the call; Error::detail says which
  lease_lost,          // the lease expired, was revoked, or has been settled before
  not_found,           // no such message, dead letter or queue
  no_memory,           // the system refused memory; only verbs that open, list or start answer this
  system_error,        // a system call failed; Error::sys_errno says why
  cancelled,           // somebody has asked to cancel the message that is worked on
  key_full,            // the key has QueueOptions::key_messages_max messages; other keys go on
  shed,                // the queue is above its high watermark and the priority too low
  not_durable,         // more durability was asked for than there is; nothing happened
  journal_full,        // no room in the journal; settles go on, publishing resumes with the room
  io_error,            // the journal could not be written or read; Error::sys_errno says why
  corrupt,             // the journal is damaged where data had been confirmed
  locked,              // another engine has the journal open
  version,             // the journal was written by a version that this one does not know
};

// The enumerator's own name. Total: an unknown value answers "unknown".
LANEWAY_EXPORT std::string_view to_string(Errc code) noexcept;

struct Error {
  Errc code;
  std::int32_t sys_errno = 0;  // errno of the failed system call, or 0
  const char* detail = "";     // static text, never null
};
static_assert(sizeof(Error) == 16, "an error is two words and costs nothing to return");

// "queue_full: the payload pool is used up". Allocates; for logs and messages to people.
LANEWAY_EXPORT std::string to_string(const Error& error);

namespace detail {
[[noreturn]] LANEWAY_EXPORT void bad_result_access(const Error* error);
}

// Either a value or an Error. Asking for the one that is not there stops the program with a
// message: it is a mistake in the code, never a condition to handle. Not thread-safe, like any
// value.
template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, error) {}
  Result(Errc code, const char* detail = "") : Result(Error{code, 0, detail}) {}
  template <class... Arguments>
  explicit Result(std::in_place_t, Arguments&&... arguments)
      : state_(std::in_place_index<0>, std::forward<Arguments>(arguments)...) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return const_cast<Result*>(this)->value(); }
  // By value: the range of `for (Lease& job : *consumer.receive())` lives as long as the loop.
  T operator*() && { return std::move(value()); }
  // Not for the range of a for loop: `queue.dead_letters()->letters` is gone before the first turn.
  T* operator->() { return &value(); }
  const T* operator->() const { return &const_cast<Result*>(this)->value(); }

  const Error& error() const {
    if (has_value()) {
      detail::bad_result_access(nullptr);
    }
    return *std::get_if<1>(&state_);
  }

 private:
  T& value() {
    if (!has_value()) {
      detail::bad_result_access(std::get_if<1>(&state_));
    }
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(error), failed_(true) {}
  Result(Errc code, const char* detail = "") : Result(Error{code, 0, detail}) {}

  bool has_value() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return has_value(); }
  const Error& error() const {
    if (!failed_) {
      detail::bad_result_access(nullptr);
    }
    return error_;
  }

 private:
  Error error_{};
  bool failed_ = false;
};

}  // namespace laneway

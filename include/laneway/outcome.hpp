// Outcome: what a handler decides about the message it was given.
//
//   return laneway::Outcome::ack();
//   return laneway::Outcome::retry("connection refused", 5s);
//   return laneway::Outcome::reject("no such customer");
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace laneway {

// Why an attempt failed. The class is the application's own number, to filter and count by; the
// text is kept up to 96 bytes. Views need to live only until the call returns.
struct Failure {
  std::string_view error = {};
  std::uint32_t error_class = 0;
  // Retry after exactly this long instead of the back-off of the queue. Not used by reject.
  std::optional<std::chrono::milliseconds> after = std::nullopt;
};

class Outcome {
 public:
  enum class Kind : std::uint8_t { ack, retry, reject };

  static Outcome ack() { return Outcome(Kind::ack); }
  // With a result for status(id), see Lease::ack. Not kept of runs, nor by a queue that keeps none.
  static Outcome ack(std::string result) {
    Outcome outcome(Kind::ack);
    outcome.text_ = std::move(result);
    return outcome;
  }
  // Counts a failed attempt; the message comes back after `after`, or after the queue's back-off.
  static Outcome retry(std::string error = {},
                       std::optional<std::chrono::milliseconds> after = std::nullopt,
                       std::uint32_t error_class = 0) {
    Outcome outcome(Kind::retry);
    outcome.text_ = std::move(error);
    outcome.after_ = after;
    outcome.error_class_ = error_class;
    return outcome;
  }
  // Permanent: straight to the dead letters, never retried.
  static Outcome reject(std::string error = {}, std::uint32_t error_class = 0) {
    Outcome outcome(Kind::reject);
    outcome.text_ = std::move(error);
    outcome.error_class_ = error_class;
    return outcome;
  }

  Kind kind() const noexcept { return kind_; }
  // Views into this Outcome: valid while it lives.
  Failure failure() const noexcept { return {text_, error_class_, after_}; }
  std::string_view result() const noexcept { return text_; }

 private:
  explicit Outcome(Kind kind) : kind_(kind) {}

  Kind kind_;
  std::uint32_t error_class_ = 0;
  std::optional<std::chrono::milliseconds> after_;
  std::string text_;  // the error, or the result
};

}  // namespace laneway

// Floor 3. Names of enumerators, as people and machines read them, and the text of errors.
#include <laneway/dead_letter.hpp>
#include <laneway/message.hpp>
#include <laneway/observer.hpp>
#include <laneway/result.hpp>
#include <laneway/stats.hpp>

#include "engine/base/errno_text.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace laneway {

namespace {

template <std::size_t kSize, class Enumeration>
std::string_view pick(const std::array<std::string_view, kSize>& names, Enumeration value) {
  const auto index = static_cast<std::size_t>(value);
  return index < kSize ? names[index] : "unknown";
}

}  // namespace

std::string_view to_string(Errc code) noexcept {
  static constexpr std::array<std::string_view, 19> kNames = {
      "unknown",          "queue_full", "too_large", "closed",      "paused_for_publish",
      "invalid_argument", "lease_lost", "not_found", "no_memory",   "system_error",
      "cancelled",        "key_full",   "shed",      "not_durable", "journal_full",
      "io_error",         "corrupt",    "locked",    "version"};
  return pick(kNames, code);
}

std::string_view to_string(MessageState state) noexcept {
  static constexpr std::array<std::string_view, 12> kNames = {
      "unknown",   "accepted", "delayed", "ready",     "blocked",   "leased",
      "completed", "dead",     "expired", "discarded", "cancelled", "dropped"};
  return pick(kNames, state);
}

std::string_view to_string(AttemptEnd end) noexcept {
  static constexpr std::array<std::string_view, 5> kNames = {"nacked", "rejected", "expired",
                                                             "abandoned", "interrupted"};
  return pick(kNames, end);
}

std::string_view to_string(DeadReason reason) noexcept {
  static constexpr std::array<std::string_view, 3> kNames = {"rejected", "attempts", "diverted"};
  return pick(kNames, reason);
}

std::string_view to_string(RecoveryEnd end) noexcept {
  static constexpr std::array<std::string_view, 5> kNames = {"created", "closed", "clean", "torn",
                                                             "corrupt"};
  return pick(kNames, end);
}

void EngineObserver::log(std::string_view line) noexcept {
  std::fprintf(stderr, "laneway: %.*s\n", static_cast<int>(line.size()), line.data());
}

std::string to_string(const Error& error) {
  std::string text(to_string(error.code));
  if (error.detail[0] != '\0') {
    text += ": ";
    text += error.detail;
  }
  if (error.sys_errno != 0) {
    text += ": ";
    text += engine::errno_text(error.sys_errno);
  }
  return text;
}

namespace detail {

void bad_result_access(const Error* error) {
  const std::string text = error == nullptr ? "it holds a value" : to_string(*error);
  std::fprintf(stderr, "laneway: a Result was asked for what it does not hold: %s\n", text.c_str());
  std::abort();
}

}  // namespace detail

}  // namespace laneway

// Dead letters as JSON: one object, one line. docs/run.md describes the members.
#pragma once

#include <laneway/dead_letter.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace laneway::tools {

// A record that never became a message: too long, or without the key that it must have.
struct RefusedRecord {
  std::uint64_t number = 0;
  std::uint64_t offset = 0;  // in the input
  std::uint64_t size = 0;
  std::string_view record = {};  // empty when it is too long
  bool too_long = false;
  std::string error = {};
  std::chrono::system_clock::time_point when = {};
};

// Without the end of the line. `letter` has its payload, a sealed envelope.
std::string dead_letter_json(const DeadLetter& letter);
std::string refused_record_json(const RefusedRecord& refused);

// What can be tried again of a line that one of these has written.
struct ReadLetter {
  std::string key = {};
  std::optional<std::string> record = std::nullopt;  // none: it was too long to be kept
};
// Nothing when the line is none of them.
std::optional<ReadLetter> read_dead_letter(std::string_view line);

}  // namespace laneway::tools

// Values of options that are more than one number. Each answers what is wrong, or nothing.
#pragma once

#include <laneway/options.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace laneway::tools {

// "200ms" or "200ms:10s": the first wait and the longest. Without the longest it is ten seconds, or
// the first if that is more. The engine waits a millisecond at least.
std::string take_backoff(const std::string& text, Backoff& to);

// "100", "100/s", "90/m" or "5/h": so many in that time, a second unless it is said.
std::string take_rate(const std::string& text, double& per_second);

// A whole number; what is none, or above 32 bits, is 0.
std::int32_t parse_priority(std::string_view text);

// "64,65": exit codes from 1 to 255.
std::string take_exit_codes(const std::string& text, std::set<std::uint32_t>& to);

// "hold" or "detach".
std::string take_on_failure(const std::string& text, OnFailure& to);

// Any text; "\t" stands for a tab.
std::string take_delimiter(const std::string& text, std::string& to);

// "64k": 1 byte to 16 MiB.
std::string take_record_bytes(const std::string& text, std::uint64_t& to);

}  // namespace laneway::tools

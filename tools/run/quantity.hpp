// Quantities as people write and read them: durations, byte sizes, shares, counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace laneway::tools {

// Digits only, no sign, no space; nothing above 2^63 - 1.
std::optional<std::uint64_t> parse_count(std::string_view text);

// A count and one of the units ms, s, m, h: "200ms", "2s", "5m". A unit is required, except for 0.
// Nothing above 1,000 hours.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// A count of bytes, or of KiB or MiB with the suffix k or m (either case): "4096", "64k", "2M".
std::optional<std::uint64_t> parse_bytes(std::string_view text);

// A share from 0 to 1 in plain decimal notation: "0.1".
std::optional<double> parse_share(std::string_view text);

// "0 ms", "640 us", "12 ms", "3.2 s", "4 min 5 s", "2 h 3 min".
std::string format_duration(std::chrono::nanoseconds duration);

// As it would be given on the command line, in the largest unit that is exact: "2s", "1500ms".
std::string compact_duration(std::chrono::milliseconds duration);

// "1,234,567".
std::string format_count(std::uint64_t count);

// "1,234/s" or "3.4/s".
std::string format_rate(double per_second);

// "1 record", "2,000 records".
std::string format_plural(std::uint64_t count, std::string_view noun);

}  // namespace laneway::tools

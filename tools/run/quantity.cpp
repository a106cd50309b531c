#include "tools/run/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace laneway::tools {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kDurationMsMax = 1000ull * 3600 * 1000;

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> kDurationUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}}};
constexpr std::array<Unit, 5> kByteUnits = {
    {{"", 1}, {"k", 1024}, {"K", 1024}, {"m", 1024 * 1024}, {"M", 1024 * 1024}}};

// The number of leading digits.
std::size_t digits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') {
    ++count;
  }
  return count;
}

template <std::size_t kSize>
std::optional<std::uint64_t> parse_with_unit(std::string_view text,
                                             const std::array<Unit, kSize>& units,
                                             std::uint64_t max) {
  const std::size_t length = digits(text);
  const auto count = parse_count(text.substr(0, length));
  if (!count) {
    return std::nullopt;
  }
  for (const Unit& unit : units) {
    if (text.substr(length) == unit.suffix) {
      return *count <= max / unit.factor ? std::optional(*count * unit.factor) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || digits(text) != text.size()) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return value;
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text == "0") {
    return milliseconds(0);
  }
  const auto value = parse_with_unit(text, kDurationUnits, kDurationMsMax);
  return value ? std::optional(milliseconds(*value)) : std::nullopt;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_with_unit(text, kByteUnits, std::numeric_limits<std::int64_t>::max());
}

std::optional<double> parse_share(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && value >= 0.0 && value <= 1.0 ? std::optional(value) : std::nullopt;
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const auto us = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count() / 1000);
  const std::uint64_t seconds = us / 1'000'000;
  if (us == 0) {
    return "0 ms";
  }
  if (us < 1000) {
    return fmt::format("{} us", us);
  }
  if (us < 1'000'000) {
    return fmt::format("{} ms", us / 1000);
  }
  if (seconds < 60) {
    return fmt::format("{}.{} s", seconds, us / 100'000 % 10);
  }
  if (seconds < 3600) {
    return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  }
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

std::string compact_duration(milliseconds duration) {
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  for (auto unit = kDurationUnits.rbegin(); unit != kDurationUnits.rend(); ++unit) {
    if (ms % unit->factor == 0 && ms > 0) {
      return fmt::format("{}{}", ms / unit->factor, unit->suffix);
    }
  }
  return "0";
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) {
    text.insert(at - 3, ",");
  }
  return text;
}

std::string format_rate(double per_second) {
  if (per_second < 100.0) {
    return fmt::format("{:.1f}/s", per_second);
  }
  return format_count(static_cast<std::uint64_t>(per_second + 0.5)) + "/s";
}

std::string format_plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

}  // namespace laneway::tools

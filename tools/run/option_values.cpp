#include "tools/run/option_values.hpp"

#include "tools/run/quantity.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace laneway::tools {

namespace {

constexpr std::uint64_t kRecordBytesMax = 16 * 1024 * 1024;
constexpr std::uint64_t kRateMax = 1'000'000;
constexpr std::chrono::milliseconds kLongestBackoff{10'000};

}  // namespace

std::string take_backoff(const std::string& text, Backoff& to) {
  const std::size_t colon = text.find(':');
  const auto first = parse_duration(std::string_view(text).substr(0, colon));
  if (!first) {
    return "is no back-off, such as 200ms or 200ms:10s (the first wait, and the longest)";
  }
  to.first = std::max(*first, to.floor);
  to.cap = std::max(to.first, kLongestBackoff);
  if (colon != std::string::npos) {
    const auto cap = parse_duration(std::string_view(text).substr(colon + 1));
    if (!cap) {
      return "has no duration after the colon, as in 200ms:10s";
    }
    to.cap = std::max(*cap, to.floor);
  }
  return to.cap < to.first ? "has its longest wait below its first" : "";
}

std::string take_rate(const std::string& text, double& per_second) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view unit = std::string_view(text).substr(slash);
  const double seconds = unit.empty() || unit == "/s" ? 1 : unit == "/m" ? 60 : 3600;
  const auto count = parse_count(std::string_view(text).substr(0, slash));
  if (!count || *count == 0 || *count > kRateMax || (seconds > 60 && unit != "/h")) {
    return "is no rate, such as 100, 100/s, 90/m or 5/h";
  }
  per_second = static_cast<double>(*count) / seconds;
  return {};
}

std::int32_t parse_priority(std::string_view text) {
  std::int32_t priority = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, priority);
  return error == std::errc() && stopped == end ? priority : 0;
}

std::string take_exit_codes(const std::string& text, std::set<std::uint32_t>& to) {
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    const auto code = parse_count(rest.substr(0, comma));
    if (!code || *code == 0 || *code > 255) {
      return "is no list of exit codes from 1 to 255, such as 64,65";
    }
    to.insert(static_cast<std::uint32_t>(*code));
    if (comma == std::string_view::npos) {
      return {};
    }
    rest.remove_prefix(comma + 1);
  }
}

std::string take_on_failure(const std::string& text, OnFailure& to) {
  to = text == "detach" ? OnFailure::detach : OnFailure::hold;
  return text == "hold" || text == "detach" ? "" : "is neither hold nor detach";
}

std::string take_delimiter(const std::string& text, std::string& to) {
  to = text == "\\t" ? "\t" : text;
  return text.empty() ? "is empty" : "";
}

std::string take_record_bytes(const std::string& text, std::uint64_t& to) {
  const auto bytes = parse_bytes(text);
  to = bytes.value_or(0);
  return to >= 1 && to <= kRecordBytesMax ? "" : "is no size from 1 to 16m, such as 64k";
}

}  // namespace laneway::tools

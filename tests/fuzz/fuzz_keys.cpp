// The rules by which `laneway run` finds keys, and the quantities on its command line. Input: rule,
// delimiter and record, each on a line; the rule is read as a quantity as well.
#include "tools/run/key_extractor.hpp"
#include "tools/run/quantity.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace laneway::tools {
namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::string_view cut_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

void find_key(std::string_view rule, std::string_view delimiter, std::string_view record) {
  // Repeated repetitions, as in 'a++++', take the C library's compiler of regular expressions
  // exponential memory: a matter between whoever wrote the rule and it.
  constexpr std::ptrdiff_t kRepetitionsMax = 3;
  const auto repeats = [](char c) { return std::string_view("+*?{").find(c) != std::string::npos; };
  if (std::count_if(rule.begin(), rule.end(), repeats) > kRepetitionsMax) {
    return;
  }
  std::string mistake;
  const std::unique_ptr<KeyExtractor> extractor =
      KeyExtractor::make(std::string(rule), std::string(delimiter), mistake);
  require((extractor == nullptr) == !mistake.empty());
  if (extractor == nullptr) {
    return;
  }
  const KeyFound found = extractor->extract(record);
  require(found.key.size() <= KeyExtractor::kKeyBytesMax);
  require(found.key.empty() || found.lack.empty());
  const std::string key(found.key);
  require(extractor->extract(record).key == key);  // it keeps nothing from record to record
}

void read_quantity(std::string_view text) {
  if (const auto count = parse_count(text)) {
    require(*count <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
    require(parse_count(std::to_string(*count)) == count);
  }
  if (const auto duration = parse_duration(text)) {
    require(duration->count() >= 0);
    require(*duration <= std::chrono::hours(1'000));
    require(parse_duration(compact_duration(*duration)) == duration);
    require(!format_duration(*duration).empty());
  }
  if (const auto bytes = parse_bytes(text)) {
    require(parse_bytes(std::to_string(*bytes)) == bytes);
  }
  if (const auto share = parse_share(text)) {
    require(*share >= 0);
    require(*share <= 1);
  }
}

}  // namespace
}  // namespace laneway::tools

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace laneway::tools;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view rule = cut_line(text);
  const std::string_view delimiter = cut_line(text);
  read_quantity(rule);
  // A copy, which a NUL byte follows: the sanitizer takes what regexec reads for a C string.
  const std::string record(text);
  find_key(rule, delimiter, record);
  return 0;
}

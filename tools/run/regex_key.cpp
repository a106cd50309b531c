#include "tools/run/regex_key.hpp"

#include <fmt/format.h>
#include <regex.h>

#include <array>
#include <string_view>
#include <vector>

namespace laneway::tools {

namespace {

class RegexKey final : public KeyExtractor {
 public:
  // Compiles; `error` is empty when that went well.
  RegexKey(const std::string& pattern, std::string& error) {
    const int status = regcomp(&regex_, pattern.c_str(), REG_EXTENDED);
    if (status != 0) {
      std::array<char, 200> text{};
      regerror(status, &regex_, text.data(), text.size());
      error = text.data();
      return;
    }
    compiled_ = true;
    groups_.resize(regex_.re_nsub + 1);
    if (regex_.re_nsub == 0) {
      error = "it has no group, as in 'user=([a-z]+)', to take the key from";
    }
  }
  RegexKey(const RegexKey&) = delete;
  RegexKey& operator=(const RegexKey&) = delete;
  ~RegexKey() override {
    if (compiled_) {
      regfree(&regex_);
    }
  }

 private:
  KeyFound find(std::string_view record) override {
    // REG_STARTEND gives the bounds of the text: a NUL byte does not end it.
    groups_[0] = {.rm_so = 0, .rm_eo = static_cast<regoff_t>(record.size())};
    const char* text = record.data() == nullptr ? "" : record.data();
    if (regexec(&regex_, text, groups_.size(), groups_.data(), REG_STARTEND) != 0) {
      return {{}, "no match"};
    }
    for (std::size_t group = 1; group < groups_.size(); ++group) {
      const regmatch_t& match = groups_[group];
      if (match.rm_so >= 0 && match.rm_eo > match.rm_so) {
        return {record.substr(static_cast<std::size_t>(match.rm_so),
                              static_cast<std::size_t>(match.rm_eo - match.rm_so)),
                ""};
      }
    }
    return {{}, "an empty group"};
  }

  regex_t regex_{};
  std::vector<regmatch_t> groups_;
  bool compiled_ = false;
};

// Perl's spellings that POSIX would silently take for something else.
std::string_view foreign_spelling(std::string_view pattern) {
  for (std::size_t at = 0; at + 1 < pattern.size(); ++at) {
    if (pattern[at] == '\\') {
      if (pattern[at + 1] == 'd' || pattern[at + 1] == 'D') {
        return "\\d means nothing in a POSIX regular expression: write [0-9]";
      }
      ++at;
    } else if (pattern[at] == '(' && pattern[at + 1] == '?') {
      return "a POSIX regular expression has no (?...) groups";
    }
  }
  return {};
}

}  // namespace

std::unique_ptr<KeyExtractor> make_regex_key(const std::string& rule, std::string& mistake) {
  std::string error(foreign_spelling(rule));
  if (error.empty()) {
    auto extractor = std::make_unique<RegexKey>(rule, error);
    if (error.empty()) {
      return extractor;
    }
  }
  mistake = fmt::format("'{}' is no usable regular expression: {}", rule, error);
  return nullptr;
}

}  // namespace laneway::tools

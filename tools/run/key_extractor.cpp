#include "tools/run/key_extractor.hpp"

#include "tools/run/quantity.hpp"
#include "tools/run/regex_key.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace laneway::tools {

namespace {

class NoKey final : public KeyExtractor {
  KeyFound find(std::string_view) override { return {}; }
};

class FieldKey final : public KeyExtractor {
 public:
  FieldKey(std::uint64_t field, std::string delimiter)
      : field_(field), delimiter_(std::move(delimiter)) {}

 private:
  KeyFound find(std::string_view record) override {
    const std::string_view key = delimiter_.empty() ? worded(record) : delimited(record);
    return {key, key.empty() ? "no such field" : ""};
  }

  std::string_view worded(std::string_view record) const {
    static constexpr std::string_view kSpace = " \t\r\n\v\f";
    for (std::uint64_t field = 1;; ++field) {
      const std::size_t begin = record.find_first_not_of(kSpace);
      if (begin == std::string_view::npos) {
        return {};
      }
      record.remove_prefix(begin);
      const std::size_t end = std::min(record.find_first_of(kSpace), record.size());
      if (field == field_) {
        return record.substr(0, end);
      }
      record.remove_prefix(end);
    }
  }

  std::string_view delimited(std::string_view record) const {
    for (std::uint64_t field = 1;; ++field) {
      const std::size_t end = record.find(delimiter_);
      if (field == field_) {
        return record.substr(0, end);
      }
      if (end == std::string_view::npos) {
        return {};
      }
      record.remove_prefix(end + delimiter_.size());
    }
  }

  std::uint64_t field_;
  std::string delimiter_;
};

class JsonKey final : public KeyExtractor {
 public:
  explicit JsonKey(nlohmann::json::json_pointer pointer) : pointer_(std::move(pointer)) {}

 private:
  KeyFound find(std::string_view record) override {
    const nlohmann::json document =
        nlohmann::json::parse(record.begin(), record.end(), nullptr, false);
    if (document.is_discarded()) {
      return {{}, "not JSON"};
    }
    try {
      if (document.contains(pointer_)) {
        return scalar(document.at(pointer_));
      }
    } catch (const nlohmann::json::exception&) {
      // An array was asked for something that is no index: there is no such member.
    }
    return {{}, "no such member"};
  }

  KeyFound scalar(const nlohmann::json& value) {
    if (value.is_string()) {
      key_ = value.get_ref<const std::string&>();
    } else if (value.is_number() || value.is_boolean()) {
      key_ = value.dump();
    } else {
      return {{}, "neither text nor number"};
    }
    return {key_, key_.empty() ? "an empty text" : ""};
  }

  nlohmann::json::json_pointer pointer_;
  std::string key_;
};

std::unique_ptr<KeyExtractor> make_json(const std::string& rule, std::string& mistake) {
  try {
    return std::make_unique<JsonKey>(nlohmann::json::json_pointer(rule));
  } catch (const nlohmann::json::exception&) {
    mistake =
        fmt::format("'{}' begins like a JSON pointer and is none: '~' is followed by 0 or 1", rule);
    return nullptr;
  }
}

}  // namespace

KeyFound KeyExtractor::extract(std::string_view record) {
  const KeyFound found = find(record);
  if (found.key.size() > kKeyBytesMax) {
    return {{}, "a key above 1,024 bytes"};
  }
  return found;
}

bool KeyExtractor::is_field(const std::string& rule) {
  return !rule.empty() && rule.find_first_not_of("0123456789") == std::string::npos;
}

std::unique_ptr<KeyExtractor> KeyExtractor::make(const std::string& rule,
                                                 const std::string& delimiter,
                                                 std::string& mistake) {
  if (rule.find('\0') != std::string::npos) {
    mistake = "a key rule holds no NUL byte";
    return nullptr;
  }
  if (rule.empty()) {
    return std::make_unique<NoKey>();
  }
  if (is_field(rule)) {
    const auto number = parse_count(rule);
    if (!number || *number == 0) {
      mistake = fmt::format("'{}' is no field number: the first field is 1", rule);
      return nullptr;
    }
    return std::make_unique<FieldKey>(*number, delimiter);
  }
  return rule[0] == '/' ? make_json(rule, mistake) : make_regex_key(rule, mistake);
}

}  // namespace laneway::tools

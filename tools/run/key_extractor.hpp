// KeyExtractor: finds the key of a record. What the rule is follows from how it is written:
//
//   digits              the field of that number, 1 is the first; fields are parted by white space,
//                       or by the delimiter when one is given
//   begins with '/'     a JSON pointer (RFC 6901) into a record that is a JSON document
//   anything else       a POSIX extended regular expression; the key is its first group that
//   matched
//
// Pure. One thread at a time; the key is a view that lives until the next call and while the record
// lives.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace laneway::tools {

struct KeyFound {
  std::string_view key;   // empty: none
  std::string_view lack;  // why there is none, as a static text: "no such field"
};

class KeyExtractor {
 public:
  // Longer keys than the engine takes are no keys.
  static constexpr std::size_t kKeyBytesMax = 1024;

  virtual ~KeyExtractor() = default;
  KeyFound extract(std::string_view record);

  // The rule is a field number, or wants to be one.
  static bool is_field(const std::string& rule);

  // Null: there is a mistake in the rule, and `mistake` says which. An empty rule finds no keys and
  // says nothing about it. An empty delimiter means white space; only a field looks at it.
  static std::unique_ptr<KeyExtractor> make(const std::string& rule,
                                            const std::string& delimiter,
                                            std::string& mistake);

 private:
  virtual KeyFound find(std::string_view record) = 0;
};

}  // namespace laneway::tools

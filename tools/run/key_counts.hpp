// KeyCounts: how many records each key has. Bounded: what goes beyond `keys_max` keys is counted
// together, so that an endless stream of new keys does not use up memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace laneway::tools {

// One thread at a time.
class KeyCounts {
 public:
  struct Row {
    std::string key;
    std::uint64_t count;
  };

  explicit KeyCounts(std::size_t keys_max) : keys_max_(keys_max) {}

  void add(std::string_view key);

  std::size_t keys() const { return counts_.size(); }
  // True when there were more keys than are counted one by one.
  bool overflowed() const { return others_ != 0; }
  // Records of keys that came after `keys_max` others.
  std::uint64_t others() const { return others_; }
  // The `rows_max` most frequent ones, most frequent first; equal ones in the order of their keys.
  std::vector<Row> top(std::size_t rows_max) const;

 private:
  std::size_t keys_max_;
  std::uint64_t others_ = 0;
  std::unordered_map<std::string, std::uint64_t> counts_;
  std::string lookup_;  // spares an allocation for each record
};

}  // namespace laneway::tools

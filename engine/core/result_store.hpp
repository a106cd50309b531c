// Floor 2. ResultStore: what handlers gave as result, of the newest messages that were completed
// with one. A ring by position: of two messages that share a place the later one keeps it.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/limits.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

namespace laneway::engine {

class ResultStore {
 public:
  struct Record {
    std::uint64_t position;
    std::uint8_t bytes;
    char text[kErrorTextBytesMax];
  };

  // A power of two of zeroed records, or none.
  explicit ResultStore(std::span<Record> records) : records_(records) {
    LANEWAY_CHECK(records.empty() || std::has_single_bit(records.size()));
  }

  void keep(std::uint64_t position, std::string_view result) {
    LANEWAY_ASSERT(result.size() <= kErrorTextBytesMax);
    Record& record = records_[position & (records_.size() - 1)];
    if (record.position <= position) {
      record.position = position;
      record.bytes = static_cast<std::uint8_t>(result.size());
      std::copy(result.begin(), result.end(), record.text);
    }
  }

  // Empty when it has none, or no longer.
  std::string_view find(std::uint64_t position) const {
    if (records_.empty()) {
      return {};
    }
    const Record& record = records_[position & (records_.size() - 1)];
    return record.position == position ? std::string_view(record.text, record.bytes)
                                       : std::string_view();
  }

 private:
  std::span<Record> records_;
};

}  // namespace laneway::engine

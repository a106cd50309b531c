// PendingRecords: the numbers of the records that were read and are not finished yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_set>

namespace laneway::tools {

// Any thread. Holds as many numbers as the run may read ahead.
class PendingRecords {
 public:
  void add(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    numbers_.insert(number);
  }
  void remove(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    numbers_.erase(number);
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return numbers_.size();
  }
  // The lowest; 0 when there is none. Linear.
  std::uint64_t first() const {
    const std::lock_guard lock(mutex_);
    const auto lowest = std::min_element(numbers_.begin(), numbers_.end());
    return lowest == numbers_.end() ? 0 : *lowest;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::uint64_t> numbers_;
};

}  // namespace laneway::tools

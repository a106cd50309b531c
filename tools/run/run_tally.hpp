// RunTally: what the threads of a run count for each other.
#pragma once

#include <atomic>
#include <cstdint>

namespace laneway::tools {

// A number that one or more threads raise and others look at; nothing else hangs on it.
class Counter {
 public:
  void add(std::int64_t by = 1) noexcept { value_.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept {
    const std::int64_t value = value_.load(std::memory_order_relaxed);
    return value > 0 ? static_cast<std::uint64_t>(value) : 0;
  }

 private:
  std::atomic<std::int64_t> value_{0};
};

struct RunTally {
  // Written by the reader.
  Counter read;        // records, without those that were empty or passed over
  Counter bytes_read;  // of the input
  Counter empty;
  Counter passed_over;  // before --from
  Counter unkeyed;
  Counter duplicates;  // passed over for their id
  Counter refused_long;
  Counter refused_unkeyed;
  Counter published;
  // Raised by workers, lowered when dead letters are collected: dead, and not collected yet.
  Counter dying;
};

}  // namespace laneway::tools

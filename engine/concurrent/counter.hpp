// Floor 1. Counter: events counted by any thread, read as a number; orders nothing. Flag: a level
// that any thread sets and any thread reads.
#pragma once

#include "engine/base/atomic.hpp"

#include <cstdint>

namespace laneway::engine {

class Counter {
 public:
  void add(std::uint64_t events) noexcept { value_.fetch_add(events, std::memory_order_relaxed); }
  std::uint64_t next() noexcept { return value_.fetch_add(1, std::memory_order_relaxed); }
  // Adds if the sum stays within `limit`. Lock-free.
  bool add_within(std::uint64_t amount, std::uint64_t limit) noexcept {
    std::uint64_t value = value_.load(std::memory_order_relaxed);
    while (value + amount <= limit) {
      if (value_.compare_exchange_weak(value, value + amount, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void subtract(std::uint64_t amount) noexcept {
    value_.fetch_sub(amount, std::memory_order_relaxed);
  }
  std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  atomic<std::uint64_t> value_{0};
};

class Flag {
 public:
  // Sequentially consistent (G1), so that a thread that sets a flag and then wakes the sleepers
  // cannot miss one that saw the flag unset on its second look (G2).
  void set(bool value) noexcept { value_.store(value, std::memory_order_seq_cst); }  // (G1)
  bool read() const noexcept { return value_.load(std::memory_order_seq_cst); }      // (G2)

 private:
  atomic<bool> value_{false};
};

// Level: a number that one thread sets and any thread reads, in one order with the seam's other
// sequentially consistent operations: a thread that sets it and then looks elsewhere, and one that
// changes what is looked at and then reads it, do not miss each other (V1, V2).
class Level {
 public:
  explicit Level(std::uint64_t value) noexcept : value_(value) {}
  void set(std::uint64_t value) noexcept {
    value_.store(value, std::memory_order_seq_cst);  // (V1)
  }
  std::uint64_t read() const noexcept {
    return value_.load(std::memory_order_seq_cst);  // (V2)
  }

 private:
  atomic<std::uint64_t> value_;
};

}  // namespace laneway::engine

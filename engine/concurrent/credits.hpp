// Floor 1. Credits: how many of something may be out at one time, over all shards of a queue.
// Taking fewer than wanted is an answer, not an error. Progress: take is lock-free, give wait-free.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"

#include <algorithm>
#include <cstdint>

namespace laneway::engine {

class Credits {
 public:
  // `limit` 0: there is none, and nothing is counted.
  explicit Credits(std::uint32_t limit) noexcept : limit_(limit) {}

  std::uint32_t out() const noexcept {
    // (K2) sequentially consistent, pairs with (K1) through EventCount: a would-be sleeper's second
    // look.
    return out_.load(std::memory_order_seq_cst);  // (K2)
  }
  bool any() const noexcept { return limit_ == 0 || out() < limit_; }

  // Up to `wanted`.
  std::uint32_t take(std::uint32_t wanted) noexcept {
    if (limit_ == 0) {
      return wanted;
    }
    std::uint32_t out = out_.load(std::memory_order_relaxed);
    std::uint32_t taken = 0;
    do {
      taken = std::min(wanted, limit_ - out);
    } while (taken != 0 && !out_.compare_exchange_weak(out, out + taken, std::memory_order_relaxed,
                                                       std::memory_order_relaxed));
    return taken;
  }

  void give(std::uint32_t credits) noexcept {
    if (limit_ == 0 || credits == 0) {
      return;
    }
    // Writer: a holder that gives. Reader: a consumer about to sleep.
    // (K1) sequentially consistent, pairs with (K2): the credit, then the look for waiters.
    const std::uint32_t out = out_.fetch_sub(credits, std::memory_order_seq_cst);  // (K1)
    LANEWAY_ASSERT(out >= credits);
    (void)out;
  }

 private:
  const std::uint32_t limit_;
  atomic<std::uint32_t> out_{0};
};

}  // namespace laneway::engine

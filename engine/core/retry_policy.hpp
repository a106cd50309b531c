// Floor 2. RetryPolicy: how long a failed message waits. Full jitter from a seeded source, so that
// the core stays a function of its inputs.
#pragma once

#include <laneway/options.hpp>

#include "engine/base/hash.hpp"

#include <algorithm>
#include <cstdint>

namespace laneway::engine {

class RetryPolicy {
 public:
  RetryPolicy(const Backoff& backoff, std::uint64_t seed)
      : first_(static_cast<std::uint64_t>(backoff.first.count())),
        cap_(static_cast<std::uint64_t>(backoff.cap.count())),
        floor_(static_cast<std::uint64_t>(backoff.floor.count())),
        state_(seed) {}

  // Milliseconds until the retry after the n-th failed attempt, n >= 1.
  std::uint64_t delay_ms(std::uint32_t attempt) {
    const std::uint32_t doublings = std::min(attempt - 1, 40u);
    const std::uint64_t top =
        first_ > (cap_ >> doublings) ? cap_ : std::min(cap_, first_ << doublings);
    return top <= floor_ ? floor_ : floor_ + random() % (top - floor_ + 1);
  }

 private:
  // Source: splitmix64, Steele, Lea and Flood, OOPSLA 2014.
  std::uint64_t random() { return mix64(state_ += 0x9e3779b97f4a7c15u); }

  std::uint64_t first_;
  std::uint64_t cap_;
  std::uint64_t floor_;
  std::uint64_t state_;
};

}  // namespace laneway::engine

// Floor 1. RateGate: how many may pass by now, on average so many a second, in bursts up to a
// number. One word, the time at which the next would be due if nobody might hurry (GCRA, ITU-T
// I.371). Orders nothing. Progress: lock-free.
#pragma once

#include "engine/base/atomic.hpp"

#include <algorithm>
#include <cstdint>

namespace laneway::engine {

class RateGate {
 public:
  // `interval_ns` between two on average, 0: no limit; `burst` at least 1.
  RateGate(std::int64_t interval_ns, std::uint32_t burst) noexcept
      : interval_ns_(interval_ns), hurry_ns_(interval_ns * (std::int64_t{burst} - 1)) {}

  bool limits() const noexcept { return interval_ns_ != 0; }

  // Up to `wanted`.
  std::uint32_t take(std::uint32_t wanted, std::int64_t now_ns) noexcept {
    if (!limits()) {
      return wanted;
    }
    std::int64_t due = due_ns_.load(std::memory_order_relaxed);
    std::int64_t taken = 0;
    std::int64_t next = 0;
    do {
      const std::int64_t from = std::max(due, now_ns);
      const std::int64_t ahead = now_ns + hurry_ns_ - from;
      taken = ahead < 0 ? 0 : std::min<std::int64_t>(wanted, ahead / interval_ns_ + 1);
      next = from + taken * interval_ns_;
    } while (taken != 0 && !due_ns_.compare_exchange_weak(due, next, std::memory_order_relaxed,
                                                          std::memory_order_relaxed));
    return static_cast<std::uint32_t>(taken);
  }

  // Taken and not used.
  void give(std::uint32_t unused) noexcept {
    if (limits() && unused != 0) {
      due_ns_.fetch_sub(unused * interval_ns_, std::memory_order_relaxed);
    }
  }

  // From when on at least one may pass.
  std::int64_t open_ns() const noexcept {
    return limits() ? due_ns_.load(std::memory_order_relaxed) - hurry_ns_ : 0;
  }

 private:
  const std::int64_t interval_ns_;
  const std::int64_t hurry_ns_;
  atomic<std::int64_t> due_ns_{0};
};

}  // namespace laneway::engine

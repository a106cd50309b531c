// Gate: all threads of a run pass at the same moment, and that moment is known.
#pragma once

#include "bench/harness/waiter.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace laneway::bench {

using SteadyClock = std::chrono::steady_clock;

class Gate {
 public:
  explicit Gate(std::uint32_t threads) : threads_(threads) {}

  // The last one to arrive opens it. Spins politely: a futex would let them go one after another.
  SteadyClock::time_point pass() {
    const std::uint32_t lap = lap_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      opened_ = SteadyClock::now();
      lap_.store(lap + 1, std::memory_order_release);
      return opened_;
    }
    Waiter waiter;
    while (lap_.load(std::memory_order_acquire) == lap) {
      waiter.wait();
    }
    return opened_;
  }

 private:
  std::uint32_t threads_;
  std::atomic<std::uint32_t> arrived_{0};
  std::atomic<std::uint32_t> lap_{0};
  SteadyClock::time_point opened_{};
};

}  // namespace laneway::bench

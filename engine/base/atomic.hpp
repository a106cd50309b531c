// Floor 0. The seam: the only place that names std::atomic, futexes and model checkers. Engine code
// uses atomic<T>, handoff<T>, FutexWord and relax(), so that the same source runs for real, under
// Relacy (LANEWAY_MODEL=1) and in the simulation (LANEWAY_MODEL=2).
#pragma once

#if defined(LANEWAY_MODEL) && LANEWAY_MODEL == 1
#include "engine/base/atomic_model.hpp"
#elif defined(LANEWAY_MODEL) && LANEWAY_MODEL == 2
#include "engine/base/atomic_simulated.hpp"
#else

#include <atomic>
#include <chrono>
#include <cstdint>

namespace laneway::engine {

template <class T>
using atomic = std::atomic<T>;

// A plain value handed from thread to thread under the protection of some atomic. In the model an
// access that is not ordered by one is reported as a race.
template <class T>
class handoff {
 public:
  T get() const noexcept { return value_; }
  void set(T value) noexcept { value_ = value; }

 private:
  T value_{};
};

inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

// A 64-bit word that threads can sleep on: they wait for its upper half to change. Both halves
// change together, so that a count of sleepers can live in the lower one.
class FutexWord {
 public:
  std::uint64_t load(std::memory_order order) const noexcept { return word_.load(order); }
  std::uint64_t fetch_add(std::uint64_t value, std::memory_order order) noexcept {
    return word_.fetch_add(value, order);
  }
  bool compare_exchange_weak(std::uint64_t& expected,
                             std::uint64_t desired,
                             std::memory_order success_order,
                             std::memory_order failure_order) noexcept {
    return word_.compare_exchange_weak(expected, desired, success_order, failure_order);
  }
  // Sleeps while the upper half is `upper`, at most `timeout`. May wake without cause.
  void wait(std::uint32_t upper, std::chrono::nanoseconds timeout) noexcept;
  void wake(int threads) noexcept;

 private:
  std::atomic<std::uint64_t> word_{0};
};

}  // namespace laneway::engine

#endif

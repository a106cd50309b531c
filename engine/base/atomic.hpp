// Floor 0. The seam: the only place that names std::atomic, futexes and model checkers. Engine code
// uses atomic<T>, handoff<T>, FutexWord and relax(), so that the same source runs for real and
// under Relacy (LANEWAY_MODEL=1).
#pragma once

#if defined(LANEWAY_MODEL) && LANEWAY_MODEL == 1
#include "engine/base/atomic_model.hpp"
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

// A 32-bit word that threads can sleep on.
class FutexWord {
 public:
  std::uint32_t load(std::memory_order order) const noexcept { return word_.load(order); }
  std::uint32_t fetch_add(std::uint32_t value, std::memory_order order) noexcept {
    return word_.fetch_add(value, order);
  }
  // Sleeps while the word is `expected`, at most `timeout`. May wake without cause.
  void wait(std::uint32_t expected, std::chrono::nanoseconds timeout) noexcept;
  void wake(int threads) noexcept;

 private:
  std::atomic<std::uint32_t> word_{0};
};

}  // namespace laneway::engine

#endif

// Waiter: what every thread of every system does when it cannot go on: 64 pauses, then yield.
#pragma once

#include <sched.h>

#include <cstdint>

namespace laneway::bench {

inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Waiter {
 public:
  static constexpr std::uint32_t kPauses = 64;

  void wait() {
    ++waits_;
    if (in_a_row_ < kPauses) {
      ++in_a_row_;
      pause_cpu();
    } else {
      sched_yield();
    }
  }
  void progressed() { in_a_row_ = 0; }

  // How often the thread could not go on: refused publishes, or receives that found nothing.
  std::uint64_t waits() const { return waits_; }

 private:
  std::uint32_t in_a_row_ = 0;
  std::uint64_t waits_ = 0;
};

}  // namespace laneway::bench

#include "engine/base/atomic.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bit>

namespace laneway::engine {

namespace {

long futex(std::atomic<std::uint64_t>& word,
           int operation,
           std::uint32_t value,
           const timespec* timeout) noexcept {
  static_assert(sizeof(word) == 2 * sizeof(std::uint32_t));
  constexpr int kUpper = std::endian::native == std::endian::little ? 1 : 0;
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word) + kUpper, operation, value,
                 timeout, nullptr, 0);
}

}  // namespace

void FutexWord::wait(std::uint32_t upper, std::chrono::nanoseconds timeout) noexcept {
  if (timeout <= std::chrono::nanoseconds::zero()) {
    return;
  }
  constexpr std::int64_t kNanos = 1'000'000'000;
  timespec relative{};
  relative.tv_sec = static_cast<time_t>(timeout.count() / kNanos);
  relative.tv_nsec = static_cast<long>(timeout.count() % kNanos);
  futex(word_, FUTEX_WAIT_PRIVATE, upper, &relative);
}

void FutexWord::wake(int threads) noexcept {
  futex(word_, FUTEX_WAKE_PRIVATE, static_cast<std::uint32_t>(threads), nullptr);
}

}  // namespace laneway::engine

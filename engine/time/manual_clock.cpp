#include <laneway/clock.hpp>

namespace laneway {

ManualClock::ManualClock(std::chrono::nanoseconds start) noexcept : now_(start) {}

std::chrono::nanoseconds ManualClock::now() const noexcept {
  const std::lock_guard lock(mutex_);
  return now_;
}

void ManualClock::advance(std::chrono::nanoseconds by) noexcept {
  const std::lock_guard lock(mutex_);
  now_ += by;
}

void ManualClock::set(std::chrono::nanoseconds to) noexcept {
  const std::lock_guard lock(mutex_);
  now_ = to;
}

}  // namespace laneway

#include <laneway/clock.hpp>

#include "engine/base/assert.hpp"

#include <time.h>

namespace laneway {

std::chrono::nanoseconds SteadyClock::now() const noexcept {
  timespec time{};
  LANEWAY_CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace laneway

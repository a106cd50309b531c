// RateLimit: turns at equal distances, for many threads to take.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

namespace laneway::tools {

// Any thread. A time without takers is not made up for.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // 0: no limit, every turn is now.
  explicit RateLimit(std::chrono::nanoseconds distance) : distance_(distance) {}

  bool limits() const { return distance_.count() > 0; }

  // Takes the next turn: when it is.
  Time take_turn(Time now) {
    const std::lock_guard lock(mutex_);
    const Time turn = std::max(next_, now);
    next_ = turn + distance_;
    return turn;
  }

 private:
  const std::chrono::nanoseconds distance_;
  std::mutex mutex_;
  Time next_;
};

}  // namespace laneway::tools

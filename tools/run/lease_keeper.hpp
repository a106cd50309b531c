// LeaseKeeper: extends a lease while its record is being worked on.
#pragma once

#include <laneway/lease.hpp>

#include <chrono>

namespace laneway::tools {

// Used by the worker that holds the lease. A handler that takes its time calls keep() often.
class LeaseKeeper {
 public:
  // Longest time between two calls of keep().
  static constexpr std::chrono::milliseconds kPause{100};

  LeaseKeeper(Lease& lease, std::chrono::milliseconds length)
      : lease_(lease), length_(length), extended_(std::chrono::steady_clock::now()) {}

  // Extends when a third of the lease has passed. False: it is lost, and the record may be worked
  // on by another: stop.
  bool keep() {
    const auto now = std::chrono::steady_clock::now();
    if (now - extended_ < length_ / 3) {
      return true;
    }
    extended_ = now;
    return lease_.extend(length_).has_value();
  }

 private:
  Lease& lease_;
  std::chrono::milliseconds length_;
  std::chrono::steady_clock::time_point extended_;
};

}  // namespace laneway::tools

// Schedule: when each message of an open loop is to be sent, fixed before the run. A latency is
// counted from here, not from the moment at which a delayed sender got round to it, so that a stall
// is paid for by every message that it held up.
#pragma once

#include <cstdint>

namespace laneway::bench {

class Schedule {
 public:
  // So many messages a second, at equal distances, for so long.
  Schedule(double rate, double seconds)
      : interval_ns_(1e9 / rate), count_(static_cast<std::uint64_t>(rate * seconds)) {}

  std::uint64_t count() const { return count_; }
  // Nanoseconds after the beginning at which the message with this number is to be sent.
  std::int64_t planned_ns(std::uint64_t number) const {
    return static_cast<std::int64_t>(static_cast<double>(number) * interval_ns_);
  }

 private:
  double interval_ns_;
  std::uint64_t count_;
};

}  // namespace laneway::bench

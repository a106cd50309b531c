// Random: a seeded generator that costs one multiplication; the same draws on every machine.
#pragma once

#include <cmath>
#include <cstdint>

namespace laneway::bench {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) { (void)next(); }

  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((std::uint64_t{next()} * bound) >> 32);
  }
  // From 0 to just below 1.
  double share() { return next() * 0x1p-32; }
  // Exponentially distributed with this mean.
  double exponential(double mean) { return -mean * std::log(1.0 - share()); }

 private:
  std::uint64_t state_;
};

}  // namespace laneway::bench

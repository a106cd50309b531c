// The disk of a simulated machine: what tests of the journal unplug, with calls that take time, so
// that others run and the power may go before and after each of them.
#pragma once

#include "tests/core/random.hpp"
#include "tests/unit/journal/sim_disk.hpp"

#include <cstdint>

namespace laneway::simulation {

class Disk {
 public:
  explicit Disk(std::uint64_t seed);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  engine::SimDisk& sim() { return sim_; }
  // From here on every call fails, and nothing more is kept.
  void cut_power() { sim_.power_off_at = sim_.calls; }
  bool off() const { return sim_.power_off_at != engine::SimDisk::kNever; }
  // Lets time pass around a call.
  void turn();

 private:
  engine::SimDisk sim_;
  engine::Random random_;
};

}  // namespace laneway::simulation

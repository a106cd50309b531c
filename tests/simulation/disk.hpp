// The disk of a simulated machine: what tests of the journal unplug, with calls that take time, so
// that others run, and the power may go, before and after each of them.
#pragma once

#include "tests/core/random.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/tally.hpp"
#include "tests/unit/journal/sim_disk.hpp"

#include <cstdint>

namespace laneway::simulation {

class Disk {
 public:
  Disk(std::uint64_t seed, Tallies& tallies);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  engine::SimDisk& sim() { return sim_; }
  // What goes wrong, after so many calls.
  void break_after(std::uint64_t calls, DiskFault fault);
  void mend();
  // Then nobody is answered any more, and nothing more is kept.
  void cut_after(std::uint64_t calls) { sim_.power_off_at = sim_.calls + calls; }
  // The next life has what the last one left: written, or only on its way when the power goes.
  void come_back(bool power_went);

  // Around each call. `syncs`: what it wrote, or wrote before, is then durable.
  void begin_call(bool syncs);
  bool off() const { return sim_.calls >= sim_.power_off_at; }
  bool writes_short(std::uint64_t bytes);
  void end_call(int error);

 private:
  void turn();
  void strike(Tally what);

  engine::SimDisk sim_;
  engine::Random random_;
  Tallies& tallies_;
  DiskFault fault_ = DiskFault::none;
  std::uint64_t fault_at_ = 0;
  std::int64_t full_until_ns_ = 0;
};

}  // namespace laneway::simulation

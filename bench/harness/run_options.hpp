// RunOptions: what may differ between two runs of one cell.
#pragma once

#include "bench/harness/placement.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::bench {

struct RunOptions {
  std::chrono::duration<double> warm_up{0.05};
  std::chrono::duration<double> measured{0.15};
  std::uint64_t seed = 1;  // chooses the keys
  Placement placement = Placement::spread;
};

}  // namespace laneway::bench

// Faults drawn on purpose: which deliveries fail or get lost, the same ones for the same seed,
// whatever the threads do meanwhile.
#pragma once

#include "tools/run/handler.hpp"

#include <memory>

namespace laneway::tools {

struct FaultShares {
  double fail = 0;  // of all deliveries, 0 to 1
  double lose = 0;
};

// A handler that works like `inner` and then fails or loses a share of its deliveries.
std::unique_ptr<Handler> with_faults(std::unique_ptr<Handler> inner,
                                     FaultShares shares,
                                     std::uint64_t seed);

// A number from 0 to below 1 that looks random and follows from its arguments alone.
double draw(std::uint64_t seed, std::uint64_t number, std::uint32_t attempt);

}  // namespace laneway::tools

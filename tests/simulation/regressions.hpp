// Regressions: what seeds have found in the engine, each as small as it was understood, and named
// after what went wrong.
#pragma once

#include <cstdint>

namespace laneway::simulation {

// Runs all of them, under schedules of their own; answers how many. Throws Broken when one is back.
std::uint64_t run_regressions();

}  // namespace laneway::simulation

// Placement: which core a thread of a run stays on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace laneway::bench {

// spread: producers first, then consumers, one after the other over the cores the process may use.
// free: as the scheduler likes, which on a loaded machine may be all on one core.
enum class Placement { spread, free };

// Cores that the process may use.
std::size_t cores_usable();

// Puts the calling thread on its core, and gives it a name of up to 15 letters for profilers to
// sort by. Left where it is when the system refuses.
void place_thread(Placement placement, std::uint32_t index, const char* name);

}  // namespace laneway::bench

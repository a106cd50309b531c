// How a thread of a scenario waits for another one where the engine would nap: in the model it lets
// the others go first, on real threads it gives up its core, of which there are fewer than threads.
#pragma once

#include "engine/base/atomic.hpp"

#if !defined(LANEWAY_MODEL)
#include <thread>
#endif

namespace laneway::engine {

inline void give_way() {
#if defined(LANEWAY_MODEL)
  relax();
#else
  std::this_thread::yield();
#endif
}

}  // namespace laneway::engine

// Floor 0. Places where a test may stop a thread to see who waits for it. Nothing in a
// released library.
#pragma once

#include <cstdint>

namespace laneway::engine {

enum class StallPoint : std::uint8_t {
  publish_claimed,  // a producer has claimed its positions and published none of them
  settle_decided,   // a settler has won the lease word and not yet claimed its returns cell
  settle_claimed,   // a settler has claimed its returns cell and not yet written it
  hold_taken,       // a thread has just taken the token of a shard
};

#ifdef LANEWAY_STALL_POINTS
// Set by the test before any thread starts.
inline void (*stall_hook)(StallPoint) = nullptr;
inline void stall_point(StallPoint point) {
  if (stall_hook != nullptr) {
    stall_hook(point);
  }
}
#else
inline void stall_point(StallPoint) {}
#endif

}  // namespace laneway::engine

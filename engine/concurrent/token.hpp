// Floor 1. Token: the try-lock of a shard. Taking it never waits; releasing it says whether a
// would-be sleeper asked to be woken.
//
//   state         event                          next
//   free          try_take                       held
//   held          try_take                       held, refused
//   any           want (a registered waiter)     + wanted; answers whether it was held
//   held (any)    release                        free; answers whether it was wanted
//
// want() is a read-modify-write also when the token is free: either it comes before the next
// try_take, whose holder then sees the registered waiter, or after it, and finds the token held.
// Progress: every operation is lock-free; try_take and release are wait-free.
#pragma once

#include "engine/base/atomic.hpp"

#include <cstdint>

namespace laneway::engine {

class Token {
 public:
  bool try_take() noexcept {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    if ((state & kHeld) != 0) {
      return false;
    }
    // Reader of what the last holder and every wanting sleeper wrote before.
    // (T1) acquire, pairs with (T2) and (T3). A race with want() only costs one more try.
    while (!state_.compare_exchange_weak(state, state | kHeld,
                                         std::memory_order_acquire,  // (T1)
                                         std::memory_order_relaxed)) {
      if ((state & kHeld) != 0) {
        return false;
      }
    }
    return true;
  }

  // By the holder. True: somebody asked to be woken since the token was last released.
  bool release() noexcept {
    // (T2) release, pairs with (T1): publishes the core's state. Acquire, pairs with (T3): the
    // sleeper that set wanted is seen among the waiters.
    return (state_.exchange(0, std::memory_order_acq_rel) & kWanted) != 0;
  }

  // By a thread already registered as waiter. True: the token is held, and its release will wake.
  bool want() noexcept {
    // (T3) release, pairs with (T1) and (T2): publishes the registration. Acquire, pairs with (T2):
    // a token found free shows what its last holder left behind.
    return (state_.fetch_or(kWanted, std::memory_order_acq_rel) & kHeld) != 0;
  }

 private:
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kWanted = 2;

  atomic<std::uint32_t> state_{0};
};

}  // namespace laneway::engine

// Floor 1. Watermark: tells the edges of a level that many threads see: each rise and each fall
// once, in order, one at a time. A rise and its fall that nobody has told yet cancel out.
//
//   bit       set and cleared by                               meaning
//   above     whoever has looked at the level                  what it is
//   told      whoever holds `telling`, before it tells         what has been told
//   telling   a thread that finds the two apart                one thread tells
//
// Progress: lock-free but for what `tell` does; a thread that finds another telling leaves it to
// that one, which looks again before it goes.
#pragma once

#include "engine/base/atomic.hpp"

#include <cstdint>

namespace laneway::engine {

class Watermark {
 public:
  // As information: the level may have changed since.
  bool above() const noexcept { return (state_.load(std::memory_order_relaxed) & kAbove) != 0; }

  // Calls tell(above) for the edges that are not told yet.
  template <class Tell>
  void set(bool above, Tell tell) {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    if (((state & kAbove) != 0) != above) {
      change(kAbove, above);
    }
    for (state = state_.load(std::memory_order_relaxed); apart(state) && (state & kTelling) == 0;
         state = state_.load(std::memory_order_relaxed)) {
      const bool now_above = (state & kAbove) != 0;
      const std::uint32_t next = (now_above ? state | kTold : state & ~kTold) | kTelling;
      // (W1) acquire, pairs with (W2): what the last teller did comes before what this one does.
      if (state_.compare_exchange_weak(state, next,
                                       std::memory_order_acquire,  // (W1)
                                       std::memory_order_relaxed)) {
        tell(now_above);
        change(kTelling, false);
      }
    }
  }

 private:
  static constexpr std::uint32_t kAbove = 1;
  static constexpr std::uint32_t kTold = 2;
  static constexpr std::uint32_t kTelling = 4;

  static bool apart(std::uint32_t state) noexcept {
    return ((state & kAbove) != 0) != ((state & kTold) != 0);
  }

  void change(std::uint32_t bit, bool on) noexcept {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    // (W2) release, pairs with (W1).
    while (!state_.compare_exchange_weak(state, on ? state | bit : state & ~bit,
                                         std::memory_order_release,  // (W2)
                                         std::memory_order_relaxed)) {
    }
  }

  atomic<std::uint32_t> state_{0};
};

}  // namespace laneway::engine

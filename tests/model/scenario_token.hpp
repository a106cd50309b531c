// Scenarios of Token.
//
//   two threads inside at the same time                          forbidden: plain data shows it
//   a thread takes the token and sees less than the last holder left behind        forbidden
//   a taker is refused though nobody holds the token             forbidden when it is alone
//   a release that follows a want does not say that it was wanted                  forbidden
//   a holder told that it was wanted does not see who wanted it                    forbidden
//   a want finds the token free and does not see what its last holder showed      forbidden
//   a want finds the token free, and yet it will be woken by the next release      allowed
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/shard_hint.hpp"
#include "engine/concurrent/token.hpp"

#include <cstdint>

namespace laneway::engine {

// Threads take turns to change plain data.
template <unsigned kThreadCount, unsigned kTurns>
class TokenExclusion {
 public:
  static constexpr unsigned kThreads = kThreadCount;
  static constexpr std::uint64_t kOperations = std::uint64_t{kThreads} * kTurns;

  void run(unsigned) {
    for (unsigned turn = 0; turn < kTurns; ++turn) {
      if (!token_.try_take()) {
        refused_.fetch_add(1, std::memory_order_relaxed);
        continue;
      }
      const std::uint64_t before = taken_.get();
      stall_point(StallPoint::hold_taken);
      taken_.set(before + 1);
      LANEWAY_CHECK(!token_.release());
    }
  }

  void after() {
    LANEWAY_CHECK(token_.try_take());
    LANEWAY_CHECK(taken_.get() + refused_.load(std::memory_order_relaxed) == kOperations);
    LANEWAY_CHECK(taken_.get() != 0);
  }

 private:
  Token token_;
  handoff<std::uint64_t> taken_;
  atomic<std::uint64_t> refused_{0};
};

// One thread would sleep, the others hold. Whoever is told that the token was wanted must see the
// sleeper's registration, here plain data.
template <unsigned kHolders, unsigned kTurns>
class TokenWanted {
 public:
  static constexpr unsigned kThreads = kHolders + 1;
  static constexpr std::uint64_t kOperations = std::uint64_t{kHolders} * kTurns + 1;

  void run(unsigned thread) {
    if (thread == 0) {
      registered_.set(true);
      want_found_held_ = token_.want();
      return;
    }
    for (unsigned turn = 0; turn < kTurns; ++turn) {
      if (token_.try_take() && token_.release()) {
        LANEWAY_CHECK(registered_.get());
        times_wanted_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }

  void after() {
    // A want lasts until the next release, and not longer.
    LANEWAY_CHECK(token_.try_take());
    const bool still_wanted = token_.release();
    LANEWAY_CHECK(times_wanted_.load(std::memory_order_relaxed) + (still_wanted ? 1u : 0u) == 1);
    LANEWAY_CHECK(!(want_found_held_ && still_wanted));
  }

 private:
  Token token_;
  handoff<bool> registered_;
  bool want_found_held_ = false;
  atomic<std::uint32_t> times_wanted_{0};
};

// A hold makes a message ready and drains nothing, as timers do. Who wants to sleep meets the token
// held, or is seen wanting by its release, or sees what is ready.
class TokenShowsLastHold {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = 2;

  void run(unsigned thread) {
    if (thread == 0) {
      LANEWAY_CHECK(token_.try_take());
      ShardHint::View view{};
      view.ready = 1;
      hint_.show(view);
      wakes_.set(token_.release());
    } else {
      const bool held = token_.want();
      stays_.set(held || hint_.read().ready != 0);
    }
  }

  void after() { LANEWAY_CHECK(wakes_.get() || stays_.get()); }

 private:
  Token token_;
  ShardHint hint_;
  handoff<bool> wakes_;
  handoff<bool> stays_;
};

}  // namespace laneway::engine

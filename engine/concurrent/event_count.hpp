// Floor 1. EventCount: lets threads sleep until something may have changed, at the price of one
// load for those who change things while nobody sleeps.
//
// Sleeper: key = prepare(), look again, then wait(key) or cancel(). Waker: change, then
// notify_one(). The change must contain a sequentially consistent read-modify-write before
// notify_one, and the second look a sequentially consistent read of what it changed: of two threads
// that write and then read each other's word at least one sees the other (Dekker), so no wake-up is
// lost. A notify that finds every sleeper signalled already does nothing: each of them looks again
// before it sleeps again. For that reason a sleeper that leaves, also by timeout, takes one signal
// with it and must look once more. Progress: notify_one is lock-free and makes a system call only
// for a sleeper not yet signalled.
#pragma once

#include "engine/base/atomic.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::engine {

class EventCount {
 public:
  using Key = std::uint32_t;

  // Registers the caller as a waiter.
  Key prepare() noexcept {
    // (E1) sequentially consistent, pairs with (E2): registration, then the second look.
    state_.fetch_add(kWaiter, std::memory_order_seq_cst);
    // (E3) acquire, pairs with (E4): an epoch already raised shows the change behind it.
    return epoch_.load(std::memory_order_acquire);
  }

  void cancel() noexcept { leave(); }

  void wait(Key key, std::chrono::nanoseconds timeout) noexcept {
    epoch_.wait(key, timeout);
    leave();
  }

  // The one check per batch: is there anybody to wake?
  bool anybody_waits() const noexcept {
    // (E2) sequentially consistent, pairs with (E1): the change, then the look for waiters.
    return unsignalled(state_.load(std::memory_order_seq_cst));
  }

  void notify_one() noexcept {
    if (anybody_waits()) {
      signal(1);
    }
  }

  void notify_all() noexcept {
    if (anybody_waits()) {
      signal(kAll);
    }
  }

 private:
  // Low half: registered waiters. High half: those of them that have been signalled.
  static constexpr std::uint64_t kWaiter = 1;
  static constexpr std::uint64_t kSignal = std::uint64_t{1} << 32;
  static constexpr std::uint32_t kAll = ~std::uint32_t{0};

  static std::uint64_t waiters(std::uint64_t state) noexcept { return state & (kSignal - 1); }
  static std::uint64_t signals(std::uint64_t state) noexcept { return state / kSignal; }
  static bool unsignalled(std::uint64_t state) noexcept { return waiters(state) > signals(state); }

  void signal(std::uint32_t threads) noexcept {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    do {
      if (!unsignalled(state)) {
        return;
      }
    } while (!state_.compare_exchange_weak(
        state, state + (threads == 1 ? 1 : waiters(state) - signals(state)) * kSignal,
        std::memory_order_relaxed, std::memory_order_relaxed));
    // (E4) release, pairs with (E3): publishes the change to a sleeper that reads the new epoch.
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.wake(threads == 1 ? 1 : kEverybody);
  }

  void leave() noexcept {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
      next = state - kWaiter - (signals(state) != 0 ? kSignal : 0);
    } while (!state_.compare_exchange_weak(state, next, std::memory_order_relaxed,
                                           std::memory_order_relaxed));
  }

  static constexpr int kEverybody = 0x7fffffff;

  atomic<std::uint64_t> state_{0};
  FutexWord epoch_;
};

}  // namespace laneway::engine

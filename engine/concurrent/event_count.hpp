// Floor 1. EventCount: lets threads sleep until something may have changed, at the price of one
// load for those who change things while nobody sleeps.
//
// Sleeper: key = prepare(), look again, then wait(key) or cancel(). Waker: change, then
// notify_one(). The change must contain a sequentially consistent write before notify_one (most are
// read-modify-writes), and the second look a sequentially consistent read of what it wrote: of two
// threads that write and then read each other's word at least one sees the other (Dekker), so no
// wake-up is lost.
//
// One word holds the number of waiters, how many of them have been signalled, and the epoch that
// they sleep on. A signal counts and raises the epoch in one step: a waiter counted as signalled
// has registered before that step, so its key is older, and it does not fall asleep. A notify that
// finds every waiter signalled does nothing: each of them looks again, with a new key, before it
// sleeps again. A waiter that leaves, also by timeout, takes one signal with it, so it must look
// once more; the signal shows it the change it stands for. Who is woken does not matter, only how
// many.
//
// Progress: lock-free; notify makes a system call only for waiters not yet signalled. A thread
// stopped between signal and system call delays the wake-up that it has promised.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::engine {

class EventCount {
 public:
  using Key = std::uint32_t;

  // Registers the caller as a waiter. At most 65,535 at a time.
  Key prepare() noexcept {
    // Writer: any sleeper. Readers: wakers.
    // (E1) sequentially consistent, pairs with (E2): registration, then the second look.
    const std::uint64_t state = state_.fetch_add(kWaiter, std::memory_order_seq_cst);
    LANEWAY_CHECK(waiters(state) != kWaitersMax);
    return epoch(state);
  }

  void cancel() noexcept { leave(); }

  void wait(Key key, std::chrono::nanoseconds timeout) noexcept {
    state_.wait(key, timeout);
    leave();
  }

  // The one check per batch: is there anybody to wake?
  bool anybody_waits() const noexcept {
    // (E2) sequentially consistent, pairs with (E1): the change, then the look for waiters.
    return unsignalled(state_.load(std::memory_order_seq_cst)) != 0;
  }

  void notify_one() noexcept {
    if (anybody_waits()) {
      signal(1);
    }
  }

  void notify_all() noexcept {
    if (anybody_waits()) {
      signal(kWaitersMax);
    }
  }

 private:
  // From the lowest bit: 16 bits of waiters, 16 bits of signals, 32 bits of epoch.
  static constexpr std::uint64_t kWaiter = 1;
  static constexpr std::uint64_t kSignal = std::uint64_t{1} << 16;
  static constexpr std::uint64_t kEpoch = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kWaitersMax = kSignal - 1;

  static std::uint64_t waiters(std::uint64_t state) noexcept { return state % kSignal; }
  static std::uint64_t signals(std::uint64_t state) noexcept { return state % kEpoch / kSignal; }
  static Key epoch(std::uint64_t state) noexcept { return static_cast<Key>(state / kEpoch); }
  static std::uint64_t unsignalled(std::uint64_t state) noexcept {
    return waiters(state) - signals(state);
  }

  void signal(std::uint64_t threads_max) noexcept {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    std::uint64_t threads = 0;
    do {
      threads = unsignalled(state) < threads_max ? unsignalled(state) : threads_max;
      if (threads == 0) {
        return;
      }
      // Writer: wakers. Reader: the waiter that takes the signal.
      // (E3) release, pairs with (E4): publishes the change.
    } while (!state_.compare_exchange_weak(state, state + threads * kSignal + kEpoch,
                                           std::memory_order_release,  // (E3)
                                           std::memory_order_relaxed));
    state_.wake(static_cast<int>(threads));
  }

  void leave() noexcept {
    std::uint64_t state = state_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
      next = state - kWaiter - (signals(state) != 0 ? kSignal : 0);
      // (E4) acquire, pairs with (E3): what the signal stands for.
    } while (!state_.compare_exchange_weak(state, next, std::memory_order_acquire,  // (E4)
                                           std::memory_order_relaxed));
  }

  FutexWord state_;
};

}  // namespace laneway::engine

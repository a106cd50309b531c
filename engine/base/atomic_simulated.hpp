// Floor 0. The seam's backend for the simulation (LANEWAY_MODEL=2): the same members as the real
// one, on one thread, whose fibers may be switched before each operation. Who runs next, who sleeps
// and what time it is are decided by a scheduler, from a seed alone. Memory is sequentially
// consistent here: orders are the business of the model checker's backend.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace laneway::engine {

namespace simulated {

class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  virtual ~Scheduler() = default;

  // Another fiber may go on, and says in `turns` when it is asked again.
  virtual void turn() = 0;
  // The caller spins: another one should go on.
  virtual void give_way() = 0;
  // Until woken on this address or until the time is over, whichever is first.
  virtual void sleep(const void* address, std::chrono::nanoseconds timeout) = 0;
  virtual void wake(const void* address, int fibers) = 0;
};

// Without a scheduler nobody is switched.
struct Turns {
  std::uint64_t operations_left = ~std::uint64_t{0};
  Scheduler* scheduler = nullptr;
};
inline Turns turns;

inline void operation() {
  if (--turns.operations_left == 0) {
    turns.scheduler->turn();
  }
}

}  // namespace simulated

template <class T>
class atomic {
 public:
  atomic() noexcept = default;
  atomic(T value) noexcept : value_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order) const noexcept {
    simulated::operation();
    return value_;
  }
  void store(T value, std::memory_order) noexcept {
    simulated::operation();
    value_ = value;
  }
  T exchange(T value, std::memory_order) noexcept {
    return update([value](T) { return value; });
  }
  T fetch_add(T value, std::memory_order) noexcept {
    return update([value](T before) { return static_cast<T>(before + value); });
  }
  T fetch_sub(T value, std::memory_order) noexcept {
    return update([value](T before) { return static_cast<T>(before - value); });
  }
  T fetch_or(T value, std::memory_order) noexcept {
    return update([value](T before) { return static_cast<T>(before | value); });
  }
  bool compare_exchange_weak(T& expected,
                             T desired,
                             std::memory_order,
                             std::memory_order) noexcept {
    simulated::operation();
    if (value_ == expected) {
      value_ = desired;
      return true;
    }
    expected = value_;
    return false;
  }

 private:
  template <class Change>
  T update(Change change) noexcept {
    simulated::operation();
    const T before = value_;
    value_ = change(before);
    return before;
  }

  T value_{};
};

template <class T>
class handoff {
 public:
  T get() const noexcept { return value_; }
  void set(T value) noexcept { value_ = value; }

 private:
  T value_{};
};

inline void relax() noexcept {
  if (simulated::turns.scheduler != nullptr) {
    simulated::turns.scheduler->give_way();
  }
}

class FutexWord {
 public:
  std::uint64_t load(std::memory_order order) const noexcept { return word_.load(order); }
  std::uint64_t fetch_add(std::uint64_t value, std::memory_order order) noexcept {
    return word_.fetch_add(value, order);
  }
  bool compare_exchange_weak(std::uint64_t& expected,
                             std::uint64_t desired,
                             std::memory_order success_order,
                             std::memory_order failure_order) noexcept {
    return word_.compare_exchange_weak(expected, desired, success_order, failure_order);
  }
  // Between the look and the sleep nobody is switched: so does the kernel.
  void wait(std::uint32_t upper, std::chrono::nanoseconds timeout) noexcept {
    if (word_.load(std::memory_order_relaxed) >> 32 == upper &&
        timeout > std::chrono::nanoseconds::zero()) {
      simulated::turns.scheduler->sleep(this, timeout);
    }
  }
  void wake(int threads) noexcept {
    simulated::operation();
    simulated::turns.scheduler->wake(this, threads);
  }

 private:
  atomic<std::uint64_t> word_{0};
};

}  // namespace laneway::engine

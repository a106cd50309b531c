// Floor 0. The seam's backend for the model checker Relacy (LANEWAY_MODEL=1): the same members as
// the real one, where every operation is a place at which threads may be switched, and a relaxed
// load may answer an old value.
//
// The backend knows each operation by its place in the source and can weaken the memory order of
// one of them (OrderTable): a test is only as good as the weaker orders it notices.
//
// One process checks one program at a time; nothing here is thread-safe, as Relacy's threads are
// fibers of one thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

// Relacy defines keywords and names of the standard library as macros.
#pragma push_macro("assert")
#pragma push_macro("errno")
#include <relacy/relacy.hpp>
#undef $
#undef VAR
#undef VAR_T
#undef TLS_T
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#pragma pop_macro("errno")
#pragma pop_macro("assert")

namespace laneway::engine {

namespace model {

enum class Operation : std::uint8_t { load, store, update, compare_exchange, failed_exchange };

// One order at one place. A place that is given its order as an argument has a site for each.
struct OrderSite {
  const char* file;
  unsigned line;
  Operation operation;
  std::memory_order order;
  bool operator==(const OrderSite&) const = default;
};

// The sites that a program has come by, and the one of them whose order is weakened.
class OrderTable {
 public:
  std::memory_order at(const OrderSite& site) {
    if (site == weakened_site_) {
      return weakened_order_;
    }
    if (site.order != std::memory_order_relaxed && !known(site)) {
      add(site);
    }
    return site.order;
  }

  std::span<const OrderSite> sites() const { return {sites_.data(), size_}; }
  void weaken(const OrderSite& site, std::memory_order order) {
    weakened_site_ = site;
    weakened_order_ = order;
  }
  void weaken_none() { weakened_site_ = {}; }

 private:
  static constexpr std::size_t kSitesMax = 128;

  bool known(const OrderSite& site) const {
    for (std::size_t i = 0; i < size_; ++i) {
      if (sites_[i] == site) {
        return true;
      }
    }
    return false;
  }
  // A run may not allocate.
  void add(const OrderSite& site) {
    if (size_ == kSitesMax) {
      std::abort();
    }
    sites_[size_++] = site;
  }

  std::array<OrderSite, kSitesMax> sites_{};
  std::size_t size_ = 0;
  OrderSite weakened_site_{};
  std::memory_order weakened_order_ = std::memory_order_relaxed;
};

inline OrderTable orders;

inline rl::memory_order relacy_order(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return rl::mo_relaxed;
    case std::memory_order_consume:
    case std::memory_order_acquire:
      return rl::mo_acquire;
    case std::memory_order_release:
      return rl::mo_release;
    case std::memory_order_acq_rel:
      return rl::mo_acq_rel;
    case std::memory_order_seq_cst:
      break;
  }
  return rl::mo_seq_cst;
}

inline bool acquires(rl::memory_order order) {
  return order == rl::mo_acquire || order == rl::mo_acq_rel || order == rl::mo_seq_cst;
}

// The order of an operation, or what it has been weakened to.
inline rl::memory_order order_of(Operation operation,
                                 std::memory_order order,
                                 const char* file,
                                 unsigned line) {
  return relacy_order(orders.at({file, line, operation, order}));
}

}  // namespace model

// The last two arguments of each operation are its place in the source: they are never given.
template <class T>
class atomic {
 public:
  atomic() : atomic(T{}) {}
  atomic(T value) : value_(value) {}

  T load(std::memory_order order,
         const char* file = __builtin_FILE(),
         unsigned line = __builtin_LINE()) const {
    const auto weakened_order = model::order_of(model::Operation::load, order, file, line);
    return value_.load(weakened_order, place(file, line));
  }
  void store(T value,
             std::memory_order order,
             const char* file = __builtin_FILE(),
             unsigned line = __builtin_LINE()) {
    const auto weakened_order = model::order_of(model::Operation::store, order, file, line);
    value_.store(value, weakened_order, place(file, line));
  }
  T exchange(T value,
             std::memory_order order,
             const char* file = __builtin_FILE(),
             unsigned line = __builtin_LINE()) {
    const auto weakened_order = model::order_of(model::Operation::update, order, file, line);
    return value_.exchange(value, weakened_order, place(file, line));
  }
  T fetch_add(T value,
              std::memory_order order,
              const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE()) {
    const auto weakened_order = model::order_of(model::Operation::update, order, file, line);
    return value_.fetch_add(value, weakened_order, place(file, line));
  }
  T fetch_sub(T value,
              std::memory_order order,
              const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE()) {
    const auto weakened_order = model::order_of(model::Operation::update, order, file, line);
    return value_.fetch_sub(value, weakened_order, place(file, line));
  }
  T fetch_or(T value,
             std::memory_order order,
             const char* file = __builtin_FILE(),
             unsigned line = __builtin_LINE()) {
    const auto weakened_order = model::order_of(model::Operation::update, order, file, line);
    return value_.fetch_or(value, weakened_order, place(file, line));
  }
  bool compare_exchange_weak(T& expected,
                             T desired,
                             std::memory_order order,
                             std::memory_order failure_order,
                             const char* file = __builtin_FILE(),
                             unsigned line = __builtin_LINE()) {
    using model::Operation;
    const auto success = model::order_of(Operation::compare_exchange, order, file, line);
    const auto failure = model::order_of(Operation::failed_exchange, failure_order, file, line);
    const rl::debug_info at = place(file, line);
    if (model::acquires(success) || !model::acquires(failure)) {
      return value_.compare_exchange(rl::bool_t<true>(), expected, desired, success, failure, at);
    }
    // Relacy has no failure order above the success order: fail, and then look once more.
    if (value_.compare_exchange(rl::bool_t<true>(), expected, desired, success, rl::mo_relaxed,
                                at)) {
      return true;
    }
    expected = value_.load(failure, at);
    return false;
  }

  // The newest value, for a test that looks at all threads from above.
  T newest_value() const { return value_.debug_value(); }

 private:
  static rl::debug_info place(const char* file, unsigned line) { return {"", file, line}; }

  rl::atomic<T> value_;
};

// An access that is not ordered after the last one of another thread is a race, and fails the run.
template <class T>
class handoff {
 public:
  handoff() : value_(T{}) {}

  T get(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) const {
    return value_(rl::debug_info("", file, line)).load();
  }
  void set(T value, const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    value_(rl::debug_info("", file, line)).store(value);
  }

 private:
  rl::var<T> value_;
};

inline void relax(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
  rl::yield(1, rl::debug_info("", file, line));
}

// As the real one, but nobody wakes without cause and no wait ends by time: a lost wake-up is a
// deadlock. Sleeping and waking order no memory; a futex promises as little.
class FutexWord {
 public:
  std::uint64_t load(std::memory_order order,
                     const char* file = __builtin_FILE(),
                     unsigned line = __builtin_LINE()) const {
    return word_.load(order, file, line);
  }
  std::uint64_t fetch_add(std::uint64_t value,
                          std::memory_order order,
                          const char* file = __builtin_FILE(),
                          unsigned line = __builtin_LINE()) {
    return word_.fetch_add(value, order, file, line);
  }
  bool compare_exchange_weak(std::uint64_t& expected,
                             std::uint64_t desired,
                             std::memory_order order,
                             std::memory_order failure_order,
                             const char* file = __builtin_FILE(),
                             unsigned line = __builtin_LINE()) {
    return word_.compare_exchange_weak(expected, desired, order, failure_order, file, line);
  }

  void wait(std::uint32_t upper,
            std::chrono::nanoseconds,
            const char* file = __builtin_FILE(),
            unsigned line = __builtin_LINE()) {
    rl::context& run = rl::ctx();
    run.sched();
    // From here to the sleep no other thread runs: the kernel compares and enqueues in one step.
    if (word_.newest_value() >> 32 != upper) {
      return;
    }
    sleepers_[static_cast<std::size_t>(sleeping_)] = run.current_thread();
    ++sleeping_;
    run.park_current_thread(false, false, false, rl::debug_info("", file, line));
  }

  // Of the sleepers any may be chosen.
  void wake(int threads, const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    rl::context& run = rl::ctx();
    run.sched();
    for (; threads > 0 && sleeping_ > 0; --threads) {
      const unsigned count = static_cast<unsigned>(sleeping_);
      const std::size_t chosen = count == 1 ? 0 : run.rand(count, rl::sched_type_user);
      const rl::thread_id_t thread = sleepers_[chosen];
      --sleeping_;
      sleepers_[chosen] = sleepers_[static_cast<std::size_t>(sleeping_)];
      run.unpark_thread(thread, false, rl::debug_info("", file, line));
    }
  }

 private:
  static constexpr std::size_t kThreadsMax = 8;

  atomic<std::uint64_t> word_;
  std::array<rl::thread_id_t, kThreadsMax> sleepers_{};
  int sleeping_ = 0;
};

// Told by engine/base/assert.hpp: an assertion fails the run, whose trace is then printed.
[[noreturn]] inline void assertion_failed(const char* file, int line, const char* condition) {
  if (!rl::is_ctx()) {
    std::abort();
  }
  rl::ctx().fail_test(condition, rl::test_result_user_assert_failed,
                      rl::debug_info("", file, static_cast<unsigned>(line)));
  std::abort();
}

}  // namespace laneway::engine

// What the harness wants to know of a system: its promises, and how many threads use it.
#pragma once

#include "bench/harness/key_plan.hpp"
#include "bench/harness/verifier.hpp"
#include "bench/harness/waiter.hpp"

#include <cstddef>
#include <cstdint>

namespace laneway::bench {

inline constexpr std::size_t kBatchMax = 32;
inline constexpr std::size_t kCapacity = 65'536;

struct Shape {
  std::uint32_t producers = 1;
  std::uint32_t consumers = 1;
  std::uint32_t batch = 1;
  KeyPlan keys = {};
  std::uint32_t shards = 1;            // of laneway
  std::uint32_t capacity = kCapacity;  // of the lease queues; all others have this one
};

// Printed beside every figure.
struct Guarantees {
  const char* order;
  const char* bounded;
  const char* bulk;
  const char* lease;
};

// A system under test gives, for one element type:
//   static constexpr Guarantees kGuarantees;  static constexpr OrderPromise kOrder;
//   explicit Subject(const Shape&);
//   Producer producer(index);   void publish(std::span<const Element>, Waiter&) until all are taken
//   Consumer consumer(index);   std::size_t consume(max, Verifier&): what it got, 0 at once if none
// publish and consume use the system's single calls when asked for one, its bulk calls otherwise.
// A consumer that can block takes a third argument, how long it may wait for the first message.
// One that keeps messages back has keep(bool): true begins a phase, false ends the keeping.

}  // namespace laneway::bench

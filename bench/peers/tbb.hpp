// oneTBB concurrent_bounded_queue: many to many, single calls only, FIFO by ticket.
#pragma once

#include "bench/peers/ports.hpp"

#include <oneapi/tbb/concurrent_queue.h>

#include <cstddef>
#include <span>

namespace laneway::bench {

template <class Element>
class TbbBounded : public Ports<TbbBounded<Element>, Element> {
 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "no", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit TbbBounded(const Shape&) { queue_.set_capacity(kCapacity); }

  std::size_t push(std::span<const Element> elements) {
    return push_singly(elements, [&](const Element& element) { return queue_.try_push(element); });
  }
  std::size_t pop(std::span<Element> elements) { return queue_.try_pop(elements[0]) ? 1 : 0; }

 private:
  tbb::concurrent_bounded_queue<Element> queue_;
};

}  // namespace laneway::bench

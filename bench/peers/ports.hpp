// The ports of a queue without leases: what producers and consumers of most peers have in common.
//
// A queue offers push(span), which takes as many as there is room for, and pop(span), which gives
// as many as there are; each answers how many. From that `Ports` makes what the harness asks for.
#pragma once

#include "bench/harness/subject.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace laneway::bench {

template <class Queue, class Element>
class PushingProducer {
 public:
  explicit PushingProducer(Queue& queue) : queue_(queue) {}

  void publish(std::span<const Element> elements, Waiter& waiter) {
    while (!elements.empty()) {
      const std::size_t taken = queue_.push(elements);
      elements = elements.subspan(taken);
      if (taken == 0) {
        waiter.wait();
      } else {
        waiter.progressed();
      }
    }
  }

 private:
  Queue& queue_;
};

template <class Queue, class Element>
class PoppingConsumer {
 public:
  explicit PoppingConsumer(Queue& queue) : queue_(queue) {}

  std::size_t consume(std::size_t max, Verifier& verifier) {
    const std::size_t count = queue_.pop({elements_.data(), max});
    verify_elements(std::span<const Element>(elements_.data(), count), verifier);
    return count;
  }

 private:
  Queue& queue_;
  std::array<Element, kBatchMax> elements_;
};

// Base of a Queue that has both.
template <class Queue, class Element>
class Ports {
 public:
  using Producer = PushingProducer<Queue, Element>;
  using Consumer = PoppingConsumer<Queue, Element>;

  Producer producer(std::uint32_t) { return Producer(static_cast<Queue&>(*this)); }
  Consumer consumer(std::uint32_t) { return Consumer(static_cast<Queue&>(*this)); }
};

// push() of a queue that takes one element a call; `push_one` answers whether it has.
template <class Element, class PushOne>
std::size_t push_singly(std::span<const Element> elements, PushOne push_one) {
  std::size_t taken = 0;
  while (taken < elements.size() && push_one(elements[taken])) {
    ++taken;
  }
  return taken;
}

}  // namespace laneway::bench

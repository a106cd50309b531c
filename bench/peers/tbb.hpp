// oneTBB concurrent_bounded_queue: many to many, single calls only, FIFO by ticket.
#pragma once

#include "bench/harness/subject.hpp"

#include <oneapi/tbb/concurrent_queue.h>

#include <cstddef>
#include <span>

namespace laneway::bench {

template <class Element>
class TbbBounded {
  using Queue = tbb::concurrent_bounded_queue<Element>;

 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "no", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit TbbBounded(const Shape&) { queue_.set_capacity(kCapacity); }

  class Producer {
   public:
    explicit Producer(Queue& queue) : queue_(queue) {}
    void publish(std::span<const Element> elements, Waiter& waiter) {
      for (const Element& element : elements) {
        while (!queue_.try_push(element)) {
          waiter.wait();
        }
        waiter.progressed();
      }
    }

   private:
    Queue& queue_;
  };

  class Consumer {
   public:
    explicit Consumer(Queue& queue) : queue_(queue) {}
    std::size_t consume(std::size_t, Verifier& verifier) {
      Element element;
      if (!queue_.try_pop(element)) {
        return 0;
      }
      verify_elements(std::span<const Element>(&element, 1), verifier);
      return 1;
    }

   private:
    Queue& queue_;
  };

  Producer producer(std::uint32_t) { return Producer(queue_); }
  Consumer consumer(std::uint32_t) { return Consumer(queue_); }

 private:
  Queue queue_;
};

}  // namespace laneway::bench

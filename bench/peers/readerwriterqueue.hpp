// moodycamel::ReaderWriterQueue: one producer, one consumer, single calls only. Bounded by
// try_enqueue.
#pragma once

#include "bench/harness/subject.hpp"

#include <readerwriterqueue/readerwriterqueue.h>

#include <cstddef>
#include <span>

namespace laneway::bench {

template <class Element>
class ReaderWriterQueue {
  using Queue = moodycamel::ReaderWriterQueue<Element>;

 public:
  static constexpr Guarantees kGuarantees{"FIFO, 1P1C only", "yes", "no", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit ReaderWriterQueue(const Shape&) : queue_(kCapacity) {}

  class Producer {
   public:
    explicit Producer(Queue& queue) : queue_(queue) {}
    void publish(std::span<const Element> elements, Waiter& waiter) {
      for (const Element& element : elements) {
        while (!queue_.try_enqueue(element)) {
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
      const Element* front = queue_.peek();
      if (front == nullptr) {
        return 0;
      }
      verify_elements(std::span<const Element>(front, 1), verifier);
      queue_.pop();
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

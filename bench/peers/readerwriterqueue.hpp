// moodycamel::ReaderWriterQueue: one producer, one consumer, single calls only. Bounded by
// try_enqueue.
#pragma once

#include "bench/peers/ports.hpp"

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

  std::size_t push(std::span<const Element> elements) {
    return push_singly(elements,
                       [&](const Element& element) { return queue_.try_enqueue(element); });
  }

  // Reads the element where it is, which this queue alone can offer.
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

  using Producer = PushingProducer<ReaderWriterQueue, Element>;
  Producer producer(std::uint32_t) { return Producer(*this); }
  Consumer consumer(std::uint32_t) { return Consumer(queue_); }

 private:
  Queue queue_;
};

}  // namespace laneway::bench

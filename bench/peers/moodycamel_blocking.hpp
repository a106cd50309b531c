// moodycamel::BlockingConcurrentQueue: as ConcurrentQueue, and a consumer may sleep until there is
// something.
#pragma once

#include "bench/peers/ports.hpp"

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <chrono>
#include <cstddef>
#include <span>

namespace laneway::bench {

class MoodycamelBlocking {
  using Queue = moodycamel::BlockingConcurrentQueue<Payload>;

 public:
  static constexpr Guarantees kGuarantees{"per producer", "no", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit MoodycamelBlocking(const Shape&) : queue_(kCapacity) {}

  std::size_t push(std::span<const Payload> elements) {
    return push_singly(elements, [&](const Payload& element) { return queue_.enqueue(element); });
  }

  class Consumer {
   public:
    explicit Consumer(Queue& queue) : queue_(queue) {}
    std::size_t consume(std::size_t,
                        Verifier& verifier,
                        std::chrono::milliseconds wait = std::chrono::milliseconds(0)) {
      Payload element;
      if (!queue_.wait_dequeue_timed(element, wait)) {
        return 0;
      }
      verify_elements(std::span<const Payload>(&element, 1), verifier);
      return 1;
    }

   private:
    Queue& queue_;
  };

  using Producer = PushingProducer<MoodycamelBlocking, Payload>;
  Producer producer(std::uint32_t) { return Producer(*this); }
  Consumer consumer(std::uint32_t) { return Consumer(queue_); }

 private:
  Queue queue_;
};

}  // namespace laneway::bench

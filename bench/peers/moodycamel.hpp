// moodycamel::ConcurrentQueue: hand-off in the order of each producer, no bound of its own, no
// lease.
//
// Its bounded form (try_enqueue on pre-allocated blocks) may find no block while others sit half
// used, and then makes no end; so elements are allocated as it likes, and the run keeps the backlog
// near the common capacity by looking, once in 4,096 elements, at how far the consumers are.
#pragma once

#include "bench/harness/subject.hpp"
#include "bench/peers/backlog.hpp"

#include <concurrentqueue/concurrentqueue.h>

#include <array>
#include <cstddef>
#include <span>

namespace laneway::bench {

enum class MoodycamelUse { plain, tokens };

template <class Element, MoodycamelUse kUse>
class Moodycamel {
  using Queue = moodycamel::ConcurrentQueue<Element>;

 public:
  static constexpr Guarantees kGuarantees{"per producer", "no", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit Moodycamel(const Shape& shape) : queue_(kCapacity), backlog_(shape) {}

  class Producer {
   public:
    Producer(Queue& queue, Backlog::Producer backlog)
        : queue_(queue), token_(queue), backlog_(backlog) {}

    void publish(std::span<const Element> elements, Waiter& waiter) {
      backlog_.await_room(elements.size(), waiter);
      while (!enqueue(elements)) {
        waiter.wait();
      }
      waiter.progressed();
    }

   private:
    bool enqueue(std::span<const Element> elements) {
      if constexpr (kUse == MoodycamelUse::tokens) {
        return elements.size() == 1 ? queue_.enqueue(token_, elements[0])
                                    : queue_.enqueue_bulk(token_, elements.data(), elements.size());
      } else {
        return elements.size() == 1 ? queue_.enqueue(elements[0])
                                    : queue_.enqueue_bulk(elements.data(), elements.size());
      }
    }

    Queue& queue_;
    moodycamel::ProducerToken token_;
    Backlog::Producer backlog_;
  };

  class Consumer {
   public:
    Consumer(Queue& queue, Backlog::Consumer backlog)
        : queue_(queue), token_(queue), backlog_(backlog) {}

    std::size_t consume(std::size_t max, Verifier& verifier) {
      const std::size_t count = dequeue(max);
      verify_elements(std::span<const Element>(elements_.data(), count), verifier);
      backlog_.consumed(count);
      return count;
    }

   private:
    std::size_t dequeue(std::size_t max) {
      if constexpr (kUse == MoodycamelUse::tokens) {
        return max == 1 ? queue_.try_dequeue(token_, elements_[0])
                        : queue_.try_dequeue_bulk(token_, elements_.data(), max);
      } else {
        return max == 1 ? queue_.try_dequeue(elements_[0])
                        : queue_.try_dequeue_bulk(elements_.data(), max);
      }
    }

    Queue& queue_;
    moodycamel::ConsumerToken token_;
    Backlog::Consumer backlog_;
    std::array<Element, kBatchMax> elements_;
  };

  Producer producer(std::uint32_t index) { return Producer(queue_, backlog_.producer(index)); }
  Consumer consumer(std::uint32_t index) { return Consumer(queue_, backlog_.consumer(index)); }

 private:
  Queue queue_;
  Backlog backlog_;
};

}  // namespace laneway::bench

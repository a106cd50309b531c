// Boost.Lockfree: `queue` (many to many, single calls only) and `spsc_queue` (one to one, with
// bulk). A fixed-size `queue` addresses its nodes with 16 bits, so its capacity is 65,534 and not
// 65,536.
#pragma once

#include "bench/harness/subject.hpp"

#include <array>
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <span>

namespace laneway::bench {

template <class Element>
class BoostQueue {
  static constexpr std::size_t kNodesMax = 65'534;
  using Queue = boost::lockfree::queue<Element, boost::lockfree::fixed_sized<true>>;

 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "no", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit BoostQueue(const Shape&) : queue_(kNodesMax) {}

  class Producer {
   public:
    explicit Producer(Queue& queue) : queue_(queue) {}
    void publish(std::span<const Element> elements, Waiter& waiter) {
      for (const Element& element : elements) {
        while (!queue_.push(element)) {
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
      if (!queue_.pop(element)) {
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

template <class Element>
class BoostSpsc {
  using Queue = boost::lockfree::spsc_queue<Element>;

 public:
  static constexpr Guarantees kGuarantees{"FIFO, 1P1C only", "yes", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit BoostSpsc(const Shape&) : queue_(kCapacity) {}

  class Producer {
   public:
    explicit Producer(Queue& queue) : queue_(queue) {}
    void publish(std::span<const Element> elements, Waiter& waiter) {
      while (!elements.empty()) {
        const std::size_t taken = push(elements);
        elements = elements.subspan(taken);
        if (taken == 0) {
          waiter.wait();
        } else {
          waiter.progressed();
        }
      }
    }

   private:
    std::size_t push(std::span<const Element> elements) {
      return elements.size() == 1 ? queue_.push(elements[0])
                                  : queue_.push(elements.data(), elements.size());
    }
    Queue& queue_;
  };

  class Consumer {
   public:
    explicit Consumer(Queue& queue) : queue_(queue) {}
    std::size_t consume(std::size_t max, Verifier& verifier) {
      const std::size_t count =
          max == 1 ? queue_.pop(elements_[0]) : queue_.pop(elements_.data(), max);
      verify_elements(std::span<const Element>(elements_.data(), count), verifier);
      return count;
    }

   private:
    Queue& queue_;
    std::array<Element, kBatchMax> elements_;
  };

  Producer producer(std::uint32_t) { return Producer(queue_); }
  Consumer consumer(std::uint32_t) { return Consumer(queue_); }

 private:
  Queue queue_;
};

}  // namespace laneway::bench

// A ring behind one std::mutex: what everybody can write in ten minutes, and with batches a serious
// baseline.
#pragma once

#include "bench/harness/subject.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace laneway::bench {

template <class Element>
class MutexRing {
 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit MutexRing(const Shape&) : elements_(kCapacity) {}

  class Producer {
   public:
    explicit Producer(MutexRing& ring) : ring_(ring) {}
    void publish(std::span<const Element> elements, Waiter& waiter) {
      while (!elements.empty()) {
        const std::size_t taken = ring_.push(elements);
        elements = elements.subspan(taken);
        if (taken == 0) {
          waiter.wait();
        } else {
          waiter.progressed();
        }
      }
    }

   private:
    MutexRing& ring_;
  };

  class Consumer {
   public:
    explicit Consumer(MutexRing& ring) : ring_(ring) {}
    std::size_t consume(std::size_t max, Verifier& verifier) {
      const std::size_t count = ring_.pop({elements_.data(), max});
      verify_elements(std::span<const Element>(elements_.data(), count), verifier);
      return count;
    }

   private:
    MutexRing& ring_;
    std::array<Element, kBatchMax> elements_;
  };

  Producer producer(std::uint32_t) { return Producer(*this); }
  Consumer consumer(std::uint32_t) { return Consumer(*this); }

  // As many as there is room for, and as many as there are; answer how many.
  std::size_t push(std::span<const Element> from) {
    const std::lock_guard lock(mutex_);
    const std::size_t count = std::min(from.size(), kCapacity - (tail_ - head_));
    for (std::size_t i = 0; i < count; ++i) {
      elements_[(tail_ + i) % kCapacity] = from[i];
    }
    tail_ += count;
    return count;
  }

  std::size_t pop(std::span<Element> to) {
    const std::lock_guard lock(mutex_);
    const std::size_t count = std::min(to.size(), tail_ - head_);
    for (std::size_t i = 0; i < count; ++i) {
      to[i] = elements_[(head_ + i) % kCapacity];
    }
    head_ += count;
    return count;
  }

 private:
  std::mutex mutex_;
  std::vector<Element> elements_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace laneway::bench

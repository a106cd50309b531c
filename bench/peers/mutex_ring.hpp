// A ring behind one std::mutex: what everybody can write in ten minutes, and with batches a serious
// baseline.
#pragma once

#include "bench/peers/ports.hpp"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace laneway::bench {

template <class Element>
class MutexRing : public Ports<MutexRing<Element>, Element> {
 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit MutexRing(const Shape&) : elements_(kCapacity) {}

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

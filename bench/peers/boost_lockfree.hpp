// Boost.Lockfree: `queue` (many to many, single calls only) and `spsc_queue` (one to one, with
// bulk). A fixed-size `queue` addresses its nodes with 16 bits, so its capacity is 65,534 and not
// 65,536.
#pragma once

#include "bench/peers/ports.hpp"

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <span>

namespace laneway::bench {

template <class Element>
class BoostQueue : public Ports<BoostQueue<Element>, Element> {
 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "no", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit BoostQueue(const Shape&) : queue_(kNodesMax) {}

  std::size_t push(std::span<const Element> elements) {
    return push_singly(elements, [&](const Element& element) { return queue_.push(element); });
  }
  std::size_t pop(std::span<Element> elements) { return queue_.pop(elements[0]) ? 1 : 0; }

 private:
  static constexpr std::size_t kNodesMax = 65'534;

  boost::lockfree::queue<Element, boost::lockfree::fixed_sized<true>> queue_;
};

template <class Element>
class BoostSpsc : public Ports<BoostSpsc<Element>, Element> {
 public:
  static constexpr Guarantees kGuarantees{"FIFO, 1P1C only", "yes", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit BoostSpsc(const Shape&) : queue_(kCapacity) {}

  std::size_t push(std::span<const Element> elements) {
    return elements.size() == 1 ? queue_.push(elements[0])
                                : queue_.push(elements.data(), elements.size());
  }
  std::size_t pop(std::span<Element> elements) {
    return elements.size() == 1 ? queue_.pop(elements[0])
                                : queue_.pop(elements.data(), elements.size());
  }

 private:
  boost::lockfree::spsc_queue<Element> queue_;
};

}  // namespace laneway::bench

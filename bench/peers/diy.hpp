// The subjects diy1 and diy16: the hand-made lease queue with one mutex of each kind, or sixteen.
#pragma once

#include "bench/peers/diy_lease_queue.hpp"
#include "bench/peers/ports.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <span>

namespace laneway::bench {

template <std::size_t kShards>
class Diy {
 public:
  static constexpr Guarantees kGuarantees{"per key", "yes", "yes", "yes, timer at 1 ms"};
  static constexpr OrderPromise kOrder = OrderPromise::per_key;

  explicit Diy(const Shape& shape) : queue_(shape.capacity, kShards, std::chrono::seconds(30)) {}

  class Consumer {
   public:
    explicit Consumer(DiyLeaseQueue& queue) : queue_(queue) {}
    std::size_t consume(std::size_t max,
                        Verifier& verifier,
                        std::chrono::milliseconds wait = std::chrono::milliseconds(0)) {
      const std::size_t count = queue_.receive({leases_.data(), max}, wait);
      std::array<std::uint64_t, kBatchMax> keys;
      for (std::size_t i = 0; i < count; ++i) {
        verifier.announce(&leases_[i].message->payload);
      }
      for (std::size_t i = 0; i < count; ++i) {
        const DiyLeaseQueue::Message& message = *leases_[i].message;
        keys[i] = verifier.begin(message.key, &message.payload);
      }
      for (std::size_t i = 0; i < count; ++i) {
        verifier.end(keys[i]);
      }
      if (count != 0 && queue_.ack({leases_.data(), count}) != count) {
        verifier.ack_refused();
      }
      return count;
    }

   private:
    DiyLeaseQueue& queue_;
    std::array<DiyLeaseQueue::Lease, kBatchMax> leases_;
  };

  using Producer = PushingProducer<DiyLeaseQueue, KeyedElement>;
  Producer producer(std::uint32_t) { return Producer(queue_); }
  Consumer consumer(std::uint32_t) { return Consumer(queue_); }

 private:
  DiyLeaseQueue queue_;
};

}  // namespace laneway::bench

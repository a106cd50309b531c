// diy16 with one stuck key: the first lease of the marked key is kept for the whole run.
#pragma once

#include "bench/peers/diy.hpp"

#include <optional>

namespace laneway::bench {

class DiyStuck {
 public:
  static constexpr Guarantees kGuarantees = Diy<16>::kGuarantees;
  static constexpr OrderPromise kOrder = OrderPromise::per_key;

  explicit DiyStuck(const Shape&) : queue_(kCapacity, 16, std::chrono::seconds(30)) {}

  class Consumer {
   public:
    explicit Consumer(DiyLeaseQueue& queue) : queue_(queue) {}

    void keep(bool keeping) { keeping_ = keeping; }

    std::size_t consume(std::size_t max, Verifier& verifier) {
      std::size_t count = 0;
      if (!keeping_ && kept_) {
        leases_[count++] = *std::exchange(kept_, std::nullopt);
      } else {
        count = queue_.receive({leases_.data(), max}, std::chrono::milliseconds(0));
      }
      std::size_t done = 0;
      for (const DiyLeaseQueue::Lease& lease : std::span(leases_.data(), count)) {
        const DiyLeaseQueue::Message& message = *lease.message;
        if (keeping_ && message.key == KeySet::bytes_of(0)) {
          kept_ = lease;
          continue;
        }
        verifier.end(verifier.begin(message.key, &message.payload));
        leases_[done++] = lease;
      }
      if (done != 0 && queue_.ack({leases_.data(), done}) != done) {
        verifier.ack_refused();
      }
      return count;
    }

   private:
    DiyLeaseQueue& queue_;
    std::array<DiyLeaseQueue::Lease, kBatchMax> leases_;
    std::optional<DiyLeaseQueue::Lease> kept_;
    bool keeping_ = true;
  };

  using Producer = PushingProducer<DiyLeaseQueue, KeyedElement>;
  Producer producer(std::uint32_t) { return Producer(queue_); }
  Consumer consumer(std::uint32_t) { return Consumer(queue_); }

 private:
  DiyLeaseQueue queue_;
};

}  // namespace laneway::bench

// Consumers of laneway that do not just acknowledge: one key stuck or poisonous, a share of all
// messages failing once, ordered runs.
#pragma once

#include "bench/peers/laneway.hpp"

#include <algorithm>

namespace laneway::bench {

enum class Trouble {
  none,
  stuck,   // the first lease of the marked key is kept: its later messages wait for the whole run
  poison,  // messages of the marked key fail twice and are rejected at the third attempt
};

inline constexpr std::uint64_t kMarkedKey = KeySet::bytes_of(0);

// Publishes and receives as LanewayCycle does, and acknowledges one by one.
template <class Handling>
class LanewayHandled {
 public:
  static constexpr Guarantees kGuarantees{"per key", "yes", "yes", "yes, timer at 1 ms"};
  static constexpr OrderPromise kOrder = OrderPromise::per_key;

  explicit LanewayHandled(const Shape& shape)
      : laneway_({.capacity = kCapacity,
                  .shards = shape.shards,
                  .backoff = {.first = std::chrono::milliseconds(1),
                              .cap = std::chrono::milliseconds(1)}}) {}

  class Consumer : public Handling {
   public:
    explicit Consumer(laneway::Consumer consumer) : consumer_(std::move(consumer)) {}

    std::size_t consume(std::size_t max,
                        Verifier& verifier,
                        std::chrono::milliseconds wait = std::chrono::milliseconds(0)) {
      Result<LeaseBatch> granted =
          consumer_.receive({.max = static_cast<std::uint32_t>(max), .wait = wait});
      LeaseBatch& leases = *checked(granted);
      const std::size_t count = leases.size();
      for (const Lease& lease : leases) {
        verifier.announce(lease.payload().data());
      }
      for (Lease& lease : leases) {
        if (!this->handle(lease, verifier)) {
          settle(lease, verifier);
        }
      }
      return count;
    }

    // The message is done: verified, and acknowledged.
    static void settle(Lease& lease, Verifier& verifier) {
      verifier.end(verifier.begin(key_of(lease), lease.payload().data()));
      if (!lease.ack()) {
        verifier.ack_refused();
      }
    }

   private:
    laneway::Consumer consumer_;
  };

  LanewayProducer<KeyedElement> producer(std::uint32_t) {
    return LanewayProducer<KeyedElement>(laneway_.queue);
  }
  Consumer consumer(std::uint32_t) { return Consumer(value_of(laneway_.queue.consumer())); }

 private:
  LanewayQueue laneway_;
};

template <Trouble kTrouble>
class MarkedKeyInTrouble {
 public:
  void keep(bool keeping) {
    keeping_ = keeping;
    if (!keeping && kept_.valid()) {
      (void)kept_.release();  // it comes again, and is acknowledged then
    }
  }

 protected:
  // False: it is to be acknowledged.
  bool handle(Lease& lease, Verifier& verifier) {
    if (kTrouble == Trouble::none || !keeping_ || key_of(lease) != kMarkedKey) {
      return false;
    }
    if constexpr (kTrouble == Trouble::stuck) {
      kept_ = std::move(lease);
      return true;
    }
    if (lease.attempt() < kAttempts) {
      (void)lease.nack({.error = "poison"});
      return true;
    }
    verifier.end(verifier.begin(key_of(lease), lease.payload().data()));
    if (!lease.reject({.error = "poison"})) {
      verifier.ack_refused();
    }
    return true;
  }

 private:
  static constexpr std::uint32_t kAttempts = 3;

  bool keeping_ = true;
  Lease kept_;
};

template <Trouble kTrouble>
using LanewayTroubled = LanewayHandled<MarkedKeyInTrouble<kTrouble>>;

// So many messages of ten thousand fail at their first attempt, and come again after a millisecond.
template <std::uint32_t kOfTenThousand>
class SomeFail {
 protected:
  bool handle(Lease& lease, Verifier&) {
    const Payload payload = load_payload(lease.payload().data());
    if (lease.attempt() != 1 ||
        (MessageTag::digest(payload.words[0]) >> 16) % 10'000 >= kOfTenThousand) {
      return false;
    }
    (void)lease.nack({.error = "once", .after = std::chrono::milliseconds(1)});
    return true;
  }
};

template <std::uint32_t kOfTenThousand>
using LanewayRetrying = LanewayHandled<SomeFail<kOfTenThousand>>;

// A stream in partitions: the key is the partition, one lease holds a run of up to 32 messages.
class LanewayRuns {
 public:
  static constexpr Guarantees kGuarantees{"per partition", "yes", "yes, runs",
                                          "yes, timer at 1 ms"};
  static constexpr OrderPromise kOrder = OrderPromise::per_key;

  explicit LanewayRuns(const Shape& shape)
      : laneway_({.capacity = kCapacity, .shards = shape.shards, .run_max = kBatchMax}) {}

  class Consumer {
   public:
    explicit Consumer(laneway::Consumer consumer) : consumer_(std::move(consumer)) {}

    std::size_t consume(std::size_t, Verifier& verifier) {
      Result<LeaseBatch> granted = consumer_.receive({.max = 1});
      LeaseBatch& leases = *checked(granted);
      if (leases.empty()) {
        return 0;
      }
      Lease& run = leases[0];
      const std::size_t count = run.size();
      const std::uint64_t key = key_of(run);
      for (std::size_t i = 0; i < count; ++i) {
        verifier.end(verifier.begin(key, run.message(i).payload.data()));
      }
      if (!run.ack()) {
        verifier.ack_refused();
      }
      return count;
    }

   private:
    laneway::Consumer consumer_;
  };

  LanewayProducer<KeyedElement> producer(std::uint32_t) {
    return LanewayProducer<KeyedElement>(laneway_.queue);
  }
  Consumer consumer(std::uint32_t) { return Consumer(value_of(laneway_.queue.consumer())); }

 private:
  LanewayQueue laneway_;
};

}  // namespace laneway::bench

// The subjects laneway*: the engine itself through its public headers, with its default options.
#pragma once

#include <laneway/engine.hpp>

#include "bench/harness/subject.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace laneway::bench {

// No call in here has a reason to fail; one that does ends the run.
template <class T>
Result<T>& checked(Result<T>& result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", to_string(result.error()).c_str());
    std::exit(2);
  }
  return result;
}
template <class T>
T value_of(Result<T> result) {
  return *std::move(checked(result));
}

// An engine with one queue.
struct LanewayQueue {
  explicit LanewayQueue(const QueueOptions& options, const EngineOptions& engine_options = {})
      : engine(value_of(Engine::open(engine_options))),
        queue(value_of(engine.queue("bench", options))) {}

  Engine engine;
  Queue queue;
};

inline Message message_of(const Payload& payload) {
  return {.payload = Bytes(payload.words.data(), sizeof payload.words)};
}
inline Message message_of(const KeyedElement& element) {
  return {.key = {reinterpret_cast<const char*>(&element.key), sizeof element.key},
          .payload = Bytes(element.payload.words.data(), sizeof element.payload.words)};
}

// Publishes until all are taken: singly when asked for one, else as a span. What a full shard
// refuses is tried again, in its order.
template <class Element>
class LanewayProducer {
 public:
  explicit LanewayProducer(Queue queue) : queue_(std::move(queue)) {}

  void publish(std::span<const Element> elements, Waiter& waiter) {
    if (elements.size() == 1) {
      while (!queue_.publish(message_of(elements[0]))) {
        waiter.wait();
      }
    } else {
      std::size_t waiting = 0;
      for (const Element& element : elements) {
        messages_[waiting++] = message_of(element);
      }
      while ((waiting = refused_of(waiting)) != 0) {
        waiter.wait();
      }
    }
    waiter.progressed();
  }

 private:
  // Publishes the first `count` messages and moves the refused ones to the front.
  std::size_t refused_of(std::size_t count) {
    const std::span<Published> results(results_.data(), count);
    if (value_of(queue_.publish({messages_.data(), count}, results)) == count) {
      return 0;
    }
    std::size_t refused = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!results[i].accepted()) {
        messages_[refused++] = messages_[i];
      }
    }
    return refused;
  }

  Queue queue_;
  std::array<Message, kBatchMax> messages_;
  std::array<Published, kBatchMax> results_;
};

// The bytes of an 8-byte key as the number they were made of; 0 for any other key.
inline std::uint64_t key_of(const Lease& lease) {
  std::uint64_t key = 0;
  const std::string_view bytes = lease.key();
  if (bytes.size() == sizeof key) {
    std::memcpy(&key, bytes.data(), sizeof key);
  }
  return key;
}

// Several messages that came together are acknowledged together, or each by itself all the same.
enum class Acks { as_received, one_by_one };

template <QueueKind kKind, Acks kAcks>
class LanewayCycle {
 public:
  static constexpr bool kByKey = kKind == QueueKind::by_key;
  static constexpr Guarantees kGuarantees{kByKey ? "per key" : "no", "yes", "yes",
                                          "yes, timer at 1 ms"};
  static constexpr OrderPromise kOrder = kByKey ? OrderPromise::per_key : OrderPromise::none;

  explicit LanewayCycle(const Shape& shape)
      : laneway_({.kind = kKind, .capacity = shape.capacity, .shards = shape.shards}) {}

  class Consumer {
   public:
    explicit Consumer(laneway::Consumer consumer) : consumer_(std::move(consumer)) {}

    std::size_t consume(std::size_t max,
                        Verifier& verifier,
                        std::chrono::milliseconds wait = std::chrono::milliseconds(0)) {
      Result<LeaseBatch> granted =
          consumer_.receive({.max = static_cast<std::uint32_t>(max), .wait = wait});
      LeaseBatch& leases = *checked(granted);
      const std::size_t count = leases.size();
      for (std::size_t i = 0; i < count; ++i) {
        bytes_[i] = leases[i].payload().data();
        verifier.announce(bytes_[i]);
      }
      for (std::size_t i = 0; i < count; ++i) {
        keys_[i] = verifier.begin(key_of(leases[i]), bytes_[i]);
      }
      settle(leases, verifier);
      return count;
    }

   private:
    void settle(LeaseBatch& leases, Verifier& verifier) {
      if (kAcks == Acks::as_received && leases.size() > 1) {
        for (std::size_t i = 0; i < leases.size(); ++i) {
          verifier.end(keys_[i]);
        }
        if (leases.ack() != leases.size()) {
          verifier.ack_refused();
        }
      } else {
        for (std::size_t i = 0; i < leases.size(); ++i) {
          verifier.end(keys_[i]);
          if (!leases[i].ack()) {
            verifier.ack_refused();
          }
        }
      }
    }

    laneway::Consumer consumer_;
    std::array<const std::byte*, kBatchMax> bytes_;
    std::array<std::uint64_t, kBatchMax> keys_;
  };

  LanewayProducer<KeyedElement> producer(std::uint32_t) {
    return LanewayProducer<KeyedElement>(laneway_.queue);
  }
  Consumer consumer(std::uint32_t) { return Consumer(value_of(laneway_.queue.consumer())); }

 private:
  LanewayQueue laneway_;
};

// A hand-off queue is one ring, whatever the number of shards.
class LanewayHandoff {
 public:
  static constexpr Guarantees kGuarantees{"FIFO", "yes", "yes", "no"};
  static constexpr OrderPromise kOrder = OrderPromise::per_producer;

  explicit LanewayHandoff(const Shape&)
      : laneway_({.kind = QueueKind::handoff, .capacity = kCapacity}) {}

  class Consumer {
   public:
    explicit Consumer(laneway::Consumer consumer) : consumer_(std::move(consumer)) {}

    std::size_t consume(std::size_t max,
                        Verifier& verifier,
                        std::chrono::milliseconds wait = std::chrono::milliseconds(0)) {
      const std::size_t count =
          value_of(consumer_.take(batch_, {.max = static_cast<std::uint32_t>(max), .wait = wait}));
      for (std::size_t i = 0; i < count; ++i) {
        verifier.take(batch_.payload(i).data());
      }
      return count;
    }

   private:
    laneway::Consumer consumer_;
    MessageBatch batch_;
  };

  LanewayProducer<Payload> producer(std::uint32_t) {
    return LanewayProducer<Payload>(laneway_.queue);
  }
  Consumer consumer(std::uint32_t) { return Consumer(value_of(laneway_.queue.consumer())); }

 private:
  LanewayQueue laneway_;
};

}  // namespace laneway::bench

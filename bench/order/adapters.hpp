// Thin adapters of hand-off queues: an End a thread, push answers false when it is full, pop when
// it is empty. A pop that is two calls (kPopsInTwo) is not judged when it says so: the second may
// hide what others have just done.
#pragma once

#include <laneway/engine.hpp>

#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <type_traits>

#ifdef BENCH_HAVE_MOODYCAMEL
#include <concurrentqueue/concurrentqueue.h>
#endif
#ifdef BENCH_HAVE_BOOST
#include <boost/lockfree/queue.hpp>
#endif
#ifdef BENCH_HAVE_TBB
#include <tbb/concurrent_queue.h>
#endif

namespace laneway::bench {

constexpr std::size_t kOrderCapacity = 1'024;

// As the queue's own documentation tells it.
enum class Promise { fifo, per_producer };

template <QueueKind kKind>
class LanewayOrder {
 public:
  static constexpr bool kFifo = kKind == QueueKind::handoff;
  static constexpr const char* kName =
      kFifo ? "laneway, `handoff`" : "laneway, `by_key`, the producer as key";
  static constexpr Promise kPromise = kFifo ? Promise::fifo : Promise::per_producer;
  static constexpr bool kPopsInTwo = !kFifo;

  class End {
   public:
    End(LanewayOrder& all, unsigned thread)
        : queue_(all.queue_),
          consumer_(*queue_.consumer()),
          key_(kFifo ? "" : std::to_string(thread)) {}
    bool push(std::uint64_t message) {
      return queue_.publish({.key = key_, .payload = Bytes(&message, sizeof message)}).has_value();
    }
    bool pop(std::uint64_t* message) {
      if constexpr (kFifo) {
        if (*consumer_.take(batch_) == 0) {
          return false;
        }
        std::memcpy(message, batch_.payload(0).data(), sizeof *message);
        return true;
      } else {
        LeaseBatch leases = *consumer_.receive();
        while (leases.empty() && leases.shards_skipped() != 0) {
          leases = *consumer_.receive();  // it does not say that there is nothing
        }
        if (leases.empty()) {
          return false;
        }
        std::memcpy(message, leases[0].payload().data(), sizeof *message);
        return leases.ack() == 1;
      }
    }

   private:
    Queue queue_;
    Consumer consumer_;
    std::string key_;
    MessageBatch batch_;
  };

 private:
  Engine engine_ = *Engine::open();
  Queue queue_ = *engine_.queue("order", {.kind = kKind, .capacity = kOrderCapacity, .shards = 4});
};

#ifdef BENCH_HAVE_MOODYCAMEL
class MoodycamelOrder {
 public:
  static constexpr const char* kName = "moodycamel::ConcurrentQueue";
  static constexpr Promise kPromise = Promise::per_producer;
  struct End {
    End(MoodycamelOrder& all, unsigned) : queue(all.queue_) {}
    bool push(std::uint64_t message) { return queue.enqueue(message); }
    bool pop(std::uint64_t* message) { return queue.try_dequeue(*message); }
    moodycamel::ConcurrentQueue<std::uint64_t>& queue;
  };

 private:
  moodycamel::ConcurrentQueue<std::uint64_t> queue_{kOrderCapacity};
};

class MoodycamelTokensOrder {
 public:
  static constexpr const char* kName = "moodycamel::ConcurrentQueue, with tokens";
  static constexpr Promise kPromise = Promise::per_producer;
  struct End {
    End(MoodycamelTokensOrder& all, unsigned)
        : queue(all.queue_), producer(queue), consumer(queue) {}
    bool push(std::uint64_t message) { return queue.enqueue(producer, message); }
    bool pop(std::uint64_t* message) { return queue.try_dequeue(consumer, *message); }
    moodycamel::ConcurrentQueue<std::uint64_t>& queue;
    moodycamel::ProducerToken producer;
    moodycamel::ConsumerToken consumer;
  };

 private:
  moodycamel::ConcurrentQueue<std::uint64_t> queue_{kOrderCapacity};
};
#endif

#ifdef BENCH_HAVE_BOOST
class BoostOrder {
 public:
  static constexpr const char* kName = "boost::lockfree::queue";
  static constexpr Promise kPromise = Promise::fifo;
  struct End {
    End(BoostOrder& all, unsigned) : queue(all.queue_) {}
    bool push(std::uint64_t message) { return queue.push(message); }
    bool pop(std::uint64_t* message) { return queue.pop(*message); }
    boost::lockfree::queue<std::uint64_t, boost::lockfree::fixed_sized<true>>& queue;
  };

 private:
  boost::lockfree::queue<std::uint64_t, boost::lockfree::fixed_sized<true>> queue_{kOrderCapacity};
};
#endif

#ifdef BENCH_HAVE_TBB
template <class Queue>
class TbbOrder {
 public:
  static constexpr bool kBounded =
      std::is_same_v<Queue, tbb::concurrent_bounded_queue<std::uint64_t>>;
  static constexpr const char* kName =
      kBounded ? "oneTBB, concurrent_bounded_queue" : "oneTBB, concurrent_queue";
  static constexpr Promise kPromise = Promise::fifo;

  TbbOrder() {
    if constexpr (kBounded) {
      queue_.set_capacity(kOrderCapacity);
    }
  }
  struct End {
    End(TbbOrder& all, unsigned) : queue(all.queue_) {}
    bool push(std::uint64_t message) {
      if constexpr (kBounded) {
        return queue.try_push(message);
      } else {
        queue.push(message);
        return true;
      }
    }
    bool pop(std::uint64_t* message) { return queue.try_pop(*message); }
    Queue& queue;
  };

 private:
  Queue queue_;
};
#endif

// Wrong on purpose, once in a thousand messages: shows that the judge would see it.
enum class Fault { reorder, lose, repeat, hide };

template <Fault kFault>
class FaultyOrder {
 public:
  static constexpr const char* kNames[4] = {"reorders", "loses", "repeats", "hides"};
  static constexpr const char* kName = kNames[static_cast<std::size_t>(kFault)];
  static constexpr Promise kPromise = Promise::fifo;
  struct End {
    End(FaultyOrder& all, unsigned) : queue(all) {}
    bool push(std::uint64_t message) {
      const std::lock_guard lock(queue.mutex_);
      const bool wrong = ++queue.pushes_ % 1'000 == 0;
      if (wrong && kFault == Fault::reorder) {
        queue.messages_.push_front(message);
      } else if (!wrong || kFault != Fault::lose) {
        queue.messages_.push_back(message);
      }
      if (wrong && kFault == Fault::repeat) {
        queue.messages_.push_back(message);
      }
      return true;
    }
    bool pop(std::uint64_t* message) {
      const std::lock_guard lock(queue.mutex_);
      if (queue.messages_.empty() || (kFault == Fault::hide && ++queue.pops_ % 1'000 == 0)) {
        return false;
      }
      *message = queue.messages_.front();
      queue.messages_.pop_front();
      return true;
    }
    FaultyOrder& queue;
  };

 private:
  std::mutex mutex_;
  std::deque<std::uint64_t> messages_;
  std::uint64_t pushes_ = 0;
  std::uint64_t pops_ = 0;
};

}  // namespace laneway::bench

// The judge of histories in front of hand-off queues: several producers, several consumers, each
// message once. Prints a row a queue: what it promises, and what was seen.
//
//   laneway_order [MESSAGES]
//
// Every history is judged twice. With the producer as key: are a producer's messages taken in its
// order? With one key for all: also those of different producers, when one publish returned before
// the other began? That is the order of a queue in the strict sense.
#include <laneway/engine.hpp>

#include "tools/check/check.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

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
namespace {

constexpr unsigned kProducers = 3;
constexpr unsigned kConsumers = 3;
constexpr std::size_t kCapacity = 1024;

// --- adapters: push answers false when it is full, pop when it is empty ------------------------

class LanewayHandoff {
 public:
  static constexpr const char* kName = "laneway, `handoff`";
  static constexpr const char* kPromise = "first in, first out";

  LanewayHandoff()
      : engine_(*Engine::open()),
        queue_(*engine_.queue("order", {.kind = QueueKind::handoff, .capacity = kCapacity})) {}

  class End {
   public:
    explicit End(LanewayHandoff& all) : queue_(all.queue_), consumer_(*queue_.consumer()) {}
    bool push(std::uint64_t message) {
      return queue_.publish({.payload = Bytes(&message, sizeof message)}).has_value();
    }
    bool pop(std::uint64_t* message) {
      const Result<std::size_t> taken = consumer_.take(batch_);
      if (!taken || *taken == 0) {
        return false;
      }
      std::memcpy(message, batch_.payload(0).data(), sizeof *message);
      return true;
    }

   private:
    Queue queue_;
    Consumer consumer_;
    MessageBatch batch_;
  };

 private:
  Engine engine_;
  Queue queue_;
};

#ifdef BENCH_HAVE_MOODYCAMEL
class Moodycamel {
 public:
  static constexpr const char* kName = "moodycamel::ConcurrentQueue";
  static constexpr const char* kPromise = "order of each producer";
  struct End {
    explicit End(Moodycamel& all) : queue(all.queue_) {}
    bool push(std::uint64_t message) { return queue.enqueue(message); }
    bool pop(std::uint64_t* message) { return queue.try_dequeue(*message); }
    moodycamel::ConcurrentQueue<std::uint64_t>& queue;
  };

 private:
  moodycamel::ConcurrentQueue<std::uint64_t> queue_{kCapacity};
};
#endif

#ifdef BENCH_HAVE_BOOST
class BoostLockfree {
 public:
  static constexpr const char* kName = "boost::lockfree::queue";
  static constexpr const char* kPromise = "first in, first out";
  struct End {
    explicit End(BoostLockfree& all) : queue(all.queue_) {}
    bool push(std::uint64_t message) { return queue.bounded_push(message); }
    bool pop(std::uint64_t* message) { return queue.pop(*message); }
    boost::lockfree::queue<std::uint64_t>& queue;
  };

 private:
  boost::lockfree::queue<std::uint64_t> queue_{kCapacity};
};
#endif

#ifdef BENCH_HAVE_TBB
class Tbb {
 public:
  static constexpr const char* kName = "oneTBB, tbb::concurrent_queue";
  static constexpr const char* kPromise = "order of each producer";
  struct End {
    explicit End(Tbb& all) : queue(all.queue_) {}
    bool push(std::uint64_t message) {
      queue.push(message);
      return true;
    }
    bool pop(std::uint64_t* message) { return queue.try_pop(*message); }
    tbb::concurrent_queue<std::uint64_t>& queue;
  };

 private:
  tbb::concurrent_queue<std::uint64_t> queue_;
};
#endif

// --- the run ----------------------------------------------------------------------------------

std::atomic<std::uint64_t> stamps{0};

std::uint64_t stamp() {
  return stamps.fetch_add(1) + 1;
}

// A message is its number: producer, then how many before it.
std::uint64_t number_of(unsigned producer, std::uint64_t sequence) {
  return sequence * kProducers + producer + 1;
}

template <class System>
check::History record(std::uint64_t messages) {
  using check::Event;
  auto system = std::make_unique<System>();
  const std::uint64_t each = messages / kProducers;
  std::vector<std::vector<Event>> written(kProducers + kConsumers);
  std::atomic<std::uint64_t> taken{0};
  std::barrier start(kProducers + kConsumers);
  std::vector<std::thread> threads;
  for (unsigned producer = 0; producer < kProducers; ++producer) {
    threads.emplace_back([&, producer] {
      typename System::End end(*system);
      std::vector<Event>& events = written[producer];
      events.reserve(each);
      start.arrive_and_wait();
      for (std::uint64_t i = 0; i < each; ++i) {
        Event event;
        event.thread = producer;
        event.message = number_of(producer, i);
        for (bool pushed = false; !pushed;) {
          event.invoke = stamp();
          pushed = end.push(event.message);
          if (!pushed) {
            std::this_thread::yield();
          }
        }
        event.returned = stamp();
        events.push_back(event);
      }
    });
  }
  for (unsigned consumer = 0; consumer < kConsumers; ++consumer) {
    threads.emplace_back([&, consumer] {
      typename System::End end(*system);
      std::vector<Event>& events = written[kProducers + consumer];
      events.reserve(messages);
      start.arrive_and_wait();
      while (taken.load() < each * kProducers) {
        Event event;
        event.kind = check::Kind::take;
        event.thread = kProducers + consumer;
        event.attempt = 1;
        event.invoke = stamp();
        if (!end.pop(&event.message)) {
          std::this_thread::yield();
          continue;
        }
        event.returned = stamp();
        taken.fetch_add(1);
        events.push_back(event);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  check::History history;
  for (const auto& events : written) {
    history.events.insert(history.events.end(), events.begin(), events.end());
  }
  Event over;
  over.kind = check::Kind::over;
  over.invoke = stamp();
  over.returned = stamp();
  history.events.push_back(over);
  return history;
}

// Violations of S7, and of all others: invented, lost, twice.
struct Seen {
  std::uint64_t disorder = 0;
  std::uint64_t others = 0;
};

Seen judge(check::History history, bool by_producer) {
  for (check::Event& event : history.events) {
    if (event.message != 0) {
      event.key = by_producer ? 1 + (event.message - 1) % kProducers : 1;
    }
  }
  const check::Report report = check::check(history);
  Seen seen;
  for (const check::Violation& violation : report.violations) {
    (violation.invariant == 7 ? seen.disorder : seen.others) += 1;
  }
  // Only some violations are kept; what they are of, the rest will be too.
  if (report.broken > report.violations.size()) {
    (seen.others == 0 ? seen.disorder : seen.others) += report.broken - report.violations.size();
  }
  return seen;
}

template <class System>
void row(std::uint64_t messages) {
  const check::History history = record<System>(messages);
  const Seen of_producers = judge(history, true);
  const Seen of_all = judge(history, false);
  std::printf("| %s | %s | %llu | %llu | %llu | %llu |\n", System::kName, System::kPromise,
              static_cast<unsigned long long>(messages / kProducers * kProducers),
              static_cast<unsigned long long>(of_producers.others),
              static_cast<unsigned long long>(of_producers.disorder),
              static_cast<unsigned long long>(of_all.disorder));
  std::fflush(stdout);
}

}  // namespace
}  // namespace laneway::bench

int main(int count, char** values) {
  using namespace laneway::bench;
  const std::uint64_t messages = count > 1 ? std::strtoull(values[1], nullptr, 10) : 1'000'000;
  std::printf(
      "| queue | promises | messages | lost, invented or twice | out of a producer's order | "
      "out of order |\n|---|---|---|---|---|---|\n");
  row<LanewayHandoff>(messages);
#ifdef BENCH_HAVE_MOODYCAMEL
  row<Moodycamel>(messages);
#endif
#ifdef BENCH_HAVE_BOOST
  row<BoostLockfree>(messages);
#endif
#ifdef BENCH_HAVE_TBB
  row<Tbb>(messages);
#endif
  return 0;
}

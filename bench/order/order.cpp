// The judge of histories (tools/check) in front of hand-off queues: three producers, three
// consumers, each message once. Prints a row a queue: what it promises, and what was seen.
//
//   laneway_order [MESSAGES of each queue]
//
// Exit status: 0 when every queue kept its promise and each of four faulty ones was caught.
#include "bench/order/adapters.hpp"
#include "tools/check/check.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace laneway::bench {
namespace {

using check::Event;
using check::Kind;

constexpr std::uint64_t kProducers = 3;
constexpr unsigned kConsumers = 3;
constexpr std::uint64_t kRound = 150'000;               // messages that are judged at once
constexpr std::int64_t kAheadMax = 4 * kOrderCapacity;  // also where the queue has no bound

// Violations, by what they are called in the table.
struct Seen {
  std::uint64_t lost = 0;  // or invented, or twice
  std::uint64_t of_producer = 0;
  std::uint64_t between_producers = 0;
  std::uint64_t empty = 0;

  void operator+=(const Seen& other) {
    lost += other.lost;
    of_producer += other.of_producer;
    between_producers += other.between_producers;
    empty += other.empty;
  }
  bool kept(Promise promise) const {
    return lost == 0 && of_producer == 0 && (promise != Promise::fifo || between_producers == 0);
  }
};

template <class System>
class Round {
 public:
  check::History record() {
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < kProducers + kConsumers; ++thread) {
      threads.emplace_back([this, thread] {
        typename System::End end(*system_, thread);
        start_.arrive_and_wait();
        if (thread < kProducers) {
          produce(end, thread);
        } else {
          consume(end, thread);
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    take_rest();
    check::History history;
    for (const std::vector<Event>& events : written_) {
      history.events.insert(history.events.end(), events.begin(), events.end());
    }
    history.events.push_back(called(Kind::over, 0, [] { return true; }));
    return history;
  }

 private:
  template <class Call>
  Event called(Kind kind, unsigned thread, Call call) {
    Event event;
    event.kind = kind;
    event.thread = thread;
    event.attempt = kind == Kind::take ? 1 : 0;
    event.invoke = stamp_.fetch_add(1) + 1;
    event.answer = call() ? check::Answer::ok : check::Answer::full;
    event.returned = stamp_.fetch_add(1) + 1;
    return event;
  }

  void produce(typename System::End& end, unsigned producer) {
    std::vector<Event>& events = written_[producer];
    for (std::uint64_t i = 0; i < kRound / kProducers;) {
      const std::uint64_t message = i * kProducers + producer + 1;
      const Event event = called(Kind::publish, producer, [&] { return end.push(message); });
      if (event.answer != check::Answer::ok) {
        std::this_thread::yield();
        continue;
      }
      events.push_back(event);
      events.back().message = message;
      ++i;
      for (++ahead_; ahead_ > kAheadMax;) {
        std::this_thread::yield();
      }
    }
    ++produced_;
  }

  // Of several empty answers in a row one is written down.
  void consume(typename System::End& end, unsigned consumer) {
    std::vector<Event>& events = written_[consumer];
    bool empty = false;
    while (!empty || produced_ < kProducers) {
      const bool again = empty;
      const Event event = pop(end, consumer);
      empty = event.kind == Kind::receive;
      if (!empty || !again) {
        events.push_back(event);
      }
      if (empty) {
        std::this_thread::yield();
      }
    }
  }

  Event pop(typename System::End& end, unsigned consumer) {
    std::uint64_t message = 0;
    Event event = called(Kind::take, consumer, [&] { return end.pop(&message); });
    if (event.answer == check::Answer::ok) {
      event.message = message;
      --ahead_;
    } else {
      event.kind = Kind::receive;
      event.answer = check::Answer::ok;
      event.attempt = 0;
    }
    return event;
  }

  // What is left when all have gone: an empty answer is final now.
  void take_rest() {
    typename System::End end(*system_, kProducers + kConsumers);
    for (Event event = pop(end, 0); event.kind == Kind::take; event = pop(end, 0)) {
      written_.back().push_back(event);
    }
  }

  const std::unique_ptr<System> system_ = std::make_unique<System>();
  std::vector<std::vector<Event>> written_ =
      std::vector<std::vector<Event>>(kProducers + kConsumers);
  std::barrier<> start_{kProducers + kConsumers};
  std::atomic<std::uint64_t> stamp_{0};
  std::atomic<std::int64_t> ahead_{0};  // pushed and not yet popped
  std::atomic<std::uint64_t> produced_{0};
};

enum class Keys { producers, one };

// All violations, by invariant: what the report does not keep is of the kinds that it keeps.
std::array<std::uint64_t, check::kInvariants + 1> broken(check::History& history, Keys keys) {
  for (Event& event : history.events) {
    if (event.message != 0) {
      event.key = keys == Keys::one ? 1 : 1 + (event.message - 1) % kProducers;
    }
  }
  return check::check(history).broken_by;
}

Seen judge(check::History history) {
  const auto of_producers = broken(history, Keys::producers);
  const auto of_all = broken(history, Keys::one);
  Seen seen;
  seen.lost = of_producers[1] + of_producers[2];
  seen.empty = of_producers[12];
  seen.of_producer = of_producers[7];
  seen.between_producers = of_all[7] - std::min(of_all[7], of_producers[7]);
  return seen;
}

template <class System>
Seen see(std::uint64_t messages) {
  Seen seen;
  for (std::uint64_t done = 0; done < messages; done += kRound) {
    seen += judge(Round<System>().record());
  }
  return seen;
}

template <class System>
bool row(std::uint64_t messages) {
  const Seen seen = see<System>(messages);
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  const bool kept = seen.kept(System::kPromise);
  std::string empty = std::to_string(seen.empty);
  if constexpr (requires { System::kPopsInTwo; }) {
    empty = System::kPopsInTwo ? "-" : empty;
  }
  std::printf("| %s | %s | %llu | %llu | %llu | %llu | %s |%s\n", System::kName,
              System::kPromise == Promise::fifo ? "first in, first out" : "order of each producer",
              number((messages + kRound - 1) / kRound * kRound), number(seen.lost),
              number(seen.of_producer), number(seen.between_producers), empty.c_str(),
              kept ? "" : " BROKEN");
  std::fflush(stdout);
  return kept;
}

template <Fault kFault>
bool caught() {
  const Seen seen = see<FaultyOrder<kFault>>(kRound);
  const bool noticed = kFault == Fault::hide      ? seen.empty != 0
                       : kFault == Fault::reorder ? seen.of_producer + seen.between_producers != 0
                                                  : seen.lost != 0;
  if (!noticed) {
    std::printf("a queue that %s was not noticed\n", FaultyOrder<kFault>::kName);
  }
  return noticed;
}

bool run(std::uint64_t messages) {
  bool right = caught<Fault::reorder>();
  right &= caught<Fault::lose>();
  right &= caught<Fault::repeat>();
  right &= caught<Fault::hide>();
  std::printf(
      "| queue | promises | messages | lost, invented or twice | out of a producer's order | out "
      "of order between producers | empty beside a message |\n"
      "|---|---|---|---|---|---|---|\n");
  right &= row<LanewayOrder<QueueKind::handoff>>(messages);
  right &= row<LanewayOrder<QueueKind::by_key>>(messages);
#ifdef BENCH_HAVE_MOODYCAMEL
  right &= row<MoodycamelOrder>(messages);
  right &= row<MoodycamelTokensOrder>(messages);
#endif
#ifdef BENCH_HAVE_BOOST
  right &= row<BoostOrder>(messages);
#endif
#ifdef BENCH_HAVE_TBB
  right &= row<TbbOrder<tbb::concurrent_queue<std::uint64_t>>>(messages);
  right &= row<TbbOrder<tbb::concurrent_bounded_queue<std::uint64_t>>>(messages);
#endif
  return right;
}

}  // namespace
}  // namespace laneway::bench

int main(int count, char** values) {
  const std::uint64_t messages = count > 1 ? std::strtoull(values[1], nullptr, 10) : 1'000'000;
  return laneway::bench::run(messages) ? 0 : 1;
}

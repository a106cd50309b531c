// Producers, consumers and an operator on real threads write a history, which is judged by the
// fifteen invariants; S12 and S15, which ask what was available when, belong to the simulation. An
// operation is a message published, a lease settled or extended.
//
//   history_threads [--runs N] [--operations N] [--seed S]
#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include "tools/check/check.hpp"
#include "tools/check/history_text.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace laneway {
namespace {

using check::Answer;
using check::Event;
using check::Kind;
using std::chrono::milliseconds;

#if defined(NDEBUG)
constexpr std::uint64_t kRunsFloor = 10;
constexpr std::uint64_t kOperationsFloor = 1'000'000;
#else
constexpr std::uint64_t kRunsFloor = 2;  // assertions and sanitizers take their time
constexpr std::uint64_t kOperationsFloor = 50'000;
#endif

constexpr unsigned kProducers = 2;
constexpr unsigned kConsumers = 2;

Answer answer_of(Errc code) {
  switch (code) {
    case Errc::queue_full:
      return Answer::full;
    case Errc::lease_lost:
      return Answer::lost;
    default:
      return Answer::refused;
  }
}

// One counter gives all stamps: what returned before another call began has the lower one.
std::atomic<std::uint64_t> stamps{0};

class Writer {
 public:
  explicit Writer(std::uint32_t thread) : thread_(thread) {}

  Event begin(Kind kind) const {
    Event event;
    event.kind = kind;
    event.thread = thread_;
    event.began_ns = clock_.now().count();
    event.invoke = stamps.fetch_add(1) + 1;
    return event;
  }
  void finish(Event* event) const {
    event->returned = stamps.fetch_add(1) + 1;
    event->ended_ns = clock_.now().count();
  }
  void write(const Event& event) { events_.push_back(event); }
  const std::vector<Event>& events() const { return events_; }

 private:
  const std::uint32_t thread_;
  SteadyClock clock_;
  std::vector<Event> events_;
};

struct Kept {
  Lease lease;
  std::uint64_t number;
};

class Run {
 public:
  Run(std::uint64_t seed, std::uint64_t operations) : seed_(seed), operations_(operations) {
    std::mt19937_64 random(seed);
    static constexpr std::uint64_t kCapacities[] = {64, 1'024, 16'384};
    static constexpr std::uint32_t kShards[] = {1, 2, 4};
    static constexpr std::uint32_t kRuns[] = {1, 1, 8};
    options_.capacity = kCapacities[random() % 3];
    options_.shards = kShards[random() % 3];
    options_.run_max = kRuns[random() % 3];
    options_.on_failure = random() % 4 == 0 ? OnFailure::detach : OnFailure::hold;
    options_.backoff = {milliseconds(1), milliseconds(2), milliseconds(1)};
    options_.lease = milliseconds(5 + random() % 30);
    options_.dead_letters_max = 100'000;
    keys_ = random() % 2 == 0 ? 20 : 5'000;
    engine_ = std::make_unique<Engine>(*Engine::open());
    queue_ = std::make_unique<Queue>(*engine_->queue("history", options_));
  }

  check::History go() {
    std::deque<Writer> writers;
    for (std::uint32_t thread = 0; thread < kProducers + kConsumers + 1; ++thread) {
      writers.emplace_back(thread);
    }
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kProducers; ++i) {
      threads.emplace_back([this, i, &writers] { produce(i, writers[i]); });
    }
    for (unsigned i = 0; i < kConsumers; ++i) {
      threads.emplace_back(
          [this, i, &writers] { consume(seed_ + 100 + i, writers[kProducers + i]); });
    }
    operate(writers.back());
    for (std::thread& thread : threads) {
      thread.join();
    }
    list_dead(writers.back());
    Event over = writers.back().begin(Kind::over);
    writers.back().finish(&over);
    writers.back().write(over);

    check::History history;
    history.rules.hold = options_.on_failure == OnFailure::hold;
    history.rules.capacity = queue_->stats()->capacity;
    history.rules.shards = options_.shards;
    history.rules.attempts = options_.attempts_max;
    for (const Writer& writer : writers) {
      history.events.insert(history.events.end(), writer.events().begin(), writer.events().end());
    }
    return history;
  }
  std::uint64_t operations() const { return done_.load(); }

 private:
  bool more() const { return done_.load(std::memory_order_relaxed) < operations_; }
  void did(std::uint64_t count) { done_.fetch_add(count, std::memory_order_relaxed); }

  // The number, its key, and bytes that follow from both.
  static std::string payload_of(std::uint64_t message, std::uint64_t key) {
    std::string payload(16 + message % 90, static_cast<char>(message));
    std::memcpy(payload.data(), &message, sizeof message);
    std::memcpy(payload.data() + sizeof message, &key, sizeof key);
    return payload;
  }

  void produce(unsigned producer, Writer& writer) {
    std::mt19937_64 random(seed_ + producer);
    std::uint64_t made = 0;
    while (more()) {
      constexpr std::size_t kBatchMax = 8;
      const std::size_t size = random() % 4 == 0 ? 1 + random() % kBatchMax : 1;
      std::vector<std::string> keys(size);
      std::vector<std::string> payloads(size);
      std::vector<Message> messages(size);
      std::vector<Published> results(size);
      std::vector<Event> events(size);
      for (std::size_t i = 0; i < size; ++i) {
        // The square of a uniform number: some keys are much more frequent than others.
        const double draw = static_cast<double>(random() % 10'000) / 10'000;
        events[i].key = 1 + static_cast<std::uint64_t>(draw * draw * static_cast<double>(keys_));
        events[i].message = ++made * kProducers + producer;
        keys[i] = std::to_string(events[i].key);
        payloads[i] = payload_of(events[i].message, events[i].key);
        messages[i].key = keys[i];
        messages[i].payload = payloads[i];
      }
      Event call = writer.begin(Kind::publish);
      const Result<std::size_t> taken = queue_->publish(messages, results);
      writer.finish(&call);
      for (std::size_t i = 0; i < size; ++i) {
        Event event = call;
        event.key = events[i].key;
        event.message = events[i].message;
        event.index = static_cast<std::uint32_t>(i);
        event.answer = results[i].accepted() ? Answer::ok : answer_of(results[i].refused);
        writer.write(event);
        if (results[i].accepted()) {
          const std::lock_guard lock(ids_mutex_);
          ids_[results[i].id.value] = event.message;
        }
      }
      did(*taken);
      if (*taken != size) {
        std::this_thread::yield();
      }
    }
    producing_.fetch_sub(1);
  }

  void consume(std::uint64_t seed, Writer& writer) {
    std::mt19937_64 random(seed);
    Consumer consumer = *queue_->consumer();
    std::vector<Kept> kept;
    while (!over_.load()) {
      Event call = writer.begin(Kind::grant);
      Result<LeaseBatch> batch = consumer.receive(
          {.max = static_cast<std::uint32_t>(1 + random() % 32), .wait = milliseconds(2)});
      writer.finish(&call);
      call.until_ns = call.began_ns + std::chrono::nanoseconds(options_.lease).count();
      for (Lease& lease : *batch) {
        const std::uint64_t number =
            std::uint64_t{lease.id().shard()} << MessageId::kPositionBits | lease.fence();
        for (std::size_t i = 0; i < lease.size(); ++i) {
          write_grant(call, lease.message(i), number, i, writer);
        }
        settle(lease, number, random, writer, &kept);
      }
      if (kept.size() > 16 || (batch->empty() && !kept.empty())) {
        settle_as(kept.front().lease, kept.front().number, check::Verb::ack, writer);
        kept.erase(kept.begin());
      }
    }
    for (Kept& zombie : kept) {
      settle_as(zombie.lease, zombie.number, check::Verb::drop, writer);
    }
  }

  static void write_grant(const Event& call,
                          const MessageView& view,
                          std::uint64_t lease,
                          std::size_t place,
                          Writer& writer) {
    Event grant = call;
    std::memcpy(&grant.message, view.payload.data(), sizeof grant.message);
    std::memcpy(&grant.key, view.payload.data() + sizeof grant.message, sizeof grant.key);
    const bool intact = view.payload.text() == payload_of(grant.message, grant.key) &&
                        view.key == std::to_string(grant.key);
    grant.answer = intact ? Answer::ok : Answer::damaged;
    grant.lease = lease;
    grant.attempt = view.attempt;
    grant.index = static_cast<std::uint32_t>(place);
    writer.write(grant);
  }

  void settle(Lease& lease,
              std::uint64_t number,
              std::mt19937_64& random,
              Writer& writer,
              std::vector<Kept>* kept) {
    using check::Verb;
    const std::uint64_t dice = random() % 1000;
    if (dice < 5) {
      kept->push_back({std::move(lease), number});  // a zombie to be
      return;
    }
    if (dice < 15) {
      settle_as(lease, number, Verb::extend, writer);
    }
    const Verb verb = dice < 40   ? Verb::nack
                      : dice < 50 ? Verb::release
                      : dice < 53 ? Verb::reject
                      : dice < 60 ? Verb::drop
                                  : Verb::ack;
    settle_as(lease, number, verb, writer);
  }

  void settle_as(Lease& lease, std::uint64_t number, check::Verb verb, Writer& writer) {
    using check::Verb;
    did(1);
    Event event = writer.begin(Kind::settle);
    event.verb = verb;
    event.lease = number;
    Result<> answer;
    switch (verb) {
      case Verb::nack:
        event.due_ns = event.began_ns + 1'000'000;
        answer = lease.nack({.error = "by design", .after = milliseconds(1)});
        break;
      case Verb::release:
        answer = lease.release();
        break;
      case Verb::reject:
        answer = lease.reject();
        break;
      case Verb::extend:
        event.until_ns = event.began_ns + 20'000'000;
        answer = lease.extend(milliseconds(20));
        break;
      case Verb::drop:
        lease = Lease();
        break;
      default:
        answer = lease.ack();
        break;
    }
    writer.finish(&event);
    event.answer = verb == Verb::drop ? Answer::unknown
                   : answer           ? Answer::ok
                                      : answer_of(answer.error().code);
    writer.write(event);
    if (event.answer == Answer::lost && verb != Verb::extend) {
      settle_as(lease, number, Verb::drop, writer);
    }
  }

  // Looks now and then, and sees to it that everything comes to an end.
  void operate(Writer& writer) {
    std::mt19937_64 random(seed_ ^ 0x6f);
    for (;;) {
      Event event = writer.begin(Kind::stats);
      const Result<QueueStats> stats = queue_->stats();
      writer.finish(&event);
      event.message = stats->published;
      event.key = stats->ready + stats->blocked + stats->delayed + stats->leased + stats->dead;
      event.lease = stats->acked + stats->discarded + stats->expired + stats->cancelled;
      writer.write(event);
      if (producing_.load() == 0 && event.key == stats->dead) {
        break;
      }
      if (random() % 8 == 0) {
        replay_one(writer);
      }
      std::this_thread::sleep_for(milliseconds(2));
    }
    over_.store(true);
  }

  std::uint64_t message_of(MessageId id) {
    const std::lock_guard lock(ids_mutex_);
    const auto found = ids_.find(id.value);
    return found == ids_.end() ? 0 : found->second;
  }

  void replay_one(Writer& writer) {
    const Result<DeadLetterPage> page = queue_->dead_letters({.limit = 1});
    if (page->letters.empty() || message_of(page->letters[0].id) == 0) {
      return;
    }
    Event event = writer.begin(Kind::replay);
    event.message = message_of(page->letters[0].id);
    event.answer = queue_->replay(page->letters[0].id) ? Answer::ok : Answer::refused;
    writer.finish(&event);
    writer.write(event);
  }

  void list_dead(Writer& writer) {
    DeadLetterQuery query{.limit = 10'000};
    do {
      Event call = writer.begin(Kind::end);
      const Result<DeadLetterPage> page = queue_->dead_letters(query);
      writer.finish(&call);
      call.state = check::State::dead;
      for (std::size_t i = 0; i < page->letters.size(); ++i) {
        call.message = message_of(page->letters[i].id);
        call.index = static_cast<std::uint32_t>(i + 1);
        writer.write(call);
      }
      query.from = page->next;
    } while (query.from != 0);
  }

  const std::uint64_t seed_;
  const std::uint64_t operations_;
  QueueOptions options_;
  std::uint64_t keys_ = 0;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Queue> queue_;
  std::atomic<std::uint64_t> done_{0};
  std::atomic<unsigned> producing_{kProducers};
  std::atomic<bool> over_{false};
  std::mutex ids_mutex_;
  std::unordered_map<std::uint64_t, std::uint64_t> ids_;
};

bool judge(std::uint64_t seed, const check::History& history) {
  const check::Report report = check::check(history);
  if (report.holds()) {
    return true;
  }
  std::printf("history_threads: seed %llu, rules %s", static_cast<unsigned long long>(seed),
              check::rules_line(history.rules).c_str());
  for (const check::Violation& violation : report.violations) {
    std::printf("%s: %s\n", check::invariant_name(violation.invariant), violation.text.c_str());
    for (const Event* event : violation.events) {
      std::printf("  %s", check::event_line(*event).c_str());
    }
  }
  return false;
}

int run(int count, char** values) {
  std::uint64_t runs = kRunsFloor;
  std::uint64_t operations = kOperationsFloor;
  std::uint64_t seed = 0x5eed;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = values[i];
    const std::uint64_t number = std::strtoull(values[i + 1], nullptr, 0);
    (name == "--runs" ? runs : name == "--operations" ? operations : seed) = number;
  }
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  std::uint64_t events = 0;
  for (std::uint64_t i = 0; i < runs; ++i) {
    Run run(seed + i, operations);
    const check::History history = run.go();
    done += run.operations();
    events += history.events.size();
    if (!judge(seed + i, history)) {
      return 1;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const bool enough = runs >= kRunsFloor && done >= kRunsFloor * kOperationsFloor;
  std::printf(
      "history_threads: %llu runs, %llu operations, %llu events in %.1f s (floor %llu) "
      "seed 0x%llx %s\n",
      static_cast<unsigned long long>(runs), static_cast<unsigned long long>(done),
      static_cast<unsigned long long>(events), seconds.count(),
      static_cast<unsigned long long>(kRunsFloor * kOperationsFloor),
      static_cast<unsigned long long>(seed), enough ? "ok" : "TOO FEW");
  return enough ? 0 : 1;
}

}  // namespace
}  // namespace laneway

int main(int count, char** values) {
  return laneway::run(count, values);
}

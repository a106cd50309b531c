// R1: a share of all messages fails once and comes again after a millisecond. R2: consumers die
// with all their leases: how long until everything has come again, and how long did a single call
// take meanwhile? D3: how late delayed messages come. O5: leases extended, and extended again. I1:
// what a queue costs that waits for something far away.
#include <laneway/clock.hpp>

#include "bench/harness/gate.hpp"
#include "bench/harness/random.hpp"
#include "bench/peers/laneway_troubled.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/diy.hpp"
#endif

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace laneway::bench {
namespace {

using namespace std::chrono_literals;

std::int64_t thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// What a call takes: on the clock, which counts that somebody else had the core, and of the
// processor, which does not.
class CallTimes {
 public:
  template <class Call>
  auto operator()(Call call) {
    const SteadyClock::time_point before = SteadyClock::now();
    const std::int64_t cpu_before_ns = thread_cpu_ns();
    auto result = call();
    cpu_->record(thread_cpu_ns() - cpu_before_ns);
    wall_->record(std::chrono::nanoseconds(SteadyClock::now() - before).count());
    return result;
  }
  void report(Measurement* found) const {
    found->figures.push_back({"longest_call_us", static_cast<double>(wall_->max()) * 1e-3});
    found->figures.push_back({"longest_call_cpu_us", static_cast<double>(cpu_->max()) * 1e-3});
    found->histograms.push_back({"call", *wall_});
  }

 private:
  std::unique_ptr<Histogram> wall_ = std::make_unique<Histogram>();
  std::unique_ptr<Histogram> cpu_ = std::make_unique<Histogram>();
};

// Leases of a system that all run out: publishes, takes them all, then asks until all came again.
// A Subject has publish(from, count), lease_all_it_can() and ack_all_it_can(), each answers how
// many; and expire_all().
template <class Subject>
Measurement mass_expiry(std::uint32_t count) {
  Subject subject(count);
  std::uint32_t published = 0;
  std::uint32_t leased = 0;
  while (published < count || leased < count) {
    published += subject.publish(published, count);
    leased += subject.lease_all_it_can();
  }
  subject.expire_all();
  CallTimes times;
  const SteadyClock::time_point start = SteadyClock::now();
  SteadyClock::time_point first = start;
  std::uint32_t again = 0;
  while (again < count && SteadyClock::now() - start < 60s) {
    const std::uint32_t acked = times([&] { return subject.ack_all_it_can(); });
    if (again == 0) {
      first = SteadyClock::now();
    }
    again += acked;
  }
  Measurement found;
  found.messages = again;
  found.seconds = std::chrono::duration<double>(SteadyClock::now() - first).count();
  if (again != count) {
    found.violations = 1;
    found.first_violation = "not every message came again";
  }
  found.figures.push_back({"all_again_after_ms", found.seconds * 1e3});
  times.report(&found);
  return found;
}

std::vector<KeyedElement> elements_of(std::uint32_t from, std::uint32_t to) {
  std::vector<KeyedElement> elements(to - from);
  for (std::uint32_t i = from; i < to; ++i) {
    elements[i - from].key = KeySet::bytes_of(i);
    write_payload(elements[i - from].payload, MessageTag::make(0, i), i);
  }
  return elements;
}

// The time of the system, and so much more as it is told.
class JumpingClock final : public Clock {
 public:
  std::chrono::nanoseconds now() const noexcept override { return steady_.now() + ahead_; }
  void jump(std::chrono::nanoseconds by) { ahead_ += by; }

 private:
  laneway::SteadyClock steady_;
  std::chrono::nanoseconds ahead_{0};
};

// All of its leases run out at one moment, because its clock jumps; there is no driver thread, so
// the consumer's own calls do all the work.
class LanewayExpiring {
 public:
  static constexpr Guarantees kGuarantees{"per key", "yes", "yes", "yes, timer at 1 ms"};

  explicit LanewayExpiring(std::uint32_t count)
      : clock_(std::make_shared<JumpingClock>()),
        engine_(value_of(Engine::open({.driver = DriverMode::manual, .clock = clock_}))),
        queue_(value_of(engine_.queue("bench",
                                      {.capacity = std::uint64_t{2} * count,
                                       .shards = 1,
                                       .backoff = {.first = 1ms, .cap = 1ms},
                                       .lease = kLease}))),
        consumer_(value_of(queue_.consumer())),
        producer_(queue_) {}

  std::uint32_t publish(std::uint32_t from, std::uint32_t count) {
    const std::vector<KeyedElement> elements =
        elements_of(from, std::min<std::uint32_t>(count, from + kBatchMax));
    if (!elements.empty()) {
      producer_.publish(elements, waiter_);
    }
    return static_cast<std::uint32_t>(elements.size());
  }
  std::uint32_t lease_all_it_can() {
    held_.push_back(value_of(consumer_.receive({.max = LeaseBatch::kMax})));
    return static_cast<std::uint32_t>(held_.back().size());
  }
  void expire_all() { clock_->jump(kLease); }
  std::uint32_t ack_all_it_can() {
    LeaseBatch leases = value_of(consumer_.receive({.max = LeaseBatch::kMax}));
    return static_cast<std::uint32_t>(leases.ack());
  }

 private:
  static constexpr auto kLease = std::chrono::minutes(10);

  std::shared_ptr<JumpingClock> clock_;
  Engine engine_;
  Queue queue_;
  laneway::Consumer consumer_;
  LanewayProducer<KeyedElement> producer_;
  Waiter waiter_;
  std::vector<LeaseBatch> held_;  // of the consumer that died
};

#ifdef BENCH_HAVE_MOODYCAMEL
class DiyExpiring {
 public:
  static constexpr Guarantees kGuarantees = Diy<16>::kGuarantees;

  // Long enough to lease them all; what runs out before is only among those that come again.
  explicit DiyExpiring(std::uint32_t count)
      : queue_(count, 16, std::chrono::ceil<std::chrono::milliseconds>(100ms + count * 4us)) {}

  std::uint32_t publish(std::uint32_t from, std::uint32_t count) {
    return static_cast<std::uint32_t>(
        queue_.push(elements_of(from, std::min<std::uint32_t>(count, from + kBatchMax))));
  }
  std::uint32_t lease_all_it_can() { return static_cast<std::uint32_t>(receive()); }
  void expire_all() {}
  std::uint32_t ack_all_it_can() {
    return static_cast<std::uint32_t>(queue_.ack({leases_.data(), receive()}));
  }

 private:
  std::size_t receive() { return queue_.receive(leases_, 0us); }

  DiyLeaseQueue queue_;
  std::array<DiyLeaseQueue::Lease, DiyLeaseQueue::kBatch> leases_;
};
#endif

template <class Subject>
void add_mass_expiry(Cells& cells, const Who& who, std::uint32_t count, Profile profile) {
  Cell cell = cell_of<Subject>(
      {"redelivery", "R2", "mass_expiry_" + std::to_string(count) + "_leases"}, who, {1, 1, 64});
  cell.headline = {"longest_call_cpu_us",
                   false,
                   {"longest_call_us", "call_p99_us", "all_again_after_ms", "rate_M_per_s"}};
  cell.profile = profile;
  cell.run = [count](const RunOptions&) { return mass_expiry<Subject>(count); };
  cells.push_back(std::move(cell));
}

template <std::uint32_t kOfTenThousand>
void add_failing(Cells& cells, const char* workload, const Who& who, Profile profile) {
  cells.push_back(race_cell<LanewayRetrying<kOfTenThousand>, KeyedElement>(
      {"redelivery", "R1", workload}, who, {1, 1, 32}));
  cells.back().profile = profile;
}

// Delays from 1 ms to 200 ms, spread evenly over the octaves; a consumer that sleeps.
Measurement lateness(const RunOptions& options) {
  constexpr std::uint32_t kCount = 20'000;
  LanewayQueue laneway({.kind = QueueKind::unordered, .capacity = kCapacity, .shards = 1});
  laneway::Consumer consumer = value_of(laneway.queue.consumer());
  Random random(options.seed);
  std::vector<SteadyClock::time_point> due(kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::chrono::milliseconds delay(static_cast<int>(std::pow(200.0, random.share())));
    due[i] = SteadyClock::now() + delay;
    Payload payload;
    write_payload(payload, i, 0);
    (void)value_of(laneway.queue.publish(
        {.payload = Bytes(payload.words.data(), sizeof payload.words), .delay = delay}));
  }
  Measurement found;
  const auto late = std::make_unique<Histogram>();
  while (found.messages < kCount) {
    LeaseBatch leases = value_of(consumer.receive({.max = 32, .wait = 1000ms}));
    const SteadyClock::time_point now = SteadyClock::now();
    for (const Lease& lease : leases) {
      const Payload payload = load_payload(lease.payload().data());
      late->record(std::chrono::nanoseconds(now - due[payload.words[0]]).count());
    }
    found.messages += leases.ack();
  }
  found.violations = late->negatives();
  found.first_violation = found.violations != 0 ? "a delayed message came too early" : "";
  found.histograms.push_back({"latency", *late});
  return found;
}

// Leases in hand are extended, each ten times.
Measurement extensions() {
  constexpr std::uint32_t kLeases = 8'192;
  constexpr std::uint32_t kTimes = 10;
  LanewayQueue laneway({.capacity = kCapacity, .shards = 1});
  laneway::Consumer consumer = value_of(laneway.queue.consumer());
  LanewayProducer<KeyedElement> producer(laneway.queue);
  Waiter waiter;
  std::vector<LeaseBatch> held;
  for (std::uint32_t from = 0; from < kLeases; from += kBatchMax) {
    producer.publish(elements_of(from, from + kBatchMax), waiter);
    held.push_back(value_of(consumer.receive({.max = LeaseBatch::kMax})));
  }
  Measurement found;
  const std::int64_t cpu_before_ns = thread_cpu_ns();
  for (std::uint32_t time = 1; time <= kTimes; ++time) {
    for (LeaseBatch& leases : held) {
      for (Lease& lease : leases) {
        found.violations += lease.extend(std::chrono::minutes(time)) ? 0 : 1;
        ++found.messages;
      }
    }
  }
  found.figures.push_back(
      {"ns_per_extension",
       static_cast<double>(thread_cpu_ns() - cpu_before_ns) / static_cast<double>(found.messages)});
  return found;
}

// A queue in which one message waits, for thirty days or under its lease, and nobody asks for it.
Measurement idle(const RunOptions& options) {
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_SELF, &before);
  const double cpu_before = cpu_seconds();
  std::this_thread::sleep_for(options.measured);
  const double cpu = cpu_seconds() - cpu_before;
  getrusage(RUSAGE_SELF, &after);
  const double seconds = options.measured.count();
  Measurement found;
  found.figures.push_back({"cpu_ms_per_idle_second", cpu / seconds * 1e3});
  // One of them is this thread's.
  found.figures.push_back({"wakes_per_idle_second",
                           static_cast<double>(after.ru_nvcsw - before.ru_nvcsw - 1) / seconds});
  return found;
}

Measurement idle_laneway(const RunOptions& options) {
  LanewayQueue laneway({.capacity = kCapacity});
  (void)value_of(laneway.queue.publish({.payload = "later", .delay = std::chrono::hours(24 * 30)}));
  (void)value_of(laneway.queue.stats());  // its shard has looked at it
  return idle(options);
}

#ifdef BENCH_HAVE_MOODYCAMEL
Measurement idle_diy(const RunOptions& options) {
  DiyLeaseQueue queue(kCapacity, 16, std::chrono::hours(24 * 30));
  std::array<DiyLeaseQueue::Lease, 1> lease;
  (void)queue.push(elements_of(0, 1));
  (void)queue.receive(lease, 1ms);
  return idle(options);
}
#endif

using Cycle = LanewayCycle<QueueKind::by_key, Acks::as_received>;

void add_lone(Cells& cells,
              Place place,
              const Who& who,
              Headline headline,
              std::function<Measurement(const RunOptions&)> run) {
  Cell cell = cell_of<Cycle>(std::move(place), who, {1, 0, 1});
  cell.headline = std::move(headline);
  cell.run = std::move(run);
  cells.push_back(std::move(cell));
}

}  // namespace

void add_redelivery_cells(Cells& cells) {
  const Headline idle_costs{"cpu_ms_per_idle_second", false, {"wakes_per_idle_second"}};
  add_failing<10>(cells, "a_thousandth_fails_once", {"laneway"}, Profile::full);
  add_failing<0>(cells, "a_thousandth_fails_once", {"laneway_nothing_fails"}, Profile::full);
  add_failing<100>(cells, "a_hundredth_fails_once", {"laneway"}, Profile::brief);
  add_failing<0>(cells, "a_hundredth_fails_once", {"laneway_nothing_fails"}, Profile::brief);
  add_failing<1'000>(cells, "a_tenth_fails_once", {"laneway"}, Profile::full);
  add_failing<0>(cells, "a_tenth_fails_once", {"laneway_nothing_fails"}, Profile::full);
  add_mass_expiry<LanewayExpiring>(cells, {"laneway"}, 100'000, Profile::brief);
  add_mass_expiry<LanewayExpiring>(cells, {"laneway"}, 1'000'000, Profile::brief);
#ifdef BENCH_HAVE_MOODYCAMEL
  add_mass_expiry<DiyExpiring>(cells, {"diy16"}, 100'000, Profile::brief);
  add_mass_expiry<DiyExpiring>(cells, {"diy16"}, 1'000'000, Profile::full);
#endif
  add_lone(cells, {"redelivery", "D3", "delayed_messages"}, {"laneway"},
           {"p99_us", false, {"p50_us", "p999_us", "max_us"}}, lateness);
  add_lone(cells, {"redelivery", "O5", "leases_extended_ten_times"}, {"laneway"},
           {"ns_per_extension", false, {}}, [](const RunOptions&) { return extensions(); });
  add_lone(cells, {"redelivery", "I1", "idle_with_a_far_deadline"}, {"laneway"}, idle_costs,
           idle_laneway);
#ifdef BENCH_HAVE_MOODYCAMEL
  add_lone(cells, {"redelivery", "I1", "idle_with_a_far_deadline"}, {"diy16"}, idle_costs,
           idle_diy);
#endif
}

}  // namespace laneway::bench

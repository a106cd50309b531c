// OpenLoop: one producer that sends by a schedule fixed beforehand, and one consumer; how long
// after its planned sending did each message arrive?
//
// A late sender sends at once, skips nothing and leaves the plan as it is. Publishing and receiving
// are single calls. The consumer waits in one of three ways, the same for every system.
#pragma once

#include "bench/harness/arrivals.hpp"
#include "bench/harness/feed.hpp"
#include "bench/harness/gate.hpp"
#include "bench/harness/measurement.hpp"
#include "bench/harness/placement.hpp"
#include "bench/harness/run_options.hpp"
#include "bench/harness/schedule.hpp"
#include "bench/harness/subject.hpp"
#include "bench/harness/verifier.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>

namespace laneway::bench {

enum class Waiting {
  spin,    // asks again and again
  hybrid,  // asks for kSpin after the last message, then blocks
  block,   // blocks in the system's own call
};

template <class Subject, class Element>
class OpenLoop {
 public:
  OpenLoop(Subject& subject, const KeyPlan& keys, Waiting waiting, const RunOptions& options)
      : subject_(subject),
        plan_(keys),
        waiting_(waiting),
        options_(options),
        keys_(keys.keys),
        ledger_(keys.keys) {}

  Measurement run(double rate) {
    const Schedule schedule(rate, (options_.warm_up + options_.measured).count());
    const auto warm_up = static_cast<std::uint64_t>(rate * options_.warm_up.count());
    Measurement measurement;
    const double cpu_before = cpu_seconds();
    {
      std::jthread producer([&] { produce(schedule, measurement); });
      std::jthread consumer([&] { consume(schedule, warm_up, measurement); });
    }
    measurement.cpu_seconds = cpu_seconds() - cpu_before;
    measurement.figures.push_back({"offered_per_s", rate});
    return measurement;
  }

 private:
  static constexpr auto kSpin = std::chrono::microseconds(50);
  static constexpr auto kBlock = std::chrono::milliseconds(100);
  static constexpr auto kPatience = std::chrono::seconds(20);

  void produce(const Schedule& schedule, Measurement& measurement) {
    place_thread(options_.placement, 0, "producer");
    Feed feed(keys_, {.producer = 0, .producers = 1}, plan_.draw, options_.seed);
    auto port = subject_.producer(0);
    auto lag = std::make_unique<Histogram>();
    Waiter waiter;
    Element element;
    const SteadyClock::time_point start = gate_.pass();
    for (std::uint64_t number = 0; number < schedule.count(); ++number) {
      feed.write(element);
      const std::int64_t planned_ns = schedule.planned_ns(number);
      std::int64_t now_ns = 0;
      while ((now_ns = std::chrono::nanoseconds(SteadyClock::now() - start).count()) < planned_ns) {
        pause_cpu();
      }
      lag->record(now_ns - planned_ns);
      stamp_payload(payload_of(element), now_ns);
      port.publish({&element, 1}, waiter);
    }
    all_sent_.store(true, std::memory_order_release);
    measurement.publish_waits = waiter.waits();
    measurement.histograms.push_back({"send_lag", *lag});
    sent_digest_ = feed.digest();
    gate_.pass();
  }

  void consume(const Schedule& schedule, std::uint64_t warm_up, Measurement& measurement) {
    place_thread(options_.placement, 1, "consumer");
    auto port = subject_.consumer(0);
    Verifier verifier(Subject::kOrder, 1, ledger_);
    const double cpu_before = thread_cpu_seconds();
    const SteadyClock::time_point start = gate_.pass();
    const bool marked = plan_.draw == KeyPlan::Draw::one_marked;
    auto arrivals = std::make_unique<Arrivals>(schedule, start, Arrivals::Skip{warm_up, marked});
    verifier.time_arrivals(arrivals.get());
    receive_all(port, verifier, schedule.count(), start);
    const double cpu = thread_cpu_seconds() - cpu_before;
    gate_.pass();  // from here on this thread alone writes the measurement
    conclude(verifier, *arrivals, measurement);
    measurement.seconds = std::chrono::duration<double>(arrivals->last() - start).count();
    const auto count = static_cast<double>(schedule.count());
    measurement.figures.push_back({"achieved_per_s", count / measurement.seconds});
    measurement.figures.push_back({"consumer_cpu_s_per_million", cpu / count * 1e6});
  }

  template <class Port>
  void receive_all(Port& port,
                   Verifier& verifier,
                   std::uint64_t count,
                   SteadyClock::time_point last) {
    if constexpr (requires { port.keep(true); }) {
      port.keep(true);
    }
    while (verifier.count() < count) {
      const bool all_sent = all_sent_.load(std::memory_order_acquire);
      if (receive(port, verifier, last) != 0) {
        last = SteadyClock::now();
        continue;
      }
      if constexpr (requires { port.keep(false); }) {
        port.keep(!all_sent);
      }
      if (SteadyClock::now() - last > kPatience) {
        give_up(count, verifier.count());
      }
    }
  }

  template <class Port>
  std::size_t receive(Port& port, Verifier& verifier, SteadyClock::time_point last) {
    if constexpr (requires { port.consume(1, verifier, kBlock); }) {
      if (waiting_ == Waiting::block ||
          (waiting_ == Waiting::hybrid && SteadyClock::now() - last > kSpin)) {
        return port.consume(1, verifier, kBlock);
      }
    }
    pause_cpu();
    return port.consume(1, verifier);
  }

  void conclude(const Verifier& verifier,
                const Arrivals& arrivals,
                Measurement& measurement) const {
    measurement.messages = verifier.count();
    measurement.violations = verifier.violations() + arrivals.latency().negatives();
    measurement.first_violation = verifier.first_violation();
    if (arrivals.latency().negatives() != 0) {
      measurement.first_violation += " a message came before it was sent";
    }
    if (verifier.digest() != sent_digest_) {
      ++measurement.violations;
      measurement.first_violation += " the messages received are not those that were sent";
    }
    measurement.histograms.push_back({"latency", arrivals.latency()});
    measurement.histograms.push_back({"service", arrivals.service()});
  }

  Subject& subject_;
  const KeyPlan plan_;
  const Waiting waiting_;
  const RunOptions options_;
  const KeySet keys_;
  KeyLedger ledger_;
  Gate gate_{2};
  std::uint64_t sent_digest_ = 0;
  std::atomic<bool> all_sent_{false};
};

}  // namespace laneway::bench

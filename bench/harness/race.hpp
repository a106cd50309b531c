// Race: the producers and consumers of one run. Warm-up first, then the measured part, on the same
// threads and the same system; both end only when everything published has been delivered.
// The clock runs from the opening of the gate to the last delivery, not to the last send.
//
// A consumer may keep messages back on purpose (a stuck key), until nothing else is left to
// deliver. What comes after that is verified, but neither counted nor timed.
#pragma once

#include "bench/harness/feed.hpp"
#include "bench/harness/gate.hpp"
#include "bench/harness/measurement.hpp"
#include "bench/harness/placement.hpp"
#include "bench/harness/run_options.hpp"
#include "bench/harness/subject.hpp"
#include "bench/harness/verifier.hpp"
#include "bench/harness/waiter.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

namespace laneway::bench {

template <class Subject, class Element>
class Race {
 public:
  Race(Subject& subject, const Shape& shape, const RunOptions& options)
      : subject_(subject),
        shape_(shape),
        options_(options),
        keys_(shape.keys.keys),
        ledger_(shape.keys.keys),
        published_(shape.producers),
        delivered_(shape.consumers),
        start_(shape.producers + shape.consumers + 1),
        end_(static_cast<std::ptrdiff_t>(shape.producers + shape.consumers + 1)) {
    for (std::uint32_t i = 0; i < shape.producers; ++i) {
      feeds_.emplace_back(keys_, Feed::Part{i, shape.producers}, shape.keys.draw, options.seed);
    }
    verifiers_.assign(shape.consumers, Verifier(Subject::kOrder, shape.producers, ledger_));
    last_delivery_.resize(shape.consumers);
  }

  Measurement run() {
    std::vector<std::jthread> threads;
    for (std::uint32_t i = 0; i < shape_.producers; ++i) {
      threads.emplace_back([this, i] {
        place_thread(options_.placement, i, "producer");
        produce(i);
      });
    }
    for (std::uint32_t i = 0; i < shape_.consumers; ++i) {
      threads.emplace_back([this, i] {
        place_thread(options_.placement, shape_.producers + i, "consumer");
        consume(i);
      });
    }
    (void)drive(options_.warm_up, lap());
    Measurement measurement = drive(options_.measured, 0);
    threads.clear();
    conclude(measurement);
    return measurement;
  }

 private:
  static constexpr int kPhases = 2;
  static constexpr auto kPatience = std::chrono::seconds(20);

  struct alignas(128) Counter {
    std::atomic<std::uint64_t> value{0};
  };

  // Messages of the warm-up, at the least: one lap of every ring. A server has none.
  static constexpr std::uint64_t lap() {
    return requires {
      typename Subject::OverTheWire;
    }
    ? 0 : kCapacity;
  }

  static std::uint64_t sum(const std::vector<Counter>& counters) {
    std::uint64_t total = 0;
    for (const Counter& counter : counters) {
      total += counter.value.load(std::memory_order_acquire);
    }
    return total;
  }

  // The conductor's side of one phase.
  Measurement drive(std::chrono::duration<double> length, std::uint64_t messages_min) {
    const std::uint64_t before = sum(delivered_);
    const std::uint64_t waits_before = publish_waits_.load();
    stop_.store(false);
    producing_.store(shape_.producers);
    running_.store(shape_.producers + shape_.consumers);
    const double cpu_before = cpu_seconds();
    const SteadyClock::time_point opened = start_.pass();
    std::this_thread::sleep_for(length);
    while (sum(published_) - before < messages_min && SteadyClock::now() - opened < kPatience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    stop_.store(true);
    const SteadyClock::time_point stopped = SteadyClock::now();
    while (running_.load() != 0) {
      if (SteadyClock::now() - stopped > kPatience) {
        give_up(sum(published_), sum(delivered_));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    Measurement measurement;
    measurement.cpu_seconds = cpu_seconds() - cpu_before;
    measurement.messages = sum(delivered_) - before - late_.exchange(0);
    measurement.publish_waits = publish_waits_.load() - waits_before;
    const auto last = *std::max_element(last_delivery_.begin(), last_delivery_.end());
    measurement.seconds = std::chrono::duration<double>(last - opened).count();
    end_.arrive_and_wait();
    return measurement;
  }

  void produce(std::uint32_t index) {
    Feed& feed = feeds_[index];
    std::atomic<std::uint64_t>& published = published_[index].value;
    auto port = subject_.producer(index);
    Waiter waiter;
    std::array<Element, kBatchMax> elements;
    const std::span<Element> batch(elements.data(), shape_.batch);
    for (int phase = 0; phase < kPhases; ++phase) {
      const std::uint64_t waits_before = waiter.waits();
      start_.pass();
      while (!stop_.load(std::memory_order_relaxed)) {
        for (Element& element : batch) {
          feed.write(element);
        }
        port.publish(batch, waiter);
        published.store(feed.written(), std::memory_order_release);
      }
      publish_waits_.fetch_add(waiter.waits() - waits_before);
      producing_.fetch_sub(1);
      running_.fetch_sub(1);
      end_.arrive_and_wait();
    }
  }

  void consume(std::uint32_t index) {
    Verifier& verifier = verifiers_[index];
    auto port = subject_.consumer(index);
    for (int phase = 0; phase < kPhases; ++phase) {
      last_delivery_[index] = start_.pass();
      drain(port, verifier, delivered_[index].value, last_delivery_[index]);
      running_.fetch_sub(1);
      end_.arrive_and_wait();
    }
  }

  // Until the producers have stopped and all consumers together have everything. `last` becomes the
  // moment at which this one first found nothing after its last delivery.
  template <class Port>
  void drain(Port& port,
             Verifier& verifier,
             std::atomic<std::uint64_t>& delivered,
             SteadyClock::time_point& last) {
    if constexpr (requires { port.keep(true); }) {
      port.keep(true);
    }
    Waiter waiter;
    bool noted = true;
    for (;;) {
      if (port.consume(shape_.batch, verifier) != 0) {
        delivered.store(verifier.count(), std::memory_order_release);
        waiter.progressed();
        noted = false;
        continue;
      }
      if (producing_.load(std::memory_order_acquire) == 0) {
        if (!noted) {
          last = SteadyClock::now();
          noted = true;
        }
        if (sum(delivered_) == sum(published_)) {
          return;
        }
        if constexpr (requires { port.keep(false); }) {
          release(port, verifier, delivered);
          return;
        }
      }
      waiter.wait();
    }
  }

  // One consumer only: whatever is left is what it kept.
  template <class Port>
  void release(Port& port, Verifier& verifier, std::atomic<std::uint64_t>& delivered) {
    const std::uint64_t in_time = verifier.count();
    port.keep(false);
    Waiter waiter;
    while (sum(delivered_) != sum(published_)) {
      if (port.consume(shape_.batch, verifier) == 0) {
        waiter.wait();
      }
      delivered.store(verifier.count(), std::memory_order_release);
    }
    late_.store(verifier.count() - in_time);
  }

  void conclude(Measurement& measurement) const {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (const Feed& feed : feeds_) {
      sent += feed.digest();
    }
    for (const Verifier& verifier : verifiers_) {
      received += verifier.digest();
      measurement.violations += verifier.violations();
      if (measurement.first_violation.empty()) {
        measurement.first_violation = verifier.first_violation();
      }
    }
    if (sent != received) {
      ++measurement.violations;
      measurement.first_violation += " the messages received are not those that were sent";
    }
  }

  Subject& subject_;
  const Shape shape_;
  const RunOptions options_;
  const KeySet keys_;
  KeyLedger ledger_;
  std::vector<Feed> feeds_;
  std::vector<Verifier> verifiers_;
  std::vector<Counter> published_;
  std::vector<Counter> delivered_;
  std::vector<SteadyClock::time_point> last_delivery_;
  Gate start_;
  std::barrier<> end_;  // sleeps: who is done must not take time from who still drains
  alignas(128) std::atomic<bool> stop_{false};
  alignas(128) std::atomic<std::uint32_t> producing_{0};
  std::atomic<std::uint32_t> running_{0};
  std::atomic<std::uint64_t> publish_waits_{0};
  std::atomic<std::uint64_t> late_{0};
};

}  // namespace laneway::bench

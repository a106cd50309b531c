// Backlog: keeps an unbounded queue near the common capacity, at next to no cost for it.
// Each producer may be its share of the capacity ahead of the consumers; it looks at their counters
// only once in kLook elements.
#pragma once

#include "bench/harness/subject.hpp"
#include "bench/harness/waiter.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace laneway::bench {

class Backlog {
  struct alignas(128) Counter {
    std::atomic<std::uint64_t> value{0};
  };

 public:
  explicit Backlog(const Shape& shape) : published_(shape.producers), consumed_(shape.consumers) {}

  class Producer {
   public:
    Producer(Backlog& backlog, std::uint32_t index)
        : backlog_(backlog), published_(backlog.published_[index].value) {}

    // Before `count` more elements are published.
    void await_room(std::size_t count, Waiter& waiter) {
      since_look_ += count;
      if (since_look_ < kLook) {
        return;
      }
      published_.fetch_add(since_look_, std::memory_order_relaxed);
      since_look_ = 0;
      while (sum(backlog_.published_) > sum(backlog_.consumed_) + kCapacity) {
        waiter.wait();
      }
    }

   private:
    static constexpr std::uint64_t kLook = 4096;

    Backlog& backlog_;
    std::atomic<std::uint64_t>& published_;
    std::uint64_t since_look_ = 0;
  };

  class Consumer {
   public:
    Consumer(Backlog& backlog, std::uint32_t index) : consumed_(backlog.consumed_[index].value) {}
    void consumed(std::size_t count) {
      total_ += count;
      consumed_.store(total_, std::memory_order_relaxed);
    }

   private:
    std::atomic<std::uint64_t>& consumed_;
    std::uint64_t total_ = 0;
  };

  Producer producer(std::uint32_t index) { return Producer(*this, index); }
  Consumer consumer(std::uint32_t index) { return Consumer(*this, index); }

 private:
  static std::uint64_t sum(const std::vector<Counter>& counters) {
    std::uint64_t total = 0;
    for (const Counter& counter : counters) {
      total += counter.value.load(std::memory_order_relaxed);
    }
    return total;
  }

  std::vector<Counter> published_;
  std::vector<Counter> consumed_;
};

}  // namespace laneway::bench

// laneway with a journal, in a folder of its own beside the program: a file system in memory would
// make every level look free.
#pragma once

#include "bench/harness/histogram.hpp"
#include "bench/peers/laneway.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace laneway::bench {

class JournalFolder {
 public:
  JournalFolder()
      : path_(std::filesystem::read_symlink("/proc/self/exe").string() + ".journal." +
              std::to_string(::getpid())) {
    std::filesystem::create_directories(path_);
  }
  JournalFolder(const JournalFolder&) = delete;
  JournalFolder& operator=(const JournalFolder&) = delete;
  ~JournalFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  EngineOptions options() const { return {.journal = {.directory = path_.string()}}; }

 private:
  std::filesystem::path path_;
};

template <Durability kDurability>
class LanewayDurable {
  using Cycle = LanewayCycle<QueueKind::by_key, Acks::as_received>;

 public:
  static constexpr Guarantees kGuarantees{"per key", "yes", "yes", "yes, journal"};
  static constexpr OrderPromise kOrder = OrderPromise::per_key;
  using OverTheWire = void;  // to the disk: no lap of the ring before the clock runs
  using Consumer = Cycle::Consumer;

  explicit LanewayDurable(const Shape& shape)
      : laneway_({.capacity = shape.capacity, .shards = shape.shards, .durability = kDurability},
                 kDurability == Durability::none ? EngineOptions{} : folder_.options()) {}

  // Times each call: of Durability::sync a publish returns when the disk has it.
  class Producer {
   public:
    Producer(Queue queue, Histogram& times) : inner_(std::move(queue)), times_(times) {}

    void publish(std::span<const KeyedElement> elements, Waiter& waiter) {
      const SteadyClock::time_point start = SteadyClock::now();
      inner_.publish(elements, waiter);
      times_.record(std::chrono::nanoseconds(SteadyClock::now() - start).count());
    }

   private:
    LanewayProducer<KeyedElement> inner_;
    Histogram& times_;
  };

  Producer producer(std::uint32_t) {
    const std::lock_guard lock(mutex_);
    return Producer(laneway_.queue, *times_.emplace_back(std::make_unique<Histogram>()));
  }
  Consumer consumer(std::uint32_t) { return Consumer(value_of(laneway_.queue.consumer())); }

  Engine& engine() { return laneway_.engine; }
  Queue& queue() { return laneway_.queue; }
  // How long publish calls took, of all producers.
  std::unique_ptr<Histogram> publish_times() const {
    auto all = std::make_unique<Histogram>();
    for (const auto& times : times_) {
      all->add(*times);
    }
    return all;
  }

 private:
  JournalFolder folder_;
  LanewayQueue laneway_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Histogram>> times_;
};

}  // namespace laneway::bench

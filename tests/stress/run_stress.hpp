// Runs the scenarios of tests/model on real threads, also under ThreadSanitizer: the twins of the
// models. A scenario is played again and again with as many threads as it has, pausing at random at
// the stall points. Each prints one line.
//
//   stress_<thing> [--seed N] [--seconds N]
#pragma once

#include "engine/base/hash.hpp"
#include "engine/base/stall_point.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace laneway::engine::stress {

struct Settings {
  std::uint64_t seed = 0x5eed;
#ifdef __SANITIZE_THREAD__
  double seconds = 0.6;  // of each scenario
#else
  double seconds = 0.25;
#endif
};

// Mostly nothing, often another thread's turn, sometimes a pause longer than a time slice.
class Pauses {
 public:
  static void seed(std::uint64_t seed) { next_.store(seed, std::memory_order_relaxed); }
  static void at(StallPoint) {
    const std::uint64_t dice = mix64(next_.fetch_add(1, std::memory_order_relaxed));
    if (dice % 2048 == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(dice / 2048 % 2000));
    } else if (dice % 16 == 0) {
      std::this_thread::yield();
    }
  }

 private:
  static inline std::atomic<std::uint64_t> next_{0};
};

// Ends the program when no round ends for a long time: a wake-up was lost.
class Watchdog {
 public:
  explicit Watchdog(std::string name) : name_(std::move(name)), thread_([this] { watch(); }) {}
  ~Watchdog() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  void round_ended() { rounds_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void watch() {
    constexpr int kPatience = 60 * 10;  // tenths of a second
    std::uint64_t seen = 0;
    for (int quiet = 0; !stop_.load(std::memory_order_relaxed); ++quiet) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const std::uint64_t now = rounds_.load(std::memory_order_relaxed);
      quiet = now == seen ? quiet : 0;
      seen = now;
      if (quiet == kPatience) {
        std::fprintf(stderr, "%s: no round has ended for a minute, FAILED\n", name_.c_str());
        std::abort();
      }
    }
  }

  const std::string name_;
  std::atomic<std::uint64_t> rounds_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Runner {
 public:
  Runner(const char* thing, int argc, char** argv) : thing_(thing) {
    for (int i = 1; i + 1 < argc; i += 2) {
      const std::string_view name = argv[i];
      if (name == "--seed") {
        settings_.seed = std::stoull(argv[i + 1], nullptr, 0);
      } else if (name == "--seconds") {
        settings_.seconds = std::stod(argv[i + 1]);
      }
    }
    Pauses::seed(settings_.seed);
    stall_hook = &Pauses::at;
  }

  // Checks are in the scenario; a failing one ends the program.
  template <class Scenario>
  Runner& play(const char* name) {
    const std::string full_name = std::string(thing_) + "/" + name;
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t rounds = play_rounds<Scenario>(full_name);
    const std::uint64_t operations = rounds * Scenario::kOperations;
    std::printf(
        "%s: %s operations in %s rounds of %u threads in %.1f s (floor %s) seed 0x%llx ok\n",
        full_name.c_str(), grouped(operations).c_str(), grouped(rounds).c_str(), Scenario::kThreads,
        seconds_since(start), grouped(kOperationsMin).c_str(),
        static_cast<unsigned long long>(settings_.seed));
    std::fflush(stdout);
    return *this;
  }

  // A check that fails has ended the program before.
  int result() const { return 0; }

 private:
  template <class Scenario>
  std::uint64_t play_rounds(const std::string& name) {
    Watchdog watchdog(name);
    std::unique_ptr<Scenario> scenario;  // null: go home
    std::barrier<> curtain(Scenario::kThreads + 1);
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < Scenario::kThreads; ++thread) {
      threads.emplace_back([&scenario, &curtain, thread] {
        for (;;) {
          curtain.arrive_and_wait();
          if (scenario == nullptr) {
            return;
          }
          scenario->run(thread);
          curtain.arrive_and_wait();
        }
      });
    }
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t rounds = 0;
    // A busy machine gets more time instead of fewer operations.
    while (seconds_since(start) < settings_.seconds ||
           rounds * Scenario::kOperations < kOperationsMin) {
      scenario = std::make_unique<Scenario>();
      curtain.arrive_and_wait();
      curtain.arrive_and_wait();
      scenario->after();
      watchdog.round_ended();
      ++rounds;
    }
    scenario = nullptr;
    curtain.arrive_and_wait();
    for (std::thread& thread : threads) {
      thread.join();
    }
    return rounds;
  }

  static double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  static std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) {
      digits.insert(at - 3, 1, ' ');
    }
    return digits;
  }

  static constexpr std::uint64_t kOperationsMin = 1'000;

  const char* const thing_;
  Settings settings_;
};

}  // namespace laneway::engine::stress

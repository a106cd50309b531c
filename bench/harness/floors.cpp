#include "bench/harness/floors.hpp"

#include "bench/harness/gate.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace laneway::bench {
namespace {

constexpr std::uint32_t kTurns = 100;
constexpr std::size_t kRounds = 100;
constexpr auto kRoundsTime = std::chrono::milliseconds(30);  // then they are enough
constexpr std::uint32_t kSpins = 10'000;                     // then the other one has lost its core

constexpr double kNever = std::numeric_limits<double>::infinity();

struct alignas(128) Ball {
  std::atomic<std::uint32_t> turn{0};
};

// Waits for each turn of one parity and answers with the next number.
void play(Ball& ball, std::uint32_t parity) {
  for (std::uint32_t turn = parity; turn < 2 * kTurns; turn += 2) {
    for (std::uint32_t spins = 0; ball.turn.load(std::memory_order_acquire) != turn; ++spins) {
      if (spins == kSpins) {
        std::this_thread::yield();
        spins = 0;
      }
    }
    ball.turn.store(turn + 1, std::memory_order_release);
  }
}

}  // namespace

double line_transfer_ns(Placement placement) {
  if (placement == Placement::free || cores_usable() < 2) {
    return 0;
  }
  std::array<Ball, kRounds> balls;
  std::atomic<bool> enough{false};
  double shortest = kNever;
  Gate gate(2);
  std::jthread other([&] {
    place_thread(placement, 1, "floor");
    for (Ball& ball : balls) {
      gate.pass();
      if (enough.load(std::memory_order_relaxed)) {
        break;
      }
      play(ball, 1);
    }
  });
  std::jthread one([&] {
    place_thread(placement, 0, "floor");
    const SteadyClock::time_point end = SteadyClock::now() + kRoundsTime;
    for (Ball& ball : balls) {
      enough.store(shortest < kNever && SteadyClock::now() > end, std::memory_order_relaxed);
      const SteadyClock::time_point start = gate.pass();
      if (enough.load(std::memory_order_relaxed)) {
        break;
      }
      play(ball, 0);
      const std::chrono::duration<double, std::nano> spent = SteadyClock::now() - start;
      shortest = std::min(shortest, spent.count() / (2 * kTurns));
    }
  });
  one.join();
  return shortest;
}

void idle_spinners(std::chrono::milliseconds length, Histogram* gaps) {
  constexpr auto kGapMin = std::chrono::microseconds(1);
  std::vector<Histogram> of_cores(cores_usable());
  std::vector<std::jthread> threads;
  for (std::size_t core = 0; core < of_cores.size(); ++core) {
    threads.emplace_back([&, core] {
      place_thread(Placement::spread, static_cast<std::uint32_t>(core), "spinner");
      SteadyClock::time_point before = SteadyClock::now();
      for (const auto end = before + length; before < end;) {
        const SteadyClock::time_point now = SteadyClock::now();
        if (now - before >= kGapMin) {
          of_cores[core].record(std::chrono::nanoseconds(now - before).count());
        }
        before = now;
      }
    });
  }
  threads.clear();
  for (const Histogram& of_core : of_cores) {
    gaps->add(of_core);
  }
}

void thread_wakes(int times, Histogram* delays) {
  std::atomic<int> lap{0};
  std::atomic<std::int64_t> woken_at_ns{0};
  std::jthread sleeper([&] {
    place_thread(Placement::spread, 1, "sleeper");
    for (int next = 0; next < times; ++next) {
      lap.wait(next, std::memory_order_acquire);
      woken_at_ns.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_release);
    }
  });
  std::jthread waker([&] {
    place_thread(Placement::spread, 0, "waker");
    for (int next = 1; next <= times; ++next) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const std::int64_t called_at_ns = SteadyClock::now().time_since_epoch().count();
      lap.store(next, std::memory_order_release);
      lap.notify_one();
      while (woken_at_ns.load(std::memory_order_acquire) < called_at_ns) {
        std::this_thread::yield();
      }
      delays->record(woken_at_ns.load(std::memory_order_acquire) - called_at_ns);
    }
  });
}

double clock_reading_ns() {
  constexpr int kReadings = 100'000;
  const SteadyClock::time_point start = SteadyClock::now();
  for (int i = 1; i < kReadings; ++i) {
    (void)SteadyClock::now();
  }
  return std::chrono::duration<double, std::nano>(SteadyClock::now() - start).count() / kReadings;
}

}  // namespace laneway::bench

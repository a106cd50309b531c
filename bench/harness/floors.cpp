#include "bench/harness/floors.hpp"

#include "bench/harness/gate.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace laneway::bench {
namespace {

constexpr std::uint32_t kTurns = 500;
constexpr std::size_t kRounds = 40;
constexpr std::uint32_t kSpins = 10'000;  // then the other one has lost its core

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
  std::array<double, kRounds> rounds;
  std::array<Ball, kRounds> balls;
  Gate gate(2);
  std::jthread other([&] {
    place_thread(placement, 1, "floor");
    for (Ball& ball : balls) {
      gate.pass();
      play(ball, 1);
    }
  });
  std::jthread one([&] {
    place_thread(placement, 0, "floor");
    for (std::size_t round = 0; round < kRounds; ++round) {
      const SteadyClock::time_point start = gate.pass();
      play(balls[round], 0);
      const std::chrono::duration<double, std::nano> spent = SteadyClock::now() - start;
      rounds[round] = spent.count() / (2 * kTurns);
    }
  });
  one.join();
  return *std::min_element(rounds.begin(), rounds.end());
}

}  // namespace laneway::bench

// The timer of a lease: armed at the grant, cancelled by the ack.
#include "engine/time/timer_wheel.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace laneway::engine {
namespace {

constexpr std::uint32_t kLeases = 64;  // of one iteration
constexpr std::uint64_t kLeaseTicks = 30'000;

// With so many others armed; slots reused last in first out, as the slab does.
void timer_wheel_arm_and_cancel(benchmark::State& state) {
  const auto others = static_cast<std::uint32_t>(state.range(0));
  std::vector<TimerNode> nodes(TimerWheel::nodes_for(others + kLeases));
  TimerWheel wheel(nodes, 0);
  for (std::uint32_t slot = 0; slot < others; ++slot) {
    wheel.arm(kLeases + slot, kLeaseTicks + slot % kLeaseTicks);
  }
  std::uint64_t tick = 0;
  for (auto _ : state) {
    ++tick;
    for (std::uint32_t slot = 0; slot < kLeases; ++slot) {
      wheel.arm(slot, tick % 1000 + kLeaseTicks);
    }
    for (std::uint32_t slot = 0; slot < kLeases; ++slot) {
      benchmark::DoNotOptimize(wheel.cancel(slot));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kLeases);
}
BENCHMARK(timer_wheel_arm_and_cancel)->Arg(0)->Arg(1'000'000);

// Armed one tick apart and all fired, a tick at a time.
void timer_wheel_arm_and_fire(benchmark::State& state) {
  std::vector<TimerNode> nodes(TimerWheel::nodes_for(kLeases));
  TimerWheel wheel(nodes, 0);
  std::uint64_t tick = 0;
  std::uint64_t fired = 0;
  for (auto _ : state) {
    for (std::uint32_t slot = 0; slot < kLeases; ++slot) {
      wheel.arm(slot, tick + 1 + slot);
    }
    tick += kLeases;
    wheel.advance(tick, kLeases * 8, [&](std::uint32_t, std::uint64_t) { ++fired; });
  }
  benchmark::DoNotOptimize(fired);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kLeases);
}
BENCHMARK(timer_wheel_arm_and_fire);

}  // namespace
}  // namespace laneway::engine

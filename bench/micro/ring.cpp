// Both rings on one thread: the cost of the instructions, without any transfer between cores.
#include "engine/concurrent/inbox_ring.hpp"
#include "engine/concurrent/returns_ring.hpp"
#include "engine/core/submission.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace laneway::engine {
namespace {

constexpr std::size_t kRing = 65'536;
constexpr std::uint32_t kMessages = 64;  // of one iteration

// Claims, writes and publishes 64 entries in batches, then reads them all and moves the limit.
void inbox_ring_publish_and_drain(benchmark::State& state) {
  using Ring = InboxRing<Submission>;
  std::vector<Ring::Slot> slots(kRing);
  Ring ring(slots, 0, kRing);
  const auto batch = static_cast<std::uint32_t>(state.range(0));
  std::uint64_t head = 0;
  std::uint64_t sum = 0;
  Submission submission{};
  for (auto _ : state) {
    for (std::uint32_t done = 0; done < kMessages; done += batch) {
      const Ring::Claim claim = ring.claim(batch);
      for (std::uint32_t i = 0; i < claim.count; ++i) {
        submission.key_hash = done + i;
        ring.entry(claim.position + i) = submission;
      }
      ring.publish(claim);
    }
    for (; ring.published(head); ++head) {
      sum += ring.entry(head).key_hash;
    }
    ring.set_limit(head + kRing);
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kMessages);
}
BENCHMARK(inbox_ring_publish_and_drain)->Arg(1)->Arg(32);

// 64 leases handed back in batches, then drained.
void returns_ring_push_and_drain(benchmark::State& state) {
  std::vector<ReturnsRing::Cell> cells(kRing);
  ReturnsRing ring(cells);
  const auto batch = static_cast<std::uint32_t>(state.range(0));
  std::uint64_t head = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    for (std::uint32_t done = 0; done < kMessages; done += batch) {
      const ReturnsRing::Claim claim = ring.claim(batch);
      for (std::uint32_t i = 0; i < batch; ++i) {
        ring.put(claim.position + i, done + i);
      }
    }
    for (std::uint64_t entry = 0; ring.take(head, &entry); ++head) {
      sum += entry;
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kMessages);
}
BENCHMARK(returns_ring_push_and_drain)->Arg(1)->Arg(32);

}  // namespace
}  // namespace laneway::engine

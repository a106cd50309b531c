// Keys: their hash, and the table of active ones.
#include "engine/base/hash.hpp"
#include "engine/core/lane_table.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace laneway::engine {
namespace {

constexpr std::uint32_t kMessages = 64;  // of one iteration
constexpr std::uint32_t kKeys = 100'000;

void hash_of_a_key(benchmark::State& state) {
  std::string key(static_cast<std::size_t>(state.range(0)), 'k');
  std::uint64_t sum = 0;
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      std::memcpy(key.data(), &sum, sizeof sum);
      sum += hash_bytes(key);
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kMessages);
}
BENCHMARK(hash_of_a_key)->Arg(8)->Arg(24);

// One of 100,000 keys becomes active and inactive again, with so many others active. What is timed
// is the table and its caches: the keys are drawn and hashed beforehand.
void lane_table_append_and_remove(benchmark::State& state) {
  const auto others = static_cast<std::uint32_t>(state.range(0));
  const std::uint32_t size = others + kMessages;
  std::vector<Slot> slots(size + kKeys);
  std::vector<ProbeTable::Entry> entries(KeyTable::entries(slots.size()));
  LaneTable table(entries, slots);
  for (std::uint32_t i = 0; i < slots.size(); ++i) {
    const std::uint64_t key = mix64(i + 1);
    slots[i].key_bytes = sizeof key;
    std::memcpy(slots[i].key, &key, sizeof key);
    slots[i].key_hash = static_cast<std::uint32_t>(hash_bytes(slots[i].key_view()));
  }
  for (std::uint32_t i = 0; i < others; ++i) {
    table.append(kKeys + kMessages + i);
  }
  std::uint32_t first = 0;
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      benchmark::DoNotOptimize(table.append(first + i));
    }
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      benchmark::DoNotOptimize(table.remove(first + i));
    }
    first = first + kMessages < kKeys ? first + kMessages : 0;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kMessages);
}
BENCHMARK(lane_table_append_and_remove)->Arg(0)->Arg(65'536);

}  // namespace
}  // namespace laneway::engine

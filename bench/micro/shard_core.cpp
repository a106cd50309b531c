// The shard core alone: a message accepted, granted and acknowledged, with no ring and no second
// thread. What the cycle costs above this is hand-off.
#include "engine/core/shard_core.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/hash.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace laneway::engine {
namespace {

constexpr std::uint32_t kMessages = 64;  // of one iteration
constexpr std::uint32_t kKeys = 100'000;

struct Key {
  std::uint64_t bytes;
  std::uint32_t hash;
};

std::vector<Key> keys() {
  std::vector<Key> made(kKeys);
  for (std::uint32_t i = 0; i < kKeys; ++i) {
    const std::uint64_t bytes = mix64(i + 1);
    const std::string_view view(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    made[i] = {bytes, static_cast<std::uint32_t>(hash_bytes(view))};
  }
  return made;
}

void shard_core_cycle(benchmark::State& state) {
  ShardOptions options;
  options.capacity = 65'536;
  options.dead_max = 10'000;
  options.outcomes = 65'536;
  options.first_position = 1;
  options.kind = static_cast<QueueKind>(state.range(0));
  options.attempts_max = 5;
  options.run_max = 1;
  ArenaSize size;
  ShardCore::measure(options, &size);
  Arena arena(size.bytes());
  ShardCore core(options, &arena, 0);
  const std::vector<Key> all = keys();
  Submission submission{};
  submission.key_bytes = sizeof(Key::bytes);
  submission.payload_bytes = kPayloadBytesInline;
  std::uint64_t position = options.first_position;
  std::uint32_t drawn = 1;
  std::int64_t now_ns = 0;
  std::array<std::uint32_t, kMessages> leased;
  for (auto _ : state) {
    now_ns += 2'000;
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      drawn = drawn * 1'664'525 + 1'013'904'223;
      const Key& key = all[(std::uint64_t{drawn} * kKeys) >> 32];
      std::memcpy(submission.key, &key.bytes, sizeof key.bytes);
      submission.key_hash = key.hash;
      core.accept(submission, position++, now_ns);
    }
    std::uint32_t count = 0;
    Grant grant;
    while (count < kMessages &&
           core.grant({ShardCore::tick_after(now_ns, 30'000), 1, kMessages}, now_ns, &grant)) {
      leased[count++] = grant.slot;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      core.settle(leased[i], LeaseEnd::acked, 0, nullptr, now_ns);
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kMessages);
}
BENCHMARK(shard_core_cycle)
    ->ArgName("unordered")
    ->Arg(static_cast<int>(QueueKind::by_key))
    ->Arg(static_cast<int>(QueueKind::unordered));

}  // namespace
}  // namespace laneway::engine

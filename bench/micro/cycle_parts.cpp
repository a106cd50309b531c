// What each verb of the keyed life cycle costs on one thread, in batches of 32: publish, receive,
// reading key and payload, acknowledging. What two threads pay above their sum is the way between
// the cores.
#include <laneway/engine.hpp>

#include "engine/base/hash.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

namespace laneway {
namespace {

constexpr std::uint32_t kBatch = 32;
constexpr std::uint32_t kRounds = 256;  // batches published before they are received
constexpr std::uint32_t kKeys = 100'000;

enum Part : std::int64_t { publishing, receiving, reading, acknowledging };

class Cycle {
 public:
  Cycle()
      : engine_(*Engine::open()),
        queue_(*engine_.queue("parts", {.capacity = 65'536, .shards = 1})),
        consumer_(*queue_.consumer()),
        keys_(kKeys) {
    for (std::uint32_t i = 0; i < kKeys; ++i) {
      keys_[i] = engine::mix64(i + 1);
    }
  }

  // Seconds that the part took of kRounds whole cycles.
  double run(Part part) {
    seconds_ = 0;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      draw();
      begin();
      published_ += *queue_.publish(messages_);
      end(part == publishing);
    }
    while (acked_ < published_) {
      begin();
      Result<LeaseBatch> leases = consumer_.receive({.max = kBatch});
      end(part == receiving);
      read(*leases);
      end(part == reading);
      acked_ += leases->ack();
      end(part == acknowledging);
    }
    return seconds_;
  }

 private:
  void begin() { begun_ = std::chrono::steady_clock::now(); }
  // What began last has ended, and the next begins.
  void end(bool counts) {
    const auto now = std::chrono::steady_clock::now();
    seconds_ += counts ? std::chrono::duration<double>(now - begun_).count() : 0;
    begun_ = now;
  }

  void draw() {
    for (Message& message : messages_) {
      drawn_ = drawn_ * 6364136223846793005u + 1442695040888963407u;
      const std::uint64_t& key = keys_[((drawn_ >> 32) * kKeys) >> 32];
      message = {.key = {reinterpret_cast<const char*>(&key), sizeof key},
                 .payload = Bytes(payload_.data(), sizeof payload_)};
    }
  }

  void read(LeaseBatch& leases) {
    for (const Lease& lease : leases) {
      benchmark::DoNotOptimize(lease.key().front());
      std::array<std::uint64_t, 8> words;
      std::memcpy(words.data(), lease.payload().data(), sizeof words);
      benchmark::DoNotOptimize(words);
    }
  }

  Engine engine_;
  Queue queue_;
  Consumer consumer_;
  std::vector<std::uint64_t> keys_;
  std::array<std::uint64_t, 8> payload_{};
  std::array<Message, kBatch> messages_;
  std::uint64_t drawn_ = 1;
  std::size_t published_ = 0;
  std::size_t acked_ = 0;
  double seconds_ = 0;
  std::chrono::steady_clock::time_point begun_;
};

void cycle_part(benchmark::State& state) {
  Cycle cycle;
  for (auto _ : state) {
    state.SetIterationTime(cycle.run(static_cast<Part>(state.range(0))));
  }
  state.SetItemsProcessed(state.iterations() * kRounds * kBatch);
  state.SetLabel(
      std::array{"publish", "receive", "read", "ack"}[static_cast<std::size_t>(state.range(0))]);
}
BENCHMARK(cycle_part)->DenseRange(publishing, acknowledging)->UseManualTime();

}  // namespace
}  // namespace laneway

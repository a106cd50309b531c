// Everything about one run of the model test that is drawn from its seed before the first
// operation.
#pragma once

#include "engine/core/shard_core.hpp"
#include "tests/core/random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

enum class Operation : std::uint8_t {
  publish,
  receive,
  take,
  settle,
  ack_prefix,
  extend,
  drop_zombie,
  take_back,
  deliver,  // drains what settlers have put into the returns ring
  advance,
  replay,
  discard,
  cancel,
  release_key,
  drop_oldest,
};
inline constexpr std::size_t kOperations = 15;

// How the keys' hashes behave, which the core may depend on for speed only.
enum class Hashing : std::uint8_t { spread, few, equal };

struct Shape {
  ShardOptions options;
  std::int64_t start_ns = 0;
  std::array<std::uint64_t, kOperations> weights = {};
  Hashing hashing = Hashing::spread;
  std::uint64_t keys = 1;
  std::uint64_t priorities = 1;
  // In percent of the messages published.
  std::uint64_t unkeyed = 0;
  std::uint64_t outside = 0;  // payload, key or type outside of the slot
  std::uint64_t delayed = 0;
  std::uint64_t with_ttl = 0;
  std::uint64_t own_attempts = 0;

  std::uint64_t batch_max = 1;
  std::uint64_t room_max = 1;
  std::uint64_t delay_max = 1;
  std::uint64_t lease_max = 1;
  std::uint64_t jump_max = 1;
  std::uint64_t budget_max = 1;

  explicit Shape(std::uint64_t seed) {
    Random random(seed);
    draw_options(random);
    draw_load(random);
    draw_weights(random);
  }

 private:
  void draw_options(Random& random) {
    options.capacity = random.percent(30) ? random.between(2, 4) : random.between(2, 64);
    options.dead_max = random.between(1, 8);
    options.outcomes = std::uint64_t{1} << random.between(0, 8);
    options.first_position = random.one_of({1, 77, 0xffff'fff0, (std::uint64_t{1} << 54) - 600});
    options.kind = random.percent(80) ? QueueKind::by_key : QueueKind::unordered;
    options.on_failure = random.percent(70) ? OnFailure::hold : OnFailure::detach;
    if (options.kind == QueueKind::by_key && random.percent(40)) {
      options.on_death = random.percent(50) ? OnDeath::hold_key : OnDeath::divert_key;
      // Room for all that a run can divert, so that none has to go while others come.
      options.dead_max = options.on_death == OnDeath::divert_key ? 8'192 : options.dead_max;
    }
    options.priorities = random.percent(30);
    options.drops_oldest = random.percent(30);
    options.counts_bytes = random.percent(50);
    priorities = options.priorities ? random.between(1, 5) : 1;
    options.dead_age_max_ms = random.one_of({0, 0, 5, 1'000});
    options.attempts_max = static_cast<std::uint32_t>(random.between(1, 4));
    options.run_max = static_cast<std::uint32_t>(random.one_of({1, 1, 1, 2, 3, 4, 32}));
    options.seed = random.next();
    const std::uint64_t floor = random.one_of({0, 1, 3, 20});
    options.backoff.floor = std::chrono::milliseconds(floor);
    options.backoff.first = std::chrono::milliseconds(random.one_of({0, 1, 2, 100}));
    options.backoff.cap = std::chrono::milliseconds(random.one_of({0, floor, 5, 70'000}));
  }

  void draw_load(Random& random) {
    start_ns = static_cast<std::int64_t>(random.between(1'000'000'000, 1'000'000'000'000'000));
    hashing = static_cast<Hashing>(random.below(3));
    keys = random.between(1, 20);
    unkeyed = random.one_of({0, 0, 20, 100});
    outside = random.one_of({0, 10, 60});
    delayed = random.one_of({0, 0, 30, 80});
    with_ttl = random.one_of({0, 0, 30, 90});
    own_attempts = random.one_of({0, 20, 100});
    batch_max = random.between(1, 12);
    room_max = random.one_of({1, 2, 8, 64});
    // Mostly of one scale, so that things happen at the same time.
    const std::uint64_t scale = random.one_of({1, 10, 400, 100'000});
    delay_max = random.percent(70) ? scale : random.one_of({1, 5, 300, 100'000});
    lease_max = random.percent(70) ? 2 * scale : random.one_of({1, 10, 1000, 200'000});
    jump_max = random.percent(70) ? 2 * scale : random.one_of({1, 10, 400, 300'000});
    budget_max = random.one_of({1, 3, 16, 128});
  }

  void draw_weights(Random& random) {
    for (std::uint64_t& weight : weights) {
      weight = random.between(1, 12);
    }
    const auto scale = [&](Operation operation, std::initializer_list<std::uint64_t> factors) {
      weights[static_cast<std::size_t>(operation)] *= random.one_of(factors);
    };
    scale(Operation::publish, {1, 2, 3});
    scale(Operation::receive, {1, 2, 3});
    scale(Operation::take, {0, 0, 1});
    scale(Operation::settle, {1, 2, 4});
    scale(Operation::ack_prefix, {0, 1});
    scale(Operation::extend, {0, 1});
    scale(Operation::drop_zombie, {0, 1, 1});
    scale(Operation::take_back, {0, 0, 0, 1});
    scale(Operation::deliver, {2, 3});
    scale(Operation::advance, {1, 2, 4});
    scale(Operation::replay, {0, 1});
    scale(Operation::discard, {0, 1});
    scale(Operation::cancel, {0, 0, 1});
    scale(Operation::release_key, {options.on_death == OnDeath::continue_key ? 0u : 1u});
    scale(Operation::drop_oldest, {options.drops_oldest ? 1u : 0u});
    if (options.run_max == 1) {
      scale(Operation::ack_prefix, {0});
    }
  }
};

}  // namespace laneway::engine

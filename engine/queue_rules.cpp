// Floor 3. Which options of a queue make sense, and those that follow from the others.
#include "engine/queue_rules.hpp"

#include "engine/queue_state.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <thread>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;

std::uint32_t default_shards(std::uint64_t capacity) {
  constexpr std::uint64_t kCapacityPerShard = 16'384;
  constexpr std::uint64_t kDefaultMax = 16;
  const std::uint64_t cores = std::max(1u, std::thread::hardware_concurrency());
  // Consumers share a core's token in turns: half as many shards as cores keep them apart.
  const std::uint64_t wanted = std::min({cores / 2, capacity / kCapacityPerShard, kDefaultMax});
  return static_cast<std::uint32_t>(std::bit_floor(std::max<std::uint64_t>(1, wanted)));
}

Result<> check_sizes(const QueueOptions& options) {
  if (options.capacity == 0 || options.capacity > kShardCapacityMax) {
    return {Errc::invalid_argument, "capacity is 1 to 134,217,728"};
  }
  const bool power_of_two = options.shards == 0 || std::has_single_bit(options.shards);
  if (!power_of_two || options.shards > kShardsMax) {
    return {Errc::invalid_argument, "shards is 0 or a power of two up to 256"};
  }
  if (options.payload_bytes_max > kPayloadBytesMax) {
    return {Errc::invalid_argument, "payload_bytes_max is at most 64 MiB"};
  }
  if (options.payload_pool_bytes < PayloadPool::block_bytes(content_max(options))) {
    return {Errc::invalid_argument,
            "payload_pool_bytes cannot hold one message of payload_bytes_max"};
  }
  if (options.dead_letters_max == 0 || options.dead_letters_max > kShardCapacityMax) {
    return {Errc::invalid_argument, "dead_letters_max is 1 to 134,217,728"};
  }
  if (options.outcomes_remembered == 0 || options.outcomes_remembered > kShardCapacityMax) {
    return {Errc::invalid_argument, "outcomes_remembered is 1 to 134,217,728"};
  }
  if (options.results_remembered > kShardCapacityMax) {
    return {Errc::invalid_argument, "results_remembered is at most 134,217,728"};
  }
  return {};
}

Result<> check_rules(const QueueOptions& options) {
  if (options.attempts_max == 0 || options.attempts_max > kAttemptsMax) {
    return {Errc::invalid_argument, "attempts_max is 1 to 60,000"};
  }
  const Backoff& backoff = options.backoff;
  constexpr milliseconds kDelayMax{kDelayMsMax};
  if (backoff.floor < milliseconds(1) || backoff.first < milliseconds::zero() ||
      backoff.cap < backoff.floor || backoff.first > kDelayMax || backoff.cap > kDelayMax) {
    return {Errc::invalid_argument, "a back-off has 1 ms <= floor <= cap <= 8.7 years"};
  }
  if (options.lease <= milliseconds::zero() || options.lease > milliseconds(kLeaseMsMax)) {
    return {Errc::invalid_argument, "a lease is more than 0 and up to 7 days"};
  }
  if (options.dead_letters_age_max < milliseconds::zero() ||
      options.dead_letters_age_max > kDelayMax) {
    return {Errc::invalid_argument, "dead_letters_age_max is 0 (none) to 8.7 years"};
  }
  if (options.on_death != OnDeath::continue_key && options.kind != QueueKind::by_key) {
    return {Errc::invalid_argument, "OnDeath::hold_key and divert_key need QueueKind::by_key"};
  }
  if (options.run_max == 0 || options.run_max > kRunMax) {
    return {Errc::invalid_argument, "run_max is 1 to 32"};
  }
  if (options.run_max > 1 && options.kind != QueueKind::by_key) {
    return {Errc::invalid_argument, "ordered runs need QueueKind::by_key"};
  }
  return {};
}

Result<> check_limits(const QueueOptions& options) {
  if (options.low_watermark > options.high_watermark ||
      (options.high_watermark != 0 && options.low_watermark == options.high_watermark)) {
    return {Errc::invalid_argument, "the low watermark is below the high one"};
  }
  if (options.bytes_max != 0 && options.bytes_max < content_max(options)) {
    return {Errc::invalid_argument, "bytes_max cannot hold one message of payload_bytes_max"};
  }
  if (options.block_max < milliseconds::zero()) {
    return {Errc::invalid_argument, "block_max is not negative"};
  }
  const bool sheds = options.shed_below != std::numeric_limits<std::int32_t>::min();
  if (sheds && options.high_watermark == 0) {
    return {Errc::invalid_argument, "shed_below needs a high watermark"};
  }
  if (options.dedup_window < milliseconds::zero() ||
      options.dedup_window > milliseconds(kDelayMsMax) || options.dedup_ids_max == 0 ||
      options.dedup_ids_max > kShardCapacityMax) {
    return {Errc::invalid_argument,
            "dedup_window is 0 (none) to 8.7 years, dedup_ids_max 1 to 134,217,728"};
  }
  const RateLimit& rate = options.rate;
  const bool rate_valid =
      rate.per_second == 0 || (rate.per_second >= 1e-6 && rate.per_second <= 1e9);
  if (!rate_valid || rate.burst == 0 || rate.burst > kRateBurstMax) {
    return {Errc::invalid_argument,
            "a rate is 0 (none) or 1e-6 to 1e9 a second, a burst 1 to 1,000,000"};
  }
  constexpr double kBurstSecondsMax = 1e9;  // counted in nanoseconds
  if (rate.per_second != 0 && rate.burst / rate.per_second > kBurstSecondsMax) {
    return {Errc::invalid_argument,
            "the burst of a rate is what it lets through in 31 years, or less"};
  }
  if (options.key_messages_max != 0 && options.kind != QueueKind::by_key) {
    return {Errc::invalid_argument, "key_messages_max needs QueueKind::by_key"};
  }
  const bool plain = !has_rules(options) && options.in_flight_max == 0 && rate.per_second == 0;
  if (options.kind == QueueKind::handoff && !plain) {
    return {Errc::invalid_argument, "a handoff queue has a capacity and no other limit"};
  }
  return {};
}

Result<> check_survival(const QueueOptions& options) {
  const bool survives = options.durability != Durability::none || options.durable_messages;
  if (survives && options.kind == QueueKind::handoff) {
    return {Errc::not_durable, "a handoff queue lives in memory"};
  }
  return {};
}

}  // namespace

Result<QueueOptions> QueueState::complete(const QueueOptions& options) {
  if (const Result<> sizes = check_sizes(options); !sizes) {
    return sizes.error();
  }
  if (const Result<> rules = check_rules(options); !rules) {
    return rules.error();
  }
  if (const Result<> limits = check_limits(options); !limits) {
    return limits.error();
  }
  if (const Result<> durable = check_survival(options); !durable) {
    return durable.error();
  }
  QueueOptions completed = options;
  if (options.kind == QueueKind::handoff) {
    completed.shards = 1;
  } else if (options.shards == 0) {
    completed.shards = default_shards(options.capacity);
  }
  return completed;
}

}  // namespace laneway::engine

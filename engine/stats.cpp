// Floor 3. Arithmetic of the numbers for operators.
#include <laneway/stats.hpp>

#include <algorithm>
#include <cmath>

namespace laneway {

void DurationHistogram::add(const DurationHistogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    buckets[i] += other.buckets[i];
  }
  count += other.count;
  sum_us += other.sum_us;
}

std::chrono::microseconds DurationHistogram::percentile(double share) const noexcept {
  const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(wanted)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets && count != 0; ++i) {
    seen += buckets[i];
    if (seen >= rank) {
      return std::chrono::microseconds(std::int64_t{2} << i);
    }
  }
  return std::chrono::microseconds(0);
}

void QueueStats::add(const QueueStats& other) noexcept {
  oldest_ready_age = std::max(oldest_ready_age, other.oldest_ready_age);
  oldest_dead_age = std::max(oldest_dead_age, other.oldest_dead_age);
  above_high_watermark = above_high_watermark || other.above_high_watermark;
  static constexpr std::uint64_t QueueStats::*kSums[] = {&QueueStats::ready,
                                                         &QueueStats::blocked,
                                                         &QueueStats::delayed,
                                                         &QueueStats::leased,
                                                         &QueueStats::dead,
                                                         &QueueStats::capacity,
                                                         &QueueStats::pinned,
                                                         &QueueStats::keys_active,
                                                         &QueueStats::payload_pool_bytes,
                                                         &QueueStats::published,
                                                         &QueueStats::refused_full,
                                                         &QueueStats::ring_busy,
                                                         &QueueStats::leased_total,
                                                         &QueueStats::redelivered,
                                                         &QueueStats::acked,
                                                         &QueueStats::nacked,
                                                         &QueueStats::released,
                                                         &QueueStats::rejected,
                                                         &QueueStats::lease_expired,
                                                         &QueueStats::abandoned,
                                                         &QueueStats::revoked,
                                                         &QueueStats::lease_lost,
                                                         &QueueStats::lease_lost_ack,
                                                         &QueueStats::lease_lost_nack,
                                                         &QueueStats::lease_lost_release,
                                                         &QueueStats::lease_lost_reject,
                                                         &QueueStats::lease_lost_extend,
                                                         &QueueStats::dead_lettered,
                                                         &QueueStats::replayed,
                                                         &QueueStats::discarded,
                                                         &QueueStats::expired,
                                                         &QueueStats::cancelled,
                                                         &QueueStats::keys_stopped,
                                                         &QueueStats::dead_rejected,
                                                         &QueueStats::dead_attempts,
                                                         &QueueStats::dead_diverted,
                                                         &QueueStats::discarded_for_room,
                                                         &QueueStats::discarded_for_age,
                                                         &QueueStats::dropped,
                                                         &QueueStats::refused_key_full,
                                                         &QueueStats::bytes,
                                                         &QueueStats::in_flight,
                                                         &QueueStats::refused_too_large,
                                                         &QueueStats::refused_paused,
                                                         &QueueStats::shed,
                                                         &QueueStats::deduplicated,
                                                         &QueueStats::dedup_forgotten,
                                                         &QueueStats::holds};
  for (const auto sum : kSums) {
    this->*sum += other.*sum;
  }
  queue_wait.add(other.queue_wait);
  processing.add(other.processing);
}

}  // namespace laneway

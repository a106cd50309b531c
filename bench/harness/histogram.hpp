// Histogram: durations in nanoseconds, counted in buckets that are never wider than 1/1,024 of what
// they hold: the bound of HdrHistogram at three digits.
//
// Below 2,048 each value has its own bucket. Above, every octave is cut into 1,024 buckets of equal
// width. A percentile is the largest value of the bucket that holds it, so it is never too small,
// and too large by less than 0.1 %. Values from 2^40 (18 minutes) on count as the largest.
// 248 KiB; one writer. Merge those of several threads after the run.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace laneway::bench {

class Histogram {
 public:
  static constexpr unsigned kBucketBits = 10;
  static constexpr std::uint64_t kOctave = std::uint64_t{1} << kBucketBits;
  static constexpr unsigned kValueBits = 40;
  static constexpr std::uint64_t kLargest = (std::uint64_t{1} << kValueBits) - 1;
  static constexpr std::size_t kBuckets = (kValueBits - kBucketBits + 1) * kOctave;
  // A percentile rests on at least so many samples beyond it, or is not given.
  static constexpr std::uint64_t kBeyondMin = 10;

  static constexpr std::size_t bucket_of(std::uint64_t value) {
    const std::uint64_t kept = std::min(value, kLargest);
    const auto width = static_cast<unsigned>(std::bit_width(kept | kOctave));
    const unsigned shift = width - 1 - kBucketBits;
    return static_cast<std::size_t>(shift * kOctave + (kept >> shift));
  }
  static constexpr std::uint64_t largest_of(std::size_t bucket) {
    if (bucket < 2 * kOctave) {
      return bucket;
    }
    const auto shift = static_cast<unsigned>(bucket / kOctave - 1);
    return ((bucket - shift * kOctave + 1) << shift) - 1;
  }

  // A negative duration, which only a broken clock gives, counts as 0 and is told by negatives().
  void record(std::int64_t ns) {
    negatives_ += ns < 0 ? 1 : 0;
    const std::uint64_t value = ns < 0 ? 0 : static_cast<std::uint64_t>(ns);
    ++counts_[bucket_of(value)];
    ++count_;
    sum_ += static_cast<double>(value);
    max_ = std::max(max_, value);
  }

  void add(const Histogram& other) {
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      counts_[bucket] += other.counts_[bucket];
    }
    count_ += other.count_;
    negatives_ += other.negatives_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
  }

  // The smallest recorded value that at least this share (0..1) of all values does not exceed.
  // Nothing when fewer than kBeyondMin samples lie beyond it.
  std::optional<std::uint64_t> percentile(double share) const {
    const auto rank = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
    if (rank + kBeyondMin > count_) {
      return std::nullopt;
    }
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    while ((seen += counts_[bucket]) < rank) {
      ++bucket;
    }
    return std::min(largest_of(bucket), max_);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t count_of(std::size_t bucket) const { return counts_[bucket]; }
  std::uint64_t negatives() const { return negatives_; }
  std::uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t negatives_ = 0;
  double sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace laneway::bench

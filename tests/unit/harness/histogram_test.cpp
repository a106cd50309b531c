#include "bench/harness/histogram.hpp"

#include "bench/harness/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace laneway::bench {
namespace {

std::unique_ptr<Histogram> histogram_of(const std::vector<std::int64_t>& values) {
  auto histogram = std::make_unique<Histogram>();
  for (const std::int64_t value : values) {
    histogram->record(value);
  }
  return histogram;
}

// Log-uniform: every octave from a nanosecond to four minutes is met.
std::vector<std::int64_t> durations(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) {
    value = static_cast<std::int64_t>(std::exp2(random.share() * 38));
  }
  return values;
}

TEST(HistogramTest, percentiles_are_never_below_the_exact_ones_and_at_most_a_1024th_above) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    std::vector<std::int64_t> values = durations(200'000, seed);
    const auto histogram = histogram_of(values);
    std::sort(values.begin(), values.end());
    for (const double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
      const auto rank = static_cast<std::size_t>(std::ceil(share * 200'000));
      const auto exact = static_cast<double>(values[rank - 1]);
      const auto told = static_cast<double>(histogram->percentile(share).value());
      EXPECT_GE(told, exact) << share;
      EXPECT_LE(told, exact * (1 + 1.0 / 1024)) << share;
    }
    EXPECT_EQ(histogram->max(), static_cast<std::uint64_t>(values.back()));
  }
}

TEST(HistogramTest, every_value_lies_in_its_bucket_and_no_bucket_is_wider_than_a_1024th) {
  std::size_t before = 0;
  for (std::size_t bucket = 1; bucket < Histogram::kBuckets; ++bucket) {
    const std::uint64_t first = Histogram::largest_of(before) + 1;
    const std::uint64_t last = Histogram::largest_of(bucket);
    ASSERT_EQ(Histogram::bucket_of(first), bucket);
    ASSERT_EQ(Histogram::bucket_of(last), bucket);
    ASSERT_LE((last - first) * 1024, first);
    before = bucket;
  }
  EXPECT_EQ(Histogram::largest_of(before), Histogram::kLargest);
}

TEST(HistogramTest, a_percentile_with_fewer_than_ten_samples_beyond_it_is_not_given) {
  std::vector<std::int64_t> values(999, 5);
  EXPECT_FALSE(histogram_of(values)->percentile(0.99));
  values.push_back(5);
  EXPECT_EQ(histogram_of(values)->percentile(0.99), 5);
  EXPECT_FALSE(histogram_of(values)->percentile(0.999));
  EXPECT_FALSE(Histogram().percentile(0.5));
}

TEST(HistogramTest, what_is_too_long_counts_as_the_longest_and_what_is_negative_is_told) {
  const auto histogram = histogram_of({std::int64_t{1} << 50, -3});
  EXPECT_EQ(histogram->count(), 2);
  EXPECT_EQ(histogram->count_of(Histogram::kBuckets - 1), 1);
  EXPECT_EQ(histogram->count_of(0), 1);
  EXPECT_EQ(histogram->negatives(), 1);
}

TEST(HistogramTest, merging_two_is_the_same_as_recording_into_one) {
  const std::vector<std::int64_t> some = durations(10'000, 4);
  std::vector<std::int64_t> all = durations(5'000, 5);
  const auto merged = histogram_of(all);
  merged->add(*histogram_of(some));
  all.insert(all.end(), some.begin(), some.end());
  const auto whole = histogram_of(all);
  EXPECT_EQ(merged->count(), whole->count());
  EXPECT_EQ(merged->max(), whole->max());
  EXPECT_NEAR(merged->mean(), whole->mean(), whole->mean() * 1e-9);
  for (const double share : {0.01, 0.5, 0.99}) {
    EXPECT_EQ(merged->percentile(share), whole->percentile(share));
  }
}

}  // namespace
}  // namespace laneway::bench

// RetryPolicy: exponential back-off with full jitter, between a floor and a cap, from a seed.
#include "engine/core/retry_policy.hpp"

#include "engine/base/limits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace laneway::engine {
namespace {

Backoff backoff(std::int64_t first, std::int64_t cap, std::int64_t floor) {
  return {std::chrono::milliseconds(first), std::chrono::milliseconds(cap),
          std::chrono::milliseconds(floor)};
}

TEST(retry_policy, a_delay_lies_between_the_floor_and_the_doubled_first_delay) {
  RetryPolicy policy(backoff(100, 300'000, 10), 1);
  for (std::uint32_t attempt = 1; attempt <= 20; ++attempt) {
    const std::uint64_t top = std::min<std::uint64_t>(300'000, 100ull << (attempt - 1));
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t delay = policy.delay_ms(attempt);
      ASSERT_GE(delay, 10u);
      ASSERT_LE(delay, top);
    }
  }
}

TEST(retry_policy, delays_are_drawn_evenly_over_the_whole_range) {
  RetryPolicy policy(backoff(100, 100, 1), 2);
  constexpr std::uint64_t kDraws = 100'000;
  std::vector<std::uint64_t> counts(101);
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    ++counts[policy.delay_ms(1)];
  }
  EXPECT_EQ(counts[0], 0u);
  for (std::uint64_t delay = 1; delay <= 100; ++delay) {
    // 1,000 are expected; seven deviations are never reached by chance, and the seed is fixed.
    EXPECT_GT(counts[delay], 780u) << delay;
    EXPECT_LT(counts[delay], 1220u) << delay;
  }
}

TEST(retry_policy, the_cap_is_reached_and_never_passed) {
  RetryPolicy policy(backoff(100, 1000, 1), 3);
  std::uint64_t highest = 0;
  for (int i = 0; i < 10'000; ++i) {
    highest = std::max(highest, policy.delay_ms(10));
  }
  EXPECT_LE(highest, 1000u);
  EXPECT_GT(highest, 990u);
}

TEST(retry_policy, a_cap_that_is_no_power_of_two_of_the_first_is_kept_exactly) {
  RetryPolicy policy(backoff(3, 100, 100), 3);
  EXPECT_EQ(policy.delay_ms(1), 100u);
  EXPECT_EQ(policy.delay_ms(7), 100u);
}

TEST(retry_policy, a_floor_above_the_range_is_the_delay) {
  RetryPolicy policy(backoff(10, 20, 50), 4);
  for (std::uint32_t attempt = 1; attempt <= 10; ++attempt) {
    EXPECT_EQ(policy.delay_ms(attempt), 50u);
  }
}

TEST(retry_policy, zero_everywhere_is_no_delay) {
  RetryPolicy policy(backoff(0, 0, 0), 5);
  EXPECT_EQ(policy.delay_ms(1), 0u);
  EXPECT_EQ(policy.delay_ms(kAttemptsMax), 0u);
}

TEST(retry_policy, nothing_overflows_at_the_last_attempt_and_the_longest_cap) {
  const auto cap = static_cast<std::int64_t>(kDelayMsMax);
  for (const std::int64_t first : {std::int64_t{1}, std::int64_t{100}, cap}) {
    RetryPolicy policy(backoff(first, cap, 1), 6);
    for (const std::uint32_t attempt : {1u, 39u, 40u, 41u, 42u, 64u, 65u, kAttemptsMax}) {
      for (int i = 0; i < 100; ++i) {
        const std::uint64_t delay = policy.delay_ms(attempt);
        ASSERT_GE(delay, 1u);
        ASSERT_LE(delay, kDelayMsMax);
      }
    }
  }
}

TEST(retry_policy, late_attempts_draw_from_the_whole_range_up_to_the_cap) {
  const auto cap = static_cast<std::int64_t>(kDelayMsMax);
  RetryPolicy policy(backoff(1, cap, 1), 7);
  std::uint64_t highest = 0;
  for (int i = 0; i < 1000; ++i) {
    highest = std::max(highest, policy.delay_ms(kAttemptsMax));
  }
  EXPECT_GT(highest, kDelayMsMax / 2);
}

TEST(retry_policy, the_same_seed_draws_the_same_delays_and_another_seed_others) {
  const auto draw = [](std::uint64_t seed) {
    RetryPolicy policy(backoff(1000, 100'000, 1), seed);
    std::vector<std::uint64_t> delays;
    for (std::uint32_t attempt = 1; attempt <= 20; ++attempt) {
      delays.push_back(policy.delay_ms(attempt));
    }
    return delays;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  EXPECT_NE(draw(0), draw(1));
}

}  // namespace
}  // namespace laneway::engine

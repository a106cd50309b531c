// The clocks of include/laneway/clock.hpp. With threads: tests/stress/stress_manual_clock.cpp.
#include <laneway/clock.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <type_traits>

namespace laneway {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_abstract_v<Clock>);
static_assert(std::has_virtual_destructor_v<Clock>);
static_assert(!std::is_copy_constructible_v<ManualClock>, "two clocks cannot be one time");

TEST(steady_clock, never_goes_back) {
  const SteadyClock clock;
  std::chrono::nanoseconds last = clock.now();
  EXPECT_GT(last, 0ns);
  for (int reading = 0; reading < 10'000; ++reading) {
    const std::chrono::nanoseconds now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(steady_clock, is_the_monotonic_clock_that_the_standard_library_reads) {
  const SteadyClock clock;
  const auto before = std::chrono::steady_clock::now().time_since_epoch();
  const std::chrono::nanoseconds between = clock.now();
  const auto after = std::chrono::steady_clock::now().time_since_epoch();
  EXPECT_LE(before, between);
  EXPECT_LE(between, after);
}

TEST(manual_clock, stands_still_until_it_is_moved) {
  ManualClock clock;
  EXPECT_EQ(clock.now(), 0ns);
  EXPECT_EQ(clock.now(), 0ns);
  clock.advance(30s);
  EXPECT_EQ(clock.now(), 30s);
  clock.advance(1ns);
  EXPECT_EQ(clock.now(), 30s + 1ns);
}

TEST(manual_clock, starts_where_it_is_told_to_and_can_be_set_forward_and_back) {
  ManualClock clock(5min);
  EXPECT_EQ(clock.now(), 5min);
  clock.set(1h);
  EXPECT_EQ(clock.now(), 1h);
  clock.set(3ms);
  EXPECT_EQ(clock.now(), 3ms);
}

TEST(manual_clock, is_read_through_the_interface_that_an_engine_holds) {
  const auto manual = std::make_shared<ManualClock>(7ms);
  const std::shared_ptr<const Clock> clock = manual;
  manual->advance(1ms);
  EXPECT_EQ(clock->now(), 8ms);
}

}  // namespace
}  // namespace laneway

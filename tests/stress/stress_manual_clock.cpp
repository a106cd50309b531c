// ManualClock under threads: to be run under ThreadSanitizer too.
#include <laneway/clock.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace laneway {
namespace {

using namespace std::chrono_literals;

TEST(manual_clock, moves_made_by_two_threads_add_up_and_readers_never_see_it_go_back) {
  constexpr int kMoves = 20'000;
  ManualClock clock;
  const auto move = [&clock] {
    for (int count = 0; count < kMoves; ++count) {
      clock.advance(1ms);
    }
  };
  std::thread first(move);
  std::thread second(move);
  std::chrono::nanoseconds last = 0ns;
  bool went_back = false;
  while (last < kMoves * 2 * 1ms) {
    const std::chrono::nanoseconds now = clock.now();
    went_back = went_back || now < last;
    last = now;
  }
  first.join();
  second.join();
  EXPECT_FALSE(went_back);
  EXPECT_EQ(clock.now(), kMoves * 2 * 1ms);
}

}  // namespace
}  // namespace laneway

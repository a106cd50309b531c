// The contract of TimerWheel, one sentence at a time. Larger proofs: timer_wheel_model_test.cpp.
#include "engine/time/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace laneway::engine {
namespace {

constexpr std::uint64_t kDayTicks = std::uint64_t{24} * 3600 * 1000;
constexpr std::uint64_t kRound = std::uint64_t{1} << 32;
constexpr std::uint32_t kPlenty = 1'000'000;

using Slots = std::vector<std::uint32_t>;
using Ticks = std::vector<std::uint64_t>;

// A wheel of eight slots at tick `start` and what it fired.
class TimerWheelTest : public ::testing::Test {
 protected:
  WheelProgress advance(std::uint64_t now_tick, std::uint32_t budget = kPlenty) {
    return wheel_.advance(now_tick, budget, [this](std::uint32_t slot, std::uint64_t tick) {
      fired_.push_back(slot);
      fired_ticks_.push_back(tick);
    });
  }
  // Advances with budget one until nothing is left to do; answers the number of nodes.
  std::uint32_t drain(std::uint64_t now_tick) {
    std::uint32_t nodes = 0;
    for (WheelProgress progress = advance(now_tick, 1); progress.nodes != 0;
         progress = advance(now_tick, 1)) {
      nodes += progress.nodes;
    }
    return nodes;
  }

  std::array<TimerNode, TimerWheel::nodes_for(8)> nodes_{};
  TimerWheel wheel_{nodes_, 1000};
  Slots fired_;
  Ticks fired_ticks_;
};

TEST_F(TimerWheelTest, a_new_wheel_has_nothing_armed_and_does_not_touch_those_of_its_slots) {
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_EQ(wheel_.next_due(), UINT64_MAX);
  EXPECT_FALSE(wheel_.armed(3));
  std::array<TimerNode, TimerWheel::nodes_for(2)> marked{};
  TimerNode* const of_slots = marked.data() + TimerWheel::nodes_for(0);
  of_slots[0].tick = 77;
  of_slots[1].tick = 78;
  const TimerWheel other(marked, 5);
  EXPECT_EQ(of_slots[0].tick, 77u);
  EXPECT_EQ(of_slots[1].tick, 78u);
  EXPECT_FALSE(other.armed(0));
}

TEST_F(TimerWheelTest, a_timer_fires_at_its_tick_and_not_before) {
  for (const std::uint64_t delay : Ticks{1, 255, 256, 65'536, 30 * kDayTicks, kRound + 5}) {
    const std::uint64_t due = wheel_.reached() + delay;
    wheel_.arm(2, due);
    EXPECT_EQ(wheel_.tick_of(2), due);
    advance(due - 1);
    EXPECT_TRUE(fired_.empty()) << delay;
    EXPECT_TRUE(wheel_.armed(2));
    EXPECT_FALSE(advance(due).more);
    EXPECT_EQ(fired_, Slots{2}) << delay;
    EXPECT_EQ(fired_ticks_.back(), due);
    EXPECT_FALSE(wheel_.armed(2));
    EXPECT_EQ(wheel_.size(), 0u);
    fired_.clear();
  }
}

TEST_F(TimerWheelTest, a_cancelled_timer_never_fires_and_a_second_cancel_says_so) {
  wheel_.arm(1, 1010);
  wheel_.arm(2, 1010);
  EXPECT_EQ(wheel_.size(), 2u);
  EXPECT_TRUE(wheel_.cancel(1));
  EXPECT_FALSE(wheel_.cancel(1));
  EXPECT_FALSE(wheel_.cancel(7));
  EXPECT_EQ(wheel_.size(), 1u);
  advance(2000);
  EXPECT_EQ(fired_, Slots{2});
  EXPECT_FALSE(wheel_.cancel(2));
}

TEST_F(TimerWheelTest,
       a_slot_armed_lazily_again_and_again_costs_one_move_when_its_first_place_comes) {
  wheel_.arm_lazily(4, 1010);
  for (std::uint64_t tick = 1011; tick <= 1020; ++tick) {
    EXPECT_TRUE(wheel_.cancel(4));
    wheel_.arm_lazily(4, tick);
    EXPECT_EQ(wheel_.size(), 1u);
    EXPECT_EQ(wheel_.tick_of(4), tick);
  }
  EXPECT_EQ(advance(1019).nodes, 1u);
  EXPECT_TRUE(fired_.empty());
  EXPECT_EQ(advance(1020).nodes, 1u);
  EXPECT_EQ(fired_ticks_, Ticks{1020});
}

TEST_F(TimerWheelTest, a_slot_armed_lazily_for_an_earlier_tick_fires_at_that_tick) {
  wheel_.arm(4, 5000);
  wheel_.arm_lazily(4, 1010);
  advance(1010);
  EXPECT_EQ(fired_ticks_, Ticks{1010});
  wheel_.arm(4, 9000);
  EXPECT_TRUE(wheel_.cancel(4));
  wheel_.arm_lazily(4, 8000);
  advance(8000);
  EXPECT_EQ(fired_ticks_, (Ticks{1010, 8000}));
}

TEST_F(TimerWheelTest, when_nothing_is_armed_nothing_is_due_though_cancelled_timers_lie_about) {
  for (std::uint32_t slot = 0; slot < 8; ++slot) {
    wheel_.arm(slot, 1010);
    EXPECT_TRUE(wheel_.cancel(slot));
  }
  EXPECT_EQ(wheel_.next_due(), TimerWheel::kNever);
  EXPECT_FALSE(advance(1010, 3).more);
  wheel_.arm(0, 1020);
  EXPECT_TRUE(advance(1020, 3).more);
  EXPECT_EQ(drain(1020), 3u);  // two that were cancelled, and one that fires
  EXPECT_EQ(fired_, Slots{0});
}

TEST_F(TimerWheelTest, arming_an_armed_slot_moves_it_to_the_end_of_its_new_tick) {
  wheel_.arm(1, 1010);
  wheel_.arm(2, 1010);
  wheel_.arm(1, 1010);
  wheel_.arm(3, 1010);
  wheel_.arm(3, 9000);
  EXPECT_EQ(wheel_.size(), 3u);
  advance(1010);
  EXPECT_EQ(fired_, (Slots{2, 1}));
  EXPECT_EQ(wheel_.tick_of(3), 9000u);
}

TEST_F(TimerWheelTest, a_past_tick_fires_in_the_next_advance_after_what_is_due) {
  wheel_.arm(0, 1000);
  wheel_.arm(1, 3);
  wheel_.arm(2, 1000);
  EXPECT_EQ(wheel_.next_due(), 1000u);
  EXPECT_EQ(advance(1000).nodes, 3u);
  EXPECT_EQ(fired_, (Slots{0, 1, 2}));
  EXPECT_EQ(fired_ticks_, (Ticks{1000, 3, 1000}));
}

TEST_F(TimerWheelTest, timers_fire_in_the_order_of_their_ticks_and_then_of_arming) {
  wheel_.arm(0, 5000);
  wheel_.arm(1, 2000);
  wheel_.arm(2, 70'000);
  wheel_.arm(3, 5000);
  wheel_.arm(4, 1001);
  advance(80'000);
  EXPECT_EQ(fired_, (Slots{4, 1, 0, 3, 2}));
}

TEST_F(TimerWheelTest, timers_of_one_tick_keep_their_order_whatever_level_they_were_armed_on) {
  const std::uint64_t due = kRound * 2 + 0x01020304;
  std::uint32_t slot = 0;
  for (const std::uint64_t distance :
       Ticks{2 * kRound, kRound, 1 << 24, 1 << 16, 1 << 8, 3, 1, 0}) {
    EXPECT_FALSE(advance(due - distance).more);
    wheel_.arm(slot++, due);
  }
  advance(due);
  EXPECT_EQ(fired_, (Slots{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(TimerWheelTest, an_arm_during_a_cascade_waits_behind_those_still_to_be_cascaded) {
  const std::uint64_t due = 0x20005;
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    wheel_.arm(slot, due);
  }
  EXPECT_EQ(advance(due, 1).nodes, 1u);  // one of four has left its bucket on level 2
  wheel_.arm(4, due);
  EXPECT_EQ(advance(due, 4).nodes, 4u);  // the others, slot 4 among them, have left it too
  EXPECT_TRUE(fired_.empty());
  wheel_.arm(5, due);
  EXPECT_FALSE(advance(due).more);
  EXPECT_EQ(fired_, (Slots{0, 1, 2, 3, 4, 5}));
}

TEST_F(TimerWheelTest, an_arm_while_the_overflow_is_looked_through_waits_behind_the_others) {
  const std::uint64_t next_round = kRound + 7;
  const std::uint64_t later_round = 2 * kRound + 7;
  wheel_.arm(0, later_round);
  wheel_.arm(1, next_round);
  wheel_.arm(2, later_round);
  wheel_.arm(3, next_round);
  EXPECT_EQ(advance(next_round, 1).nodes, 1u);
  wheel_.arm(4, later_round);
  wheel_.arm(5, next_round);
  EXPECT_EQ(advance(next_round, 2).nodes, 2u);
  wheel_.arm(6, later_round);
  EXPECT_LE(wheel_.next_due(), next_round);
  drain(next_round);
  EXPECT_EQ(fired_, (Slots{1, 3, 5}));
  EXPECT_EQ(wheel_.next_due(), 2 * kRound);
  wheel_.arm(7, later_round);
  drain(later_round);
  EXPECT_EQ(fired_, (Slots{1, 3, 5, 0, 2, 4, 6, 7}));
}

TEST_F(TimerWheelTest, an_arm_during_a_firing_waits_behind_those_still_to_be_fired) {
  wheel_.arm(0, 1005);
  wheel_.arm(1, 1005);
  EXPECT_TRUE(advance(2000, 1).more);
  wheel_.arm(2, 1005);
  wheel_.arm(0, 1004);
  advance(2000);
  EXPECT_EQ(fired_, (Slots{0, 1, 2, 0}));
}

TEST_F(TimerWheelTest, cancelling_what_is_left_of_a_cascade_ends_it) {
  wheel_.arm(0, 70'000);
  wheel_.arm(1, 70'000);
  wheel_.arm(2, 80'000);
  EXPECT_TRUE(advance(70'000, 1).more);
  EXPECT_TRUE(wheel_.cancel(1));
  wheel_.arm(3, 70'000);
  EXPECT_TRUE(wheel_.cancel(2));
  EXPECT_FALSE(advance(70'000).more);
  EXPECT_EQ(fired_, (Slots{0, 3}));
  EXPECT_EQ(wheel_.next_due(), UINT64_MAX);
}

TEST_F(TimerWheelTest, a_timer_cancelled_in_the_kept_part_of_the_overflow_is_gone) {
  wheel_.arm(0, 2 * kRound);
  wheel_.arm(1, 2 * kRound);
  wheel_.arm(2, kRound);
  EXPECT_EQ(advance(kRound, 2).nodes, 2u);
  EXPECT_TRUE(wheel_.cancel(0));
  EXPECT_TRUE(wheel_.cancel(1));
  EXPECT_FALSE(advance(kRound).more);
  EXPECT_EQ(fired_, Slots{2});
  EXPECT_EQ(wheel_.next_due(), UINT64_MAX);
  wheel_.arm(3, 3 * kRound + 1);
  EXPECT_FALSE(advance(4 * kRound).more);
  EXPECT_EQ(fired_, (Slots{2, 3}));
}

TEST_F(TimerWheelTest, the_slot_is_unlinked_before_the_sink_hears_of_it) {
  wheel_.arm(0, 1001);
  bool armed_in_sink = true;
  wheel_.advance(1001, kPlenty, [&](std::uint32_t slot, std::uint64_t) {
    armed_in_sink = wheel_.armed(slot) || wheel_.size() != 0;
  });
  EXPECT_FALSE(armed_in_sink);
}

TEST_F(TimerWheelTest, a_sink_that_arms_itself_for_now_or_the_past_ends_with_the_budget) {
  wheel_.arm(0, 1001);
  std::uint32_t calls = 0;
  const auto again = [&](std::uint32_t slot, std::uint64_t tick) {
    wheel_.arm(slot, ++calls % 2 == 0 ? tick : tick - 1);
  };
  const WheelProgress progress = wheel_.advance(1001, 50, again);
  EXPECT_EQ(calls, 50u);
  EXPECT_EQ(progress.nodes, 50u);
  EXPECT_TRUE(progress.more);
  EXPECT_TRUE(wheel_.armed(0));
}

TEST_F(TimerWheelTest, a_sink_may_cancel_those_that_are_next_and_arm_those_that_were) {
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    wheel_.arm(slot, 1001);
  }
  wheel_.advance(1001, kPlenty, [&](std::uint32_t slot, std::uint64_t) {
    fired_.push_back(slot);
    if (slot == 0) {
      wheel_.cancel(1);
      wheel_.arm(2, 1002);
      wheel_.arm(5, 1001);
    }
  });
  EXPECT_EQ(fired_, (Slots{0, 3, 5}));
  advance(1002);
  EXPECT_EQ(fired_, (Slots{0, 3, 5, 2}));
}

TEST_F(TimerWheelTest, no_advance_does_more_than_its_budget_and_more_tells_the_truth) {
  for (std::uint32_t slot = 0; slot < 8; ++slot) {
    wheel_.arm(slot, 2000);
  }
  EXPECT_EQ(advance(2000, 0).nodes, 0u);
  EXPECT_TRUE(advance(2000, 0).more);
  std::uint32_t nodes = 0;
  for (bool more = true; more;) {
    const WheelProgress progress = advance(2000, 3);
    EXPECT_LE(progress.nodes, 3u);
    EXPECT_EQ(progress.more, wheel_.size() != 0);
    nodes += progress.nodes;
    more = progress.more;
  }
  EXPECT_EQ(nodes, 16u);  // each one cascaded once and fired once
  EXPECT_EQ(fired_.size(), 8u);
}

TEST_F(TimerWheelTest, time_that_goes_backwards_does_nothing) {
  advance(5000);
  wheel_.arm(0, 5000);
  wheel_.arm(1, 100);
  const WheelProgress progress = advance(4999);
  EXPECT_EQ(progress.nodes, 0u);
  EXPECT_FALSE(progress.more);
  EXPECT_TRUE(fired_.empty());
  EXPECT_EQ(wheel_.reached(), 5000u);
  advance(5000);
  EXPECT_EQ(fired_, (Slots{0, 1}));
}

TEST_F(TimerWheelTest, a_jump_over_thirty_empty_days_moves_one_timer_once_per_level) {
  wheel_.arm(0, 1000 + 30 * kDayTicks);
  EXPECT_LE(advance(1000 + 30 * kDayTicks).nodes, 4u);
  EXPECT_EQ(fired_, Slots{0});
}

TEST_F(TimerWheelTest, a_jump_of_eight_years_looks_at_a_lone_timer_only_in_its_own_round) {
  const std::uint64_t due = 1000 + 8 * 365 * kDayTicks;
  wheel_.arm(0, due);
  EXPECT_EQ(wheel_.next_due(), due / kRound * kRound);
  EXPECT_LE(advance(due).nodes, 5u);
  EXPECT_EQ(fired_, Slots{0});
}

TEST_F(TimerWheelTest, a_day_without_timers_costs_nothing) {
  EXPECT_EQ(advance(1000 + kDayTicks).nodes, 0u);
  wheel_.arm(0, 1000 + 40 * kDayTicks);
  for (std::uint64_t hour = 24; hour < 39 * 24; ++hour) {
    advance(1000 + hour * 3'600'000);
  }
  EXPECT_TRUE(fired_.empty());
  EXPECT_LE(drain(1000 + 41 * kDayTicks), 4u);
}

TEST_F(TimerWheelTest, next_due_is_never_late_and_exact_on_the_lowest_level) {
  wheel_.arm(0, 1000 + 10 * kDayTicks);
  EXPECT_LE(wheel_.next_due(), 1000 + 10 * kDayTicks);
  EXPECT_GT(wheel_.next_due(), 1000u);
  wheel_.arm(1, 1003);
  EXPECT_EQ(wheel_.next_due(), 1003u);
  wheel_.cancel(1);
  EXPECT_GE(wheel_.next_due(), 1003u);  // the place of the cancelled one
  advance(1003);
  EXPECT_GT(wheel_.next_due(), 1003u);
  wheel_.cancel(0);
  EXPECT_EQ(wheel_.next_due(), UINT64_MAX);
}

TEST_F(TimerWheelTest, following_next_due_reaches_a_far_timer_in_a_few_steps) {
  const std::uint64_t due = 3 * kRound + 0x7f7f7f7f;
  wheel_.arm(0, due);
  int steps = 0;
  while (fired_.empty()) {
    ASSERT_LT(++steps, 10);
    ASSERT_LE(wheel_.next_due(), due);
    advance(wheel_.next_due());
  }
  EXPECT_EQ(fired_ticks_.back(), due);
}

TEST_F(TimerWheelTest, the_largest_ticks_can_be_armed_and_reached) {
  wheel_.arm(0, TimerWheel::kTickMax);
  wheel_.arm(1, TimerWheel::kTickMax - 1);
  EXPECT_LT(wheel_.next_due(), TimerWheel::kTickMax);
  advance(TimerWheel::kTickMax - 1);
  EXPECT_EQ(fired_, Slots{1});
  advance(TimerWheel::kTickMax);
  EXPECT_EQ(fired_, (Slots{1, 0}));
}

TEST(timer_wheel, a_million_leases_that_end_at_once_are_fired_in_order_and_within_the_budget) {
  constexpr std::uint32_t kLeases = 1'000'000;
  constexpr std::uint32_t kBudget = 128;
  std::vector<TimerNode> nodes(TimerWheel::nodes_for(kLeases));
  TimerWheel wheel(nodes, 12'345);
  for (std::uint32_t slot = 0; slot < kLeases; ++slot) {
    wheel.arm(slot, 42'345);
  }
  std::uint32_t expected = 0;
  std::uint64_t moved = 0;
  WheelProgress progress{0, true};
  while (progress.more) {
    progress = wheel.advance(
        60'000, kBudget, [&](std::uint32_t slot, std::uint64_t) { ASSERT_EQ(slot, expected++); });
    ASSERT_LE(progress.nodes, kBudget);
    moved += progress.nodes;
  }
  EXPECT_EQ(expected, kLeases);
  EXPECT_EQ(moved, 2ull * kLeases);  // one cascade and one firing each
}

#ifndef LANEWAY_RELEASE
TEST(timer_wheel_death_test, asking_for_the_tick_of_an_idle_slot_or_arming_one_beyond_stops_us) {
  std::array<TimerNode, TimerWheel::nodes_for(2)> nodes{};
  TimerWheel wheel(nodes, 0);
  EXPECT_DEATH((void)wheel.tick_of(1), "armed");
  EXPECT_DEATH(wheel.arm(2, 5), "nodes_");
}
#endif

}  // namespace
}  // namespace laneway::engine

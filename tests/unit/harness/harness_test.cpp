#include "bench/harness/arrivals.hpp"
#include "bench/harness/key_plan.hpp"
#include "bench/harness/schedule.hpp"
#include "bench/harness/self_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace laneway::bench {
namespace {

TEST(VerifierTest, systems_that_lose_repeat_reorder_damage_or_lend_twice_are_found_out) {
  EXPECT_EQ(self_test(), std::vector<std::string>());
}

TEST(ScheduleTest, a_stalled_consumer_is_paid_for_by_every_message_that_waited) {
  // 10 s at 1,000 a second; from second 3 on nothing is received for 1.4 s, then all at once.
  const Schedule schedule(1'000, 10);
  const auto latency = std::make_unique<Histogram>();
  for (std::uint64_t number = 0; number < schedule.count(); ++number) {
    const std::int64_t planned = schedule.planned_ns(number);
    const bool stalled = planned >= 3'000'000'000 && planned < 4'400'000'000;
    latency->record(stalled ? 4'400'000'000 - planned : 1'000);
  }
  ASSERT_EQ(schedule.count(), 10'000);
  // A hundredth of all messages waited for longer than the stall less a hundredth of the run.
  EXPECT_NEAR(static_cast<double>(latency->percentile(0.99).value()), 1.3e9, 2e6);
  EXPECT_EQ(latency->max(), 1'400'000'000);
}

TEST(ElementTest, a_stamp_comes_back_as_it_was_set_and_leaves_the_payload_intact) {
  Payload payload;
  write_payload(payload, MessageTag::make(3, 77), 12);
  stamp_payload(payload, 123'456'789);
  EXPECT_FALSE(payload_intact(&payload));
  EXPECT_EQ(take_stamp(payload), 123'456'789);
  EXPECT_TRUE(payload_intact(&payload));
}

TEST(KeyPlanTest, zipf_draws_fall_off_as_its_exponent_says) {
  std::vector<std::uint32_t> times(100, 0);
  for (const std::uint32_t key : draws_of({KeyPlan::Draw::zipf, 100}, 1u << 20, 7)) {
    ++times.at(key);
  }
  // 2^0.99 and 10^0.99.
  EXPECT_NEAR(1.0 * times[0] / times[1], 1.986, 0.03);
  EXPECT_NEAR(1.0 * times[0] / times[9], 9.772, 0.3);
  EXPECT_GT(*std::min_element(times.begin(), times.end()), 0);
}

TEST(KeyPlanTest, a_marked_key_is_drawn_in_its_share_of_all_draws) {
  const auto draws = draws_of({KeyPlan::Draw::one_marked, 1'000}, 1u << 20, 7);
  const auto marked = std::count(draws.begin(), draws.end(), 0u);
  EXPECT_NEAR(static_cast<double>(marked) / (1u << 20), KeyPlan::kMarkedShare + 0.001, 0.0005);
}

}  // namespace
}  // namespace laneway::bench

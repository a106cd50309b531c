#include "tools/run/order_check.hpp"

#include <gtest/gtest.h>

namespace laneway::tools {
namespace {

using Kind = Verdict::Kind;

class OrderCheckTest : public testing::Test {
 protected:
  Delivery delivery(std::string_view key, std::uint64_t number, bool last = false) {
    return {.key = key, .number = number, .ticket = ++ticket_, .last = last};
  }
  void work(const Delivery& one, Kind kind, bool kept = true) {
    check_.begin(one);
    check_.settling(one, kind);
    check_.settled(one, kept);
  }

  OrderCheck check_;
  std::uint64_t ticket_ = 0;
};

TEST_F(OrderCheckTest, each_key_in_order_is_no_breach) {
  check_.join("a", 1);
  check_.join("b", 2);
  check_.join("a", 3);
  work(delivery("b", 2), Kind::ack);
  work(delivery("a", 1), Kind::retry);
  work(delivery("a", 1), Kind::ack);
  work(delivery("a", 3), Kind::reject);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 0u);
  EXPECT_EQ(check_.deliveries(), 4u);
}

TEST_F(OrderCheckTest, a_record_ahead_of_an_earlier_one_is_a_breach) {
  check_.join("a", 1);
  check_.join("a", 2);
  work(delivery("a", 2), Kind::ack);
  ASSERT_EQ(check_.breaches(), 1u);
  EXPECT_EQ(check_.stories()[0], "record 2 of key 'a' came before record 1");
}

TEST_F(OrderCheckTest, the_next_one_while_a_retry_is_due_is_a_breach) {
  check_.join("a", 1);
  check_.join("a", 2);
  work(delivery("a", 1), Kind::retry);
  work(delivery("a", 2), Kind::ack);
  EXPECT_EQ(check_.breaches(), 1u);
}

TEST_F(OrderCheckTest, the_next_one_after_the_last_attempt_is_none) {
  check_.join("a", 1);
  check_.join("a", 2);
  check_.join("a", 3);
  work(delivery("a", 1, true), Kind::retry);
  work(delivery("a", 2, true), Kind::lose, false);
  work(delivery("a", 3), Kind::ack);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 0u);
}

TEST_F(OrderCheckTest, the_next_one_may_begin_before_the_settle_has_returned) {
  check_.join("a", 1);
  check_.join("a", 2);
  const Delivery first = delivery("a", 1);
  check_.begin(first);
  check_.settling(first, Kind::ack);
  work(delivery("a", 2), Kind::ack);
  check_.settled(first, true);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 0u);
}

TEST_F(OrderCheckTest, a_finished_record_that_comes_again_is_a_breach) {
  check_.join("a", 1);
  work(delivery("a", 1), Kind::ack);
  work(delivery("a", 1), Kind::ack);
  EXPECT_EQ(check_.breaches(), 1u);
}

TEST_F(OrderCheckTest, a_delivery_that_begins_when_its_lease_is_long_over_is_none) {
  check_.join("a", 1);
  work(delivery("a", 1), Kind::ack);
  work(delivery("a", 1), Kind::retry, false);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 0u);
}

TEST_F(OrderCheckTest, a_late_failure_does_not_undo_what_another_has_finished) {
  check_.join("a", 1);
  check_.join("a", 2);
  const Delivery expired = delivery("a", 1);
  check_.begin(expired);
  work(delivery("a", 1), Kind::ack);
  check_.settling(expired, Kind::retry);
  work(delivery("a", 2), Kind::ack);
  check_.settled(expired, false);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 0u);
}

TEST_F(OrderCheckTest, a_record_that_is_finished_twice_is_a_breach) {
  check_.join("a", 1);
  const Delivery open = delivery("a", 1);
  check_.begin(open);
  work(delivery("a", 1), Kind::ack);
  work(delivery("a", 1), Kind::ack);
  check_.settling(open, Kind::retry);
  check_.settled(open, false);
  EXPECT_EQ(check_.breaches(), 1u);
}

TEST_F(OrderCheckTest, a_record_that_comes_again_after_a_late_ack_is_none) {
  check_.join("a", 1);
  work(delivery("a", 1), Kind::ack, false);
  work(delivery("a", 1), Kind::ack, true);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 0u);
}

TEST_F(OrderCheckTest, the_next_one_after_an_ack_that_came_too_late_is_a_breach) {
  check_.join("a", 1);
  check_.join("a", 2);
  work(delivery("a", 1), Kind::ack, false);
  work(delivery("a", 2), Kind::ack);
  EXPECT_EQ(check_.breaches(), 1u);
}

TEST_F(OrderCheckTest, two_at_work_is_a_breach_only_when_both_settles_count) {
  check_.join("a", 1);
  const Delivery expired = delivery("a", 1);
  const Delivery holder = delivery("a", 1);
  check_.begin(expired);
  check_.begin(holder);
  check_.settling(expired, Kind::retry);
  check_.settled(expired, false);
  check_.settling(holder, Kind::retry);
  check_.settled(holder, true);
  EXPECT_EQ(check_.breaches(), 0u);

  const Delivery one = delivery("a", 1);
  const Delivery other = delivery("a", 1);
  check_.begin(one);
  check_.begin(other);
  check_.settling(one, Kind::retry);
  check_.settled(one, true);
  check_.settling(other, Kind::retry);
  check_.settled(other, true);
  EXPECT_EQ(check_.breaches(), 1u);
}

TEST_F(OrderCheckTest, two_acks_that_both_count_are_a_breach) {
  check_.join("a", 1);
  const Delivery one = delivery("a", 1);
  const Delivery other = delivery("a", 1);
  check_.begin(one);
  check_.begin(other);
  check_.settling(one, Kind::ack);
  check_.settling(other, Kind::ack);
  check_.settled(one, true);
  check_.settled(other, true);
  EXPECT_GE(check_.breaches(), 1u);
}

TEST_F(OrderCheckTest, a_record_that_never_comes_is_a_breach) {
  check_.join("a", 1);
  check_.join("", 2);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 2u);
}

TEST_F(OrderCheckTest, records_without_a_key_come_in_any_order_and_each_at_least_once) {
  check_.join("", 1);
  check_.join("", 2);
  work(delivery("", 2), Kind::ack);
  work(delivery("", 1), Kind::ack);
  check_.finish();
  EXPECT_EQ(check_.breaches(), 0u);
}

TEST_F(OrderCheckTest, only_the_first_stories_are_kept_and_all_are_counted) {
  for (std::uint64_t number = 1; number <= 20; ++number) {
    check_.join("", number);
  }
  check_.finish();
  EXPECT_EQ(check_.breaches(), 20u);
  EXPECT_LT(check_.stories().size(), 20u);
}

}  // namespace
}  // namespace laneway::tools

// Order: what a key promises while its messages succeed, fail, expire and come late.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreOrder : public CoreFixture {
 protected:
  ShardCoreOrder() { options_.capacity = 8; }
};

TEST_F(ShardCoreOrder, one_message_of_a_key_is_granted_at_a_time_in_the_order_of_publishing) {
  publish("k", "1");
  const std::uint64_t second = publish("k", "2");
  publish("k", "3");
  EXPECT_EQ(state(second), MessageState::blocked);
  for (const char* expected : {"1", "2", "3"}) {
    const Grant lease = granted();
    EXPECT_EQ(payload(lease.slot), expected);
    EXPECT_TRUE(nothing_ready());
    ack(lease);
  }
  EXPECT_EQ(stats().keys_active, 0u);
}

TEST_F(ShardCoreOrder, messages_without_a_key_do_not_wait_for_one_another) {
  publish("", "1");
  publish("", "2");
  EXPECT_EQ(grant_all(), (Names{"1", "2"}));
}

TEST_F(ShardCoreOrder, an_unordered_queue_carries_keys_along_and_orders_nothing_by_them) {
  options_.kind = QueueKind::unordered;
  publish("k", "1");
  publish("k", "2");
  EXPECT_EQ(grant_all(), (Names{"1", "2"}));
  EXPECT_EQ(stats().keys_active, 0u);
}

TEST_F(ShardCoreOrder, nacked_key_holds_its_later_messages_and_no_other_key) {
  publish("a", "a1");
  publish("a", "a2");
  publish("b", "b1");
  nack(granted());
  EXPECT_EQ(grant_all(), Names{"b1"});
  pass(kBackoffMs);
  EXPECT_EQ(grant_all(), Names{"a1"});
}

TEST_F(ShardCoreOrder,
       an_expired_lease_holds_its_key_until_the_message_is_granted_again_and_resolved) {
  publish("a", "a1");
  publish("a", "a2");
  const Grant zombie = granted();
  pass(kLeaseMs);
  EXPECT_TRUE(nothing_ready());
  pass(kBackoffMs);
  const Grant again = granted();
  EXPECT_EQ(payload(again.slot), "a1");
  EXPECT_EQ(again.attempt, 2u);
  EXPECT_TRUE(nothing_ready());
  ack(again);
  EXPECT_EQ(grant_all(), Names{"a2"});
  core().unpin(zombie.slot);
}

TEST_F(ShardCoreOrder, a_released_message_keeps_its_place_in_its_key) {
  publish("a", "a1");
  publish("a", "a2");
  settle(granted(), LeaseEnd::released);
  EXPECT_EQ(grant_all(), Names{"a1"});
}

TEST_F(ShardCoreOrder, with_detach_the_key_goes_on_while_a_failed_message_waits) {
  options_.on_failure = OnFailure::detach;
  publish("a", "a1");
  publish("a", "a2");
  publish("a", "a3");
  nack(granted());
  const Grant second = granted();
  EXPECT_EQ(payload(second.slot), "a2");
  pass(kBackoffMs);
  const Grant detached = granted();
  EXPECT_EQ(payload(detached.slot), "a1");
  EXPECT_EQ(detached.attempt, 2u);
  EXPECT_TRUE(nothing_ready());
  ack(detached);
  EXPECT_TRUE(nothing_ready());
  ack(second);
  EXPECT_EQ(grant_all(), Names{"a3"});
}

TEST_F(ShardCoreOrder, with_detach_a_release_is_no_failure_and_detaches_nothing) {
  options_.on_failure = OnFailure::detach;
  publish("a", "a1");
  publish("a", "a2");
  settle(granted(), LeaseEnd::released);
  EXPECT_EQ(grant_all(), Names{"a1"});
}

TEST_F(ShardCoreOrder, with_detach_a_released_retry_stays_outside_of_its_key) {
  options_.on_failure = OnFailure::detach;
  publish("a", "a1");
  publish("a", "a2");
  nack(granted());
  pass(kBackoffMs);
  const Grant second = granted();
  const Grant detached = granted();
  settle(detached, LeaseEnd::released);
  EXPECT_EQ(grant_all(), Names{"a1"});
  ack(second);
}

TEST_F(ShardCoreOrder, a_reminder_joins_its_key_when_it_is_due_and_holds_nobody_up_before) {
  publish({.key = "a", .payload = "reminder", .delay_ms = 50});
  publish("a", "a1");
  publish("a", "a2");
  ack(granted());
  pass(50);
  EXPECT_EQ(grant_all(), Names{"a2"});
  ack_all();
  EXPECT_EQ(grant_all(), Names{"reminder"});
}

TEST_F(ShardCoreOrder, messages_due_in_one_tick_join_their_key_in_the_order_of_their_ids) {
  publish({.key = "a", .payload = "1", .delay_ms = 500});
  pass(499);
  publish({.key = "a", .payload = "2", .delay_ms = 1});
  publish({.key = "a", .payload = "3", .delay_ms = 1});
  pass(1);
  for (const char* expected : {"1", "2", "3"}) {
    const Grant lease = granted();
    EXPECT_EQ(payload(lease.slot), expected);
    ack(lease);
  }
}

TEST_F(ShardCoreOrder, a_delay_that_ended_in_the_ring_does_not_overtake_an_earlier_one) {
  publish({.key = "a", .payload = "1", .delay_ms = 10});
  now_ns_ += 10 * kTickNanos;  // the core has not yet been told
  Submission submission = {};
  submission.key[0] = 'a';
  submission.key_bytes = 1;
  submission.key_hash = key_hash("a");
  submission.due_tick = tick();
  core().accept(submission, 2, now_ns_);
  while (advance(1).more) {
  }
  EXPECT_LT(slot_of(1).join, slot_of(2).join);
  EXPECT_EQ(state(1), MessageState::ready);
  EXPECT_EQ(state(2), MessageState::blocked);
}

TEST_F(ShardCoreOrder, a_delay_that_ended_earlier_joins_first_though_it_was_published_later) {
  publish({.key = "a", .payload = "long", .delay_ms = 20});
  publish({.key = "a", .payload = "short", .delay_ms = 10});
  pass(30);
  EXPECT_EQ(grant_all(), Names{"short"});
}

TEST_F(ShardCoreOrder, a_dead_letter_leaves_a_gap_and_its_key_goes_on) {
  publish("a", "a1");
  publish("a", "a2");
  settle(granted(), LeaseEnd::rejected);
  EXPECT_EQ(grant_all(), Names{"a2"});
}

TEST_F(ShardCoreOrder, a_key_is_forgotten_when_its_last_message_is_resolved_and_starts_afresh) {
  publish("a", "1");
  ack(granted());
  EXPECT_EQ(stats().keys_active, 0u);
  publish("a", "2");
  EXPECT_EQ(stats().keys_active, 1u);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(ShardCoreOrder, a_key_is_not_active_while_its_only_message_is_delayed_or_detached) {
  options_.on_failure = OnFailure::detach;
  publish({.key = "a", .delay_ms = 10});
  EXPECT_EQ(stats().keys_active, 0u);
  publish("b", "1");
  nack(granted());
  EXPECT_EQ(stats().keys_active, 0u);
}

// Keys whose hashes are all the same are still told apart.
class ShardCoreEqualHashes : public ShardCoreOrder {
  std::uint32_t key_hash(std::string_view) const override { return 0xffff'ffff; }
};

TEST_F(ShardCoreEqualHashes, keys_are_compared_byte_by_byte_inline_and_in_blocks) {
  const std::string long_key(40, 'x');
  publish("a", "a1");
  publish("b", "b1");
  publish("a", "a2");
  publish({.block = block_of("x1", long_key, "")});
  publish({.block = block_of("y1", long_key + "y", "")});
  publish({.block = block_of("x2", long_key, "")});
  EXPECT_EQ(grant_all(), (Names{"a1", "b1", "x1", "y1"}));
  ack_all();
  EXPECT_EQ(grant_all(), (Names{"a2", "x2"}));
}

TEST_F(ShardCoreEqualHashes, keys_that_come_and_go_are_still_found) {
  for (int round = 0; round < 50; ++round) {
    publish("a", "a1");
    publish("b", "b1");
    publish("c", "c1");
    publish("b", "b2");
    const Grant first = granted();
    const Grant second = granted();
    const Grant third = granted();
    ack(round % 2 == 0 ? first : second);
    ack(third);
    ack(round % 2 == 0 ? second : first);
    EXPECT_EQ(grant_all(), Names{"b2"});
    ack_all();
    EXPECT_EQ(stats().keys_active, 0u);
  }
}

}  // namespace
}  // namespace laneway::engine

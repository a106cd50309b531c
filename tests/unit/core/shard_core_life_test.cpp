// The life of one message: published, granted, settled.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreLife : public CoreFixture {};

TEST_F(ShardCoreLife, a_published_message_is_ready_and_granted_as_published) {
  const std::uint64_t id = publish("k", "payload");
  EXPECT_EQ(state(id), MessageState::ready);
  const Grant lease = granted();
  EXPECT_EQ(lease.attempt, 1u);
  EXPECT_EQ(lease.run, 0u);
  EXPECT_EQ(state(id), MessageState::leased);
  EXPECT_EQ(core().slot(lease.slot).position, id);
  EXPECT_EQ(core().slot(lease.slot).key_view(), "k");
  EXPECT_EQ(payload(lease.slot), "payload");
  EXPECT_TRUE(nothing_ready());
}

TEST_F(ShardCoreLife, an_empty_message_is_a_message) {
  const std::uint64_t id = publish({});
  const Grant lease = granted();
  EXPECT_EQ(payload(lease.slot), "");
  EXPECT_EQ(core().slot(lease.slot).key_view(), "");
  EXPECT_EQ(core().slot(lease.slot).type_view(), "");
  ack(lease);
  EXPECT_EQ(state(id), MessageState::completed);
}

TEST_F(ShardCoreLife, an_acked_message_is_completed_and_never_granted_again) {
  const std::uint64_t id = publish("k", "a");
  ack(granted());
  EXPECT_EQ(state(id), MessageState::completed);
  EXPECT_EQ(core().find(id), ShardCore::kNoSlot);
  pass(100'000);
  EXPECT_TRUE(nothing_ready());
  EXPECT_EQ(core().leases_out(), 0u);
}

TEST_F(ShardCoreLife, ready_messages_are_granted_in_the_order_in_which_they_became_ready) {
  options_.capacity = 4;
  publish("a", "1");
  publish("b", "2");
  publish("", "3");
  publish("c", "4");
  EXPECT_EQ(grant_all(), (Names{"1", "2", "3", "4"}));
}

TEST_F(ShardCoreLife, a_delayed_message_is_not_granted_before_it_is_due) {
  const std::uint64_t id = publish({.payload = "later", .delay_ms = 20});
  EXPECT_EQ(state(id), MessageState::delayed);
  EXPECT_TRUE(nothing_ready());
  pass(19);
  EXPECT_TRUE(nothing_ready());
  pass(1);
  EXPECT_EQ(state(id), MessageState::ready);
  EXPECT_EQ(grant_all(), Names{"later"});
}

TEST_F(ShardCoreLife, a_delay_that_begins_inside_a_tick_is_rounded_up) {
  now_ns_ += 1;
  publish({.payload = "later", .delay_ms = 1});
  now_ns_ += kTickNanos;  // one millisecond later
  advance(128);
  EXPECT_TRUE(nothing_ready());
  now_ns_ += kTickNanos - 1;
  advance(128);
  EXPECT_EQ(grant_all(), Names{"later"});
}

TEST_F(ShardCoreLife, a_delay_that_is_over_when_the_message_is_first_seen_costs_no_waiting) {
  pass(0);
  const std::uint64_t due = tick(5);
  pass(10);
  Submission submission = {};
  submission.due_tick = due;
  core().accept(submission, options_.first_position, now_ns_);
  EXPECT_EQ(core().ready(), 1u);
}

TEST_F(ShardCoreLife, a_released_message_counts_no_attempt_and_is_the_next_to_be_granted) {
  publish("a", "1");
  publish("b", "2");
  const Grant first = granted();
  settle(first, LeaseEnd::released);
  const Grant again = granted();
  EXPECT_EQ(payload(again.slot), "1");
  EXPECT_EQ(again.attempt, 1u);
  EXPECT_EQ(stats().released, 1u);
  EXPECT_EQ(stats().nacked, 0u);
}

TEST_F(ShardCoreLife, a_message_may_be_released_for_ever) {
  const std::uint64_t id = publish("a", "1");
  for (int i = 0; i < 100; ++i) {
    const Grant lease = granted();
    EXPECT_EQ(lease.attempt, 1u);
    settle(lease, LeaseEnd::released);
  }
  EXPECT_EQ(state(id), MessageState::ready);
}

TEST_F(ShardCoreLife, a_lease_taken_back_counts_no_attempt_and_pins_until_its_object_dies) {
  const std::uint64_t id = publish("a", "1");
  const Grant lease = granted();
  settle(lease, LeaseEnd::taken_back);
  EXPECT_EQ(core().leases_out(), 1u);
  EXPECT_EQ(slot_of(id).pins, 1u);
  const Grant again = granted();
  EXPECT_EQ(again.attempt, 1u);
  EXPECT_EQ(slot_of(id).pins, 2u);
  core().unpin(lease.slot);
  ack(again);
  EXPECT_EQ(core().leases_out(), 0u);
  EXPECT_EQ(stats().pinned, 0u);
}

TEST_F(ShardCoreLife, every_grant_has_a_higher_fencing_token_than_all_before) {
  options_.attempts_max = 50;
  publish("a", "1");
  publish("b", "2");
  std::uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    const Grant lease = granted();
    EXPECT_GT(lease.fence, last);
    last = lease.fence;
    i % 2 == 0 ? settle(lease, LeaseEnd::released) : nack(lease, 0);
    pass(1);
  }
}

TEST_F(ShardCoreLife, payload_key_and_type_outside_of_the_slot_read_as_published) {
  const std::string payload(500, 'p');
  const std::string key(100, 'k');
  Block* const block = block_of(payload, key, "order.created");
  publish({.block = block});
  const Grant lease = granted();
  const Slot& slot = core().slot(lease.slot);
  EXPECT_EQ(slot.payload_view().text(), payload);
  EXPECT_EQ(slot.key_view(), key);
  EXPECT_EQ(slot.type_view(), "order.created");
  EXPECT_EQ(core().take_freed_blocks(), nullptr);
  ack(lease);
  EXPECT_EQ(core().take_freed_blocks(), block);
  EXPECT_EQ(core().take_freed_blocks(), nullptr);
}

TEST_F(ShardCoreLife, freed_blocks_come_back_as_one_chain) {
  Block* const first = block_of("1", "", "t");
  Block* const second = block_of("2", "", "t");
  publish({.block = first});
  publish({.block = second});
  grant_all();
  ack_all();
  Block* const chain = core().take_freed_blocks();
  ASSERT_NE(chain, nullptr);
  ASSERT_NE(chain->next, nullptr);
  EXPECT_EQ(chain->next->next, nullptr);
  EXPECT_NE(chain, chain->next);
}

}  // namespace
}  // namespace laneway::engine

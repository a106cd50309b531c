// take: acknowledged on receive, no lease, no redelivery, order kept.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreTake : public CoreFixture {
 protected:
  ShardCoreTake() { options_.capacity = 4; }

  std::string take() {
    const std::uint32_t slot = core().take(now_ns_);
    if (slot == ShardCore::kNoSlot) {
      return "nothing";
    }
    const std::string taken = payload(slot);
    core().finish_taken(slot, false);
    return taken;
  }
};

TEST_F(ShardCoreTake, a_taken_message_is_completed_and_never_delivered_again) {
  const std::uint64_t id = publish("a", "1");
  EXPECT_EQ(take(), "1");
  EXPECT_EQ(state(id), MessageState::completed);
  EXPECT_EQ(take(), "nothing");
  EXPECT_EQ(stats().acked, 1u);
  EXPECT_EQ(stats().leased_total, 1u);
  EXPECT_EQ(core().leases_out(), 0u);
  EXPECT_EQ(room(), 4u);
}

TEST_F(ShardCoreTake, messages_of_a_key_are_taken_in_order_one_after_the_other) {
  publish("a", "a1");
  publish("a", "a2");
  publish("b", "b1");
  EXPECT_EQ(take(), "a1");
  EXPECT_EQ(take(), "b1");
  EXPECT_EQ(take(), "a2");
}

TEST_F(ShardCoreTake, a_key_with_a_lease_gives_nothing) {
  publish("a", "1");
  publish("a", "2");
  const Grant lease = granted();
  EXPECT_EQ(take(), "nothing");
  ack(lease);
  EXPECT_EQ(take(), "2");
}

TEST_F(ShardCoreTake, the_bytes_stay_until_the_take_is_finished) {
  Block* const block = block_of(std::string(200, 'p'), "", "");
  publish({.block = block});
  const std::uint32_t slot = core().take(now_ns_);
  EXPECT_EQ(payload(slot), std::string(200, 'p'));
  EXPECT_EQ(core().take_freed_blocks(), nullptr);
  core().finish_taken(slot, false);
  EXPECT_EQ(core().take_freed_blocks(), block);
}

TEST_F(ShardCoreTake, the_taker_may_keep_the_block) {
  publish({.block = block_of("p", "", "t")});
  core().finish_taken(core().take(now_ns_), true);
  EXPECT_EQ(core().take_freed_blocks(), nullptr);
  EXPECT_EQ(room(), 4u);
}

TEST_F(ShardCoreTake, a_retried_message_that_is_taken_counts_as_a_redelivery) {
  publish("a", "1");
  nack(granted(), 0);
  pass(0);
  EXPECT_EQ(take(), "1");
  EXPECT_EQ(stats().redelivered, 1u);
}

TEST_F(ShardCoreTake, a_taken_message_has_no_deadline_left) {
  publish({.payload = "1", .ttl_ms = 10});
  EXPECT_EQ(take(), "1");
  EXPECT_EQ(core().next_due(), TimerWheel::kNever);
}

TEST_F(ShardCoreTake, a_message_that_an_old_lease_reads_stays_readable_after_it_was_taken) {
  publish("a", "1");
  const Grant zombie = granted();
  expire_and_retry();
  EXPECT_EQ(take(), "1");
  EXPECT_EQ(stats().pinned, 1u);
  EXPECT_EQ(payload(zombie.slot), "1");
  core().unpin(zombie.slot);
  EXPECT_EQ(stats().pinned, 0u);
}

}  // namespace
}  // namespace laneway::engine

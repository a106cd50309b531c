// Ordered runs: a stretch of one key under one lease, acknowledged cumulatively.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreRun : public CoreFixture {
 protected:
  ShardCoreRun() {
    options_.capacity = 40;
    options_.run_max = 3;
  }
  void publish_many(std::string_view key, int count) {
    for (int i = 1; i <= count; ++i) {
      publish(key, std::string(key) + std::to_string(i));
    }
  }
};

TEST_F(ShardCoreRun, a_run_holds_the_first_messages_of_its_key_up_to_run_max) {
  publish_many("a", 5);
  const Grant run = granted();
  EXPECT_EQ(name(run), "[a1 a2 a3]");
  EXPECT_TRUE(nothing_ready());
  EXPECT_EQ(core().leases_out(), 1u);
  EXPECT_EQ(stats().leased, 3u);
  EXPECT_EQ(stats().leased_total, 3u);
}

TEST_F(ShardCoreRun, a_run_is_no_longer_than_the_room_of_the_receive) {
  publish_many("a", 5);
  EXPECT_EQ(name(granted(2)), "[a1 a2]");
}

TEST_F(ShardCoreRun, a_run_of_one_needs_no_record) {
  publish_many("a", 1);
  publish_many("", 2);
  EXPECT_EQ(grant_all(), (Names{"a1", "1", "2"}));
}

TEST_F(ShardCoreRun, room_for_one_gives_a_run_of_one) {
  publish_many("a", 3);
  EXPECT_EQ(name(granted(1)), "a1");
}

TEST_F(ShardCoreRun, a_run_of_thirty_two_is_possible) {
  options_.run_max = 32;
  publish_many("a", 40);
  const Grant run = granted();
  EXPECT_EQ(core().run(run.run).size, 32u);
  ack(run);
  EXPECT_EQ(stats().acked, 32u);
  EXPECT_EQ(core().run(granted().run).size, 8u);
}

TEST_F(ShardCoreRun, an_acked_run_completes_all_its_messages_and_the_key_goes_on) {
  publish_many("a", 4);
  ack(granted());
  EXPECT_EQ(stats().acked, 3u);
  EXPECT_EQ(grant_all(), Names{"a4"});
}

TEST_F(ShardCoreRun, what_joins_while_a_run_is_out_waits_behind_it) {
  publish_many("a", 2);
  const Grant run = granted();
  publish("a", "a3");
  EXPECT_TRUE(nothing_ready());
  ack(run);
  EXPECT_EQ(grant_all(), Names{"a3"});
}

TEST_F(ShardCoreRun, a_nacked_run_fails_its_first_unacknowledged_message_and_revokes_the_rest) {
  publish_many("a", 3);
  const Grant run = granted();
  settle(run, LeaseEnd::nacked, nullptr, 1);
  EXPECT_EQ(state(1), MessageState::completed);
  EXPECT_EQ(state(2), MessageState::delayed);
  EXPECT_EQ(state(3), MessageState::blocked);
  EXPECT_EQ(slot_of(2).attempts, 1u);
  EXPECT_EQ(slot_of(3).attempts, 0u);
  EXPECT_EQ(stats().acked, 1u);
  EXPECT_EQ(stats().nacked, 1u);
  EXPECT_EQ(stats().revoked, 1u);
  EXPECT_TRUE(nothing_ready());
  pass(kBackoffMs);
  const Grant again = granted();
  EXPECT_EQ(name(again), "[a2 a3]");
  EXPECT_EQ(core().run(again.run).members[0].attempt, 2u);
  EXPECT_EQ(core().run(again.run).members[1].attempt, 1u);
}

TEST_F(ShardCoreRun, an_expired_run_keeps_its_acknowledged_prefix_and_goes_back_in_order) {
  publish_many("a", 3);
  const Grant zombie = granted();
  acked_prefix_ = 1;
  pass(kLeaseMs);
  EXPECT_EQ(state(1), MessageState::completed);
  EXPECT_EQ(state(2), MessageState::delayed);
  EXPECT_EQ(stats().lease_expired, 1u);
  EXPECT_EQ(stats().pinned, 1u);
  pass(kBackoffMs);
  EXPECT_EQ(grant_all(), Names{"[a2 a3]"});
  core().unpin_run(zombie.run);
  EXPECT_EQ(stats().pinned, 0u);
  EXPECT_EQ(core().leases_out(), 1u);
}

TEST_F(ShardCoreRun, an_expired_run_that_was_acknowledged_whole_has_not_failed) {
  publish_many("a", 2);
  const Grant zombie = granted();
  acked_prefix_ = 2;
  pass(kLeaseMs);
  EXPECT_EQ(stats().acked, 2u);
  EXPECT_EQ(stats().lease_expired, 0u);
  core().unpin_run(zombie.run);
  EXPECT_EQ(room(), 40u);
}

TEST_F(ShardCoreRun, a_released_run_goes_back_in_order_and_counts_nothing) {
  publish_many("a", 3);
  settle(granted(), LeaseEnd::released, nullptr, 1);
  EXPECT_EQ(stats().released, 1u);
  EXPECT_EQ(stats().revoked, 1u);
  const Grant again = granted();
  EXPECT_EQ(name(again), "[a2 a3]");
  EXPECT_EQ(core().run(again.run).members[0].attempt, 1u);
  EXPECT_EQ(core().run(again.run).members[1].attempt, 1u);
}

TEST_F(ShardCoreRun, a_rejected_member_is_dead_and_the_rest_is_granted_again) {
  publish_many("a", 3);
  settle(granted(), LeaseEnd::rejected, nullptr, 1);
  EXPECT_EQ(dead(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(grant_all(), Names{"a3"});
}

TEST_F(ShardCoreRun, with_detach_the_failed_member_leaves_and_the_rest_is_granted_at_once) {
  options_.on_failure = OnFailure::detach;
  publish_many("a", 3);
  nack(granted());
  const Grant rest = granted();
  EXPECT_EQ(name(rest), "[a2 a3]");
  pass(kBackoffMs);
  EXPECT_EQ(grant_all(), Names{"a1"});
}

TEST_F(ShardCoreRun, a_lease_that_acknowledged_its_only_message_before_it_expired_completed_it) {
  publish_many("a", 1);
  granted();
  acked_prefix_ = 1;
  pass(kLeaseMs);
  EXPECT_EQ(state(1), MessageState::completed);
  EXPECT_EQ(stats().pinned, 1u);
}

TEST_F(ShardCoreRun, a_zombie_run_pins_its_messages_through_resolving_and_new_runs) {
  publish_many("a", 3);
  const Grant zombie = granted();
  expire_and_retry();
  const Grant second = granted();
  ASSERT_NE(second.run, zombie.run);
  ack(second);
  EXPECT_EQ(stats().pinned, 3u);
  EXPECT_EQ(name(zombie), "[a1 a2 a3]");
  EXPECT_EQ(room(), 37u);
  publish_many("b", 3);
  EXPECT_EQ(grant_all(), Names{"[b1 b2 b3]"});
  EXPECT_EQ(name(zombie), "[a1 a2 a3]");
  core().unpin_run(zombie.run);
  EXPECT_EQ(stats().pinned, 0u);
  EXPECT_EQ(room(), 37u);  // what b holds
  ack_all();
  EXPECT_EQ(room(), 40u);
}

TEST_F(ShardCoreRun, when_zombies_hold_all_run_records_messages_are_granted_one_at_a_time) {
  options_.capacity = 2;
  options_.dead_max = 1;
  options_.attempts_max = 100;
  publish_many("a", 2);
  std::vector<Grant> zombies;
  for (std::uint64_t i = 0; i < options_.slots(); ++i) {
    zombies.push_back(granted());
    EXPECT_EQ(name(zombies.back()), "[a1 a2]");
    expire_and_retry();
  }
  const Grant alone = granted();
  EXPECT_EQ(name(alone), "a1");
  settle(alone, LeaseEnd::released);
  core().unpin_run(zombies.front().run);
  EXPECT_EQ(grant_all(), Names{"[a1 a2]"});
}

TEST_F(ShardCoreRun, a_run_has_one_timer_and_ends_as_a_whole_when_it_is_extended) {
  publish_many("a", 3);
  const Grant run = granted();
  extended_[run.slot] = tick(kLeaseMs + 50);
  pass(kLeaseMs);
  EXPECT_EQ(stats().leased, 3u);
  pass(50);
  EXPECT_EQ(stats().leased, 0u);
  EXPECT_EQ(stats().revoked, 2u);
}

TEST_F(ShardCoreRun, only_messages_in_the_lane_of_a_key_make_runs) {
  options_.on_failure = OnFailure::detach;
  publish_many("a", 3);
  settle(granted(1), LeaseEnd::nacked);
  pass(kBackoffMs);
  EXPECT_EQ(grant_all(), (Names{"[a2 a3]", "a1"}));
}

TEST_F(ShardCoreRun, each_leased_names_a_run_once_and_skips_what_it_just_took_back) {
  publish_many("a", 3);
  publish_many("b", 1);
  grant_all();
  std::vector<std::uint32_t> seen;
  core().each_leased([&](std::uint32_t slot) {
    seen.push_back(slot);
    core().settle(slot, LeaseEnd::taken_back, 0, nullptr, now_ns_);
  });
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(stats().leased, 0u);
  EXPECT_EQ(stats().released, 2u);
  EXPECT_EQ(stats().revoked, 2u);
}

}  // namespace
}  // namespace laneway::engine

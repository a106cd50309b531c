// Cancelling: what waits ends at once; what is leased ends CANCELLED unless it is acknowledged.
// Results: what an ack leaves behind.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreCancel : public CoreFixture {
 protected:
  ShardCoreCancel() { options_.capacity = 4; }

  bool cancel(std::uint64_t position) { return core().cancel(core().find(position), now_ns_); }
  // Leased, marked, ended: its state.
  MessageState end_of_cancelled(LeaseEnd end) {
    const std::uint64_t id = publish("a", "1");
    const Grant lease = granted();
    EXPECT_FALSE(cancel(id));
    EXPECT_EQ(state(id), MessageState::leased);
    settle(lease, end);
    return state(id);
  }
};

TEST_F(ShardCoreCancel, a_ready_message_ends_at_once_and_leaves_room) {
  const std::uint64_t id = publish("a", "1");
  EXPECT_TRUE(cancel(id));
  EXPECT_EQ(state(id), MessageState::cancelled);
  EXPECT_TRUE(nothing_ready());
  EXPECT_EQ(stats().cancelled, 1u);
  EXPECT_EQ(room(), 4u);
}

TEST_F(ShardCoreCancel, a_delayed_message_is_never_delivered) {
  const std::uint64_t id = publish({.key = "a", .delay_ms = 50, .ttl_ms = 80});
  EXPECT_TRUE(cancel(id));
  pass(100);
  EXPECT_TRUE(nothing_ready());
  EXPECT_EQ(state(id), MessageState::cancelled);
  EXPECT_EQ(stats().expired, 0u);
}

TEST_F(ShardCoreCancel, a_message_that_waits_for_its_retry_lets_its_key_go_on) {
  const std::uint64_t id = publish("a", "1");
  publish("a", "2");
  nack(granted(), 1'000);
  EXPECT_TRUE(nothing_ready());
  EXPECT_TRUE(cancel(id));
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(ShardCoreCancel, a_blocked_message_is_left_out_of_its_key) {
  publish("a", "1");
  const std::uint64_t second = publish("a", "2");
  publish("a", "3");
  EXPECT_TRUE(cancel(second));
  EXPECT_EQ(grant_all(), Names{"1"});
  ack_all();
  EXPECT_EQ(grant_all(), Names{"3"});
}

TEST_F(ShardCoreCancel, an_ack_wins_over_the_mark) {
  EXPECT_EQ(end_of_cancelled(LeaseEnd::acked), MessageState::completed);
  EXPECT_EQ(stats().cancelled, 0u);
}

TEST_F(ShardCoreCancel, every_other_end_of_a_marked_lease_is_cancelled) {
  for (const LeaseEnd end : {LeaseEnd::nacked, LeaseEnd::released, LeaseEnd::rejected,
                             LeaseEnd::abandoned, LeaseEnd::taken_back}) {
    EXPECT_EQ(end_of_cancelled(end), MessageState::cancelled) << static_cast<int>(end);
  }
  EXPECT_EQ(stats().cancelled, 5u);
  EXPECT_EQ(stats().dead, 0u);
}

TEST_F(ShardCoreCancel, a_marked_lease_that_expires_is_cancelled_and_keeps_its_bytes) {
  const std::uint64_t id = publish("a", "1");
  const Grant zombie = granted();
  EXPECT_FALSE(cancel(id));
  pass(kLeaseMs);
  EXPECT_EQ(state(id), MessageState::cancelled);
  EXPECT_EQ(payload(zombie.slot), "1");
  EXPECT_EQ(stats().pinned, 1u);
  core().unpin(zombie.slot);
  EXPECT_EQ(room(), 4u);
}

TEST_F(ShardCoreCancel, the_mark_of_one_message_is_not_inherited_by_the_next_in_its_slot) {
  EXPECT_EQ(end_of_cancelled(LeaseEnd::acked), MessageState::completed);
  const std::uint64_t next = publish("b", "2");
  nack(granted());
  EXPECT_EQ(state(next), MessageState::delayed);
}

TEST_F(ShardCoreCancel, a_marked_member_of_a_run_ends_when_the_run_is_revoked) {
  options_.run_max = 3;
  publish("a", "1");
  const std::uint64_t second = publish("a", "2");
  publish("a", "3");
  const Grant run = granted();
  EXPECT_FALSE(cancel(second));
  EXPECT_EQ(core().lease_of(core().find(second)), run.slot);
  settle(run, LeaseEnd::released);
  EXPECT_EQ(state(second), MessageState::cancelled);
  EXPECT_EQ(grant_all(), Names{"[1 3]"});
}

TEST_F(ShardCoreCancel, a_marked_member_acknowledged_before_the_run_failed_is_completed) {
  options_.run_max = 3;
  const std::uint64_t first = publish("a", "1");
  publish("a", "2");
  const Grant run = granted();
  EXPECT_FALSE(cancel(first));
  settle(run, LeaseEnd::nacked, nullptr, 1);
  EXPECT_EQ(state(first), MessageState::completed);
}

TEST_F(ShardCoreCancel, a_result_is_found_by_the_message_until_a_newer_one_takes_its_place) {
  options_.results = 2;
  const auto complete = [&](std::string_view result) {
    const std::uint64_t id = publish("a", "1");
    const Grant lease = granted();
    core().keep_result(lease.slot, result);
    ack(lease);
    return id;
  };
  const std::uint64_t first = complete("42");
  const std::uint64_t second = complete("");
  EXPECT_EQ(core().result(first), "42");
  EXPECT_EQ(core().result(second), "");
  const std::uint64_t third = complete("44");
  EXPECT_EQ(core().result(third), "44");
  EXPECT_EQ(core().result(first), "");
}

TEST_F(ShardCoreCancel, an_older_result_does_not_push_out_a_newer_one) {
  options_.results = 2;
  publish("a", "1");
  publish("b", "2");
  publish("c", "3");
  const Grant old = granted();
  (void)granted();
  const Grant young = granted();
  core().keep_result(young.slot, "young");
  core().keep_result(old.slot, "old");
  EXPECT_EQ(core().result(3), "young");
  EXPECT_EQ(core().result(1), "");
}

}  // namespace
}  // namespace laneway::engine

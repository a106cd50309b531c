// The message deadline: it ends waiting messages, and only these.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreDeadline : public CoreFixture {
 protected:
  ShardCoreDeadline() { options_.capacity = 4; }
};

TEST_F(ShardCoreDeadline, a_ready_message_expires_at_its_deadline_and_makes_no_dead_letter) {
  const std::uint64_t id = publish({.key = "a", .ttl_ms = 10});
  pass(9);
  EXPECT_EQ(state(id), MessageState::ready);
  pass(1);
  EXPECT_EQ(state(id), MessageState::expired);
  EXPECT_EQ(stats().expired, 1u);
  EXPECT_EQ(stats().dead_lettered, 0u);
  EXPECT_TRUE(nothing_ready());
  EXPECT_EQ(room(), 4u);
}

TEST_F(ShardCoreDeadline, a_blocked_message_expires_and_its_key_does_not_notice) {
  publish("a", "1");
  const std::uint64_t second = publish({.key = "a", .payload = "2", .ttl_ms = 10});
  publish("a", "3");
  const Grant lease = granted();
  pass(10);
  EXPECT_EQ(state(second), MessageState::expired);
  ack(lease);
  EXPECT_EQ(grant_all(), Names{"3"});
}

TEST_F(ShardCoreDeadline, the_next_of_a_key_is_ready_when_the_first_expires) {
  publish({.key = "a", .payload = "1", .ttl_ms = 10});
  publish("a", "2");
  pass(10);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(ShardCoreDeadline, a_delayed_message_expires_when_its_deadline_comes_first) {
  const std::uint64_t id = publish({.delay_ms = 20, .ttl_ms = 10});
  pass(10);
  EXPECT_EQ(state(id), MessageState::expired);
  EXPECT_EQ(core().next_due(), TimerWheel::kNever);
}

TEST_F(ShardCoreDeadline, a_message_due_at_its_deadline_expires_and_is_not_granted) {
  const std::uint64_t id = publish({.delay_ms = 10, .ttl_ms = 10});
  pass(10);
  EXPECT_EQ(state(id), MessageState::expired);
}

TEST_F(ShardCoreDeadline, a_delayed_message_keeps_its_deadline_after_it_is_due) {
  const std::uint64_t id = publish({.delay_ms = 10, .ttl_ms = 20});
  pass(10);
  EXPECT_EQ(state(id), MessageState::ready);
  pass(10);
  EXPECT_EQ(state(id), MessageState::expired);
}

TEST_F(ShardCoreDeadline, a_message_that_waits_for_its_retry_expires) {
  const std::uint64_t id = publish({.key = "a", .payload = "1", .ttl_ms = 20});
  publish("a", "2");
  nack(granted(), 1000);
  pass(20);
  EXPECT_EQ(state(id), MessageState::expired);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(ShardCoreDeadline, a_leased_message_runs_to_its_settle_past_its_deadline) {
  const std::uint64_t id = publish({.key = "a", .ttl_ms = 10});
  const Grant lease = granted();
  pass(50);
  EXPECT_EQ(state(id), MessageState::leased);
  ack(lease);
  EXPECT_EQ(state(id), MessageState::completed);
}

TEST_F(ShardCoreDeadline, a_message_nacked_or_released_after_its_deadline_expires_without_a_grant) {
  const std::uint64_t nacked = publish({.key = "a", .ttl_ms = 10});
  const std::uint64_t released = publish({.key = "b", .ttl_ms = 10});
  const Grant first = granted();
  const Grant second = granted();
  pass(50);
  nack(first);
  settle(second, LeaseEnd::released);
  EXPECT_TRUE(nothing_ready());
  EXPECT_EQ(state(released), MessageState::expired);
  pass(0);
  EXPECT_EQ(state(nacked), MessageState::expired);
}

TEST_F(ShardCoreDeadline, a_lease_that_expires_after_the_deadline_ends_its_message) {
  const std::uint64_t id = publish({.key = "a", .ttl_ms = 10});
  const Grant lease = granted();
  pass(kLeaseMs);
  EXPECT_EQ(state(id), MessageState::expired);
  EXPECT_EQ(stats().pinned, 1u);
  core().unpin(lease.slot);
  EXPECT_EQ(room(), 4u);
}

TEST_F(ShardCoreDeadline,
       when_attempts_are_used_up_the_message_is_dead_though_its_deadline_passed) {
  const std::uint64_t id = publish({.key = "a", .ttl_ms = 10, .attempts_max = 1});
  const Grant lease = granted();
  pass(50);
  nack(lease);
  EXPECT_EQ(state(id), MessageState::dead);
}

TEST_F(ShardCoreDeadline, a_replayed_message_has_no_deadline_any_more) {
  const std::uint64_t id = publish({.key = "a", .ttl_ms = 10});
  kill(id);
  pass(50);
  core().replay(core().find(id), 0, now_ns_);
  pass(0);
  EXPECT_EQ(state(id), MessageState::ready);
}

TEST_F(ShardCoreDeadline, a_late_message_is_not_granted_though_its_timer_is_behind) {
  publish({.payload = "late", .ttl_ms = 10});
  publish({.payload = "good"});
  now_ns_ += 10 * kTickNanos;  // nobody has advanced the core
  EXPECT_EQ(grant_all(), Names{"good"});
  EXPECT_EQ(stats().expired, 1u);
}

TEST_F(ShardCoreDeadline, a_late_message_is_not_taken_either) {
  publish({.payload = "late", .ttl_ms = 10});
  publish({.payload = "good"});
  now_ns_ += 10 * kTickNanos;
  const std::uint32_t slot = core().take(now_ns_);
  EXPECT_EQ(payload(slot), "good");
  core().finish_taken(slot, false);
  EXPECT_EQ(stats().expired, 1u);
}

TEST_F(ShardCoreDeadline, a_run_ends_before_a_message_whose_deadline_has_passed) {
  options_.run_max = 4;
  publish("a", "1");
  publish("a", "2");
  publish({.key = "a", .payload = "late", .ttl_ms = 10});
  publish("a", "4");
  now_ns_ += 10 * kTickNanos;
  const Grant run = granted();
  EXPECT_EQ(name(run), "[1 2]");
  advance(128);
  ack(run);
  EXPECT_EQ(grant_all(), Names{"4"});
}

TEST_F(ShardCoreDeadline, a_revoked_member_of_a_run_whose_deadline_passed_expires) {
  options_.run_max = 4;
  publish("a", "1");
  const std::uint64_t second = publish({.key = "a", .payload = "2", .ttl_ms = 10});
  const Grant run = granted();
  EXPECT_EQ(name(run), "[1 2]");
  pass(50);
  EXPECT_EQ(state(second), MessageState::leased);
  nack(run);
  pass(0);
  EXPECT_EQ(state(second), MessageState::expired);
}

// A step is bounded also when a jump of time has made the whole shard late.
TEST_F(ShardCoreDeadline, one_call_ends_a_bounded_number_of_late_messages) {
  options_.capacity = 1000;
  for (int i = 0; i < 1000; ++i) {
    publish({.ttl_ms = 10});
  }
  now_ns_ += 10 * kTickNanos;
  EXPECT_TRUE(nothing_ready());
  EXPECT_LE(stats().expired, kHoldItemsMax);
  EXPECT_GT(core().ready(), 0u);
  EXPECT_EQ(core().take(now_ns_), ShardCore::kNoSlot);
  EXPECT_LE(stats().expired, 2 * kHoldItemsMax);
  pass(0);
  EXPECT_EQ(stats().expired, 1000u);
}

}  // namespace
}  // namespace laneway::engine

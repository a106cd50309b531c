// Retries: attempts, back-off, leases that expire or are extended.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreRetry : public CoreFixture {};

TEST_F(ShardCoreRetry, a_nacked_message_is_due_again_after_its_back_off) {
  const std::uint64_t id = publish("a", "1");
  nack(granted());
  EXPECT_EQ(state(id), MessageState::delayed);
  EXPECT_EQ(core().due_tick(core().find(id)), tick(kBackoffMs));
  pass(kBackoffMs - 1);
  EXPECT_TRUE(nothing_ready());
  pass(1);
  EXPECT_EQ(granted().attempt, 2u);
}

TEST_F(ShardCoreRetry, the_back_off_doubles_with_each_attempt_up_to_its_cap) {
  options_.attempts_max = 10;
  options_.backoff = {std::chrono::milliseconds(10), std::chrono::milliseconds(50),
                      std::chrono::milliseconds(1)};
  const std::uint64_t id = publish("a", "1");
  for (const std::uint64_t top : {10u, 20u, 40u, 50u, 50u}) {
    nack(granted());
    EXPECT_GE(core().due_tick(core().find(id)), tick(1));
    EXPECT_LE(core().due_tick(core().find(id)), tick(top));
    pass(top);
  }
}

TEST_F(ShardCoreRetry, an_explicit_delay_replaces_the_back_off) {
  const std::uint64_t id = publish("a", "1");
  nack(granted(), 77);
  EXPECT_EQ(core().due_tick(core().find(id)), tick(77));
  pass(77);
  EXPECT_EQ(granted().attempt, 2u);
}

TEST_F(ShardCoreRetry, an_explicit_delay_of_zero_is_due_in_the_next_step) {
  publish("a", "1");
  nack(granted(), 0);
  EXPECT_TRUE(nothing_ready());
  pass(0);
  EXPECT_EQ(grant_all(), Names{"1"});
}

TEST_F(ShardCoreRetry, the_last_attempt_allowed_is_granted_and_its_failure_is_the_end) {
  const std::uint64_t id = publish("a", "1");
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    const Grant lease = granted();
    EXPECT_EQ(lease.attempt, attempt);
    nack(lease, 0);
    pass(0);
  }
  EXPECT_EQ(state(id), MessageState::dead);
  EXPECT_EQ(stats().nacked, 3u);
  EXPECT_EQ(stats().redelivered, 2u);
}

TEST_F(ShardCoreRetry, a_message_may_bring_its_own_number_of_attempts) {
  const std::uint64_t id = publish({.key = "a", .attempts_max = 1});
  nack(granted());
  EXPECT_EQ(state(id), MessageState::dead);
}

TEST_F(ShardCoreRetry, sixty_thousand_attempts_can_be_counted) {
  const std::uint64_t id = publish({.key = "a", .attempts_max = kAttemptsMax});
  for (std::uint32_t attempt = 1; attempt <= kAttemptsMax; ++attempt) {
    const Grant lease = granted();
    ASSERT_EQ(lease.attempt, attempt);
    nack(lease, 0);
    advance(8);
  }
  EXPECT_EQ(state(id), MessageState::dead);
  EXPECT_EQ(slot_of(id).attempts, kAttemptsMax);
}

TEST_F(ShardCoreRetry, an_abandoned_lease_is_a_failed_attempt) {
  const std::uint64_t id = publish("a", "1");
  settle(granted(), LeaseEnd::abandoned);
  EXPECT_EQ(state(id), MessageState::delayed);
  EXPECT_EQ(stats().abandoned, 1u);
  EXPECT_EQ(stats().nacked, 0u);
  EXPECT_EQ(core().leases_out(), 0u);
}

TEST_F(ShardCoreRetry, a_rejected_message_is_dead_at_once_and_never_retried) {
  const std::uint64_t id = publish("a", "1");
  settle(granted(), LeaseEnd::rejected);
  EXPECT_EQ(state(id), MessageState::dead);
  pass(1'000'000);
  EXPECT_TRUE(nothing_ready());
}

TEST_F(ShardCoreRetry, a_lease_does_not_end_before_its_deadline) {
  const std::uint64_t id = publish("a", "1");
  granted();
  pass(kLeaseMs - 1);
  EXPECT_EQ(state(id), MessageState::leased);
  pass(1);
  EXPECT_EQ(state(id), MessageState::delayed);
  EXPECT_EQ(stats().lease_expired, 1u);
}

TEST_F(ShardCoreRetry, an_extended_lease_ends_at_its_later_deadline) {
  const std::uint64_t id = publish("a", "1");
  const Grant lease = granted();
  extended_[lease.slot] = tick(kLeaseMs + 50);
  pass(kLeaseMs + 49);
  EXPECT_EQ(state(id), MessageState::leased);
  pass(1);
  EXPECT_EQ(state(id), MessageState::delayed);
}

TEST_F(ShardCoreRetry, a_settled_lease_is_not_judged_any_more) {
  publish("a", "1");
  ack(granted());
  EXPECT_EQ(core().next_due(), TimerWheel::kNever);
  EXPECT_EQ(advance(128).nodes, 0u);
}

TEST_F(ShardCoreRetry, a_judge_may_leave_a_lease_alone_whose_final_entry_is_on_the_way) {
  const std::uint64_t id = publish("a", "1");
  const Grant lease = granted();
  now_ns_ += static_cast<std::int64_t>(kLeaseMs) * kTickNanos;
  core().advance(now_ns_, 128, [](std::uint32_t) {});
  EXPECT_EQ(state(id), MessageState::leased);
  ack(lease);
  EXPECT_EQ(state(id), MessageState::completed);
}

TEST_F(ShardCoreRetry, a_lease_may_be_ended_by_the_engine_before_its_timer_fires) {
  const std::uint64_t id = publish({.key = "a", .attempts_max = 1});
  const Grant lease = granted();
  settle(lease, LeaseEnd::expired);
  EXPECT_EQ(state(id), MessageState::dead);
  pass(kLeaseMs);
  EXPECT_EQ(state(id), MessageState::dead);
  core().unpin(lease.slot);
}

TEST_F(ShardCoreRetry, the_same_seed_draws_the_same_back_offs_and_another_seed_others) {
  options_.backoff = {std::chrono::milliseconds(1'000'000), std::chrono::milliseconds(1'000'000),
                      std::chrono::milliseconds(1)};
  const auto delay = [&](std::uint64_t seed) {
    options_.seed = seed;
    const auto size = [&] {
      ArenaSize total;
      ShardCore::measure(options_, &total);
      return total.bytes();
    };
    Arena arena(size());
    ShardCore core(options_, &arena, now_ns_);
    core.accept({}, options_.first_position, now_ns_);
    Grant lease = {};
    EXPECT_TRUE(core.grant({tick(kLeaseMs), 1, 1}, now_ns_, &lease));
    core.settle(lease.slot, LeaseEnd::nacked, 0, nullptr, now_ns_);
    return core.due_tick(lease.slot);
  };
  EXPECT_EQ(delay(1), delay(1));
  EXPECT_NE(delay(1), delay(2));
}

TEST_F(ShardCoreRetry,
       a_thousand_leases_that_end_at_once_are_judged_within_the_budget_of_each_step) {
  options_.capacity = 1000;
  options_.backoff = {std::chrono::milliseconds(60'000), std::chrono::milliseconds(60'000),
                      std::chrono::milliseconds(60'000)};
  for (int i = 0; i < 1000; ++i) {
    publish("", "x");
  }
  grant_all();
  now_ns_ += static_cast<std::int64_t>(kLeaseMs) * kTickNanos;
  int steps = 0;
  for (bool more = true; more; ++steps) {
    const WheelProgress progress = advance(128);
    EXPECT_LE(progress.nodes, 128u);
    more = progress.more;
  }
  EXPECT_LE(steps, 17);  // each lease is moved at most once and fired once
  EXPECT_EQ(stats().lease_expired, 1000u);
}

}  // namespace
}  // namespace laneway::engine

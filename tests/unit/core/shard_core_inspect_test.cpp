// Inspection: states, remembered outcomes, counters, ages, and when there is something to do.
#include "tests/unit/core/core_fixture.hpp"

#include <array>

namespace laneway::engine {
namespace {

class ShardCoreInspect : public CoreFixture {
 protected:
  ShardCoreInspect() { options_.capacity = 4; }
};

TEST_F(ShardCoreInspect, a_position_that_was_never_accepted_is_unknown) {
  options_.first_position = 100;
  const std::uint64_t id = publish("a", "1");
  EXPECT_EQ(id, 100u);
  EXPECT_EQ(state(99), MessageState::unknown);
  EXPECT_EQ(state(101), MessageState::unknown);
  EXPECT_EQ(state(0), MessageState::unknown);
  EXPECT_EQ(core().find(99), ShardCore::kNoSlot);
}

TEST_F(ShardCoreInspect, outcomes_of_the_last_n_positions_are_remembered_and_no_others) {
  options_.outcomes = 2;
  for (int i = 0; i < 3; ++i) {
    publish("", "x");
    ack(granted());
  }
  EXPECT_EQ(state(1), MessageState::unknown);
  EXPECT_EQ(state(2), MessageState::completed);
  EXPECT_EQ(state(3), MessageState::completed);
  publish("", "x");
  EXPECT_EQ(state(2), MessageState::unknown);
  EXPECT_EQ(state(3), MessageState::completed);
}

TEST_F(ShardCoreInspect, a_message_that_resolves_after_its_window_does_not_overwrite_a_newer_one) {
  options_.outcomes = 2;
  publish("a", "1");
  const Grant old = granted();
  publish("b", "2");
  ack(granted());
  publish("c", "3");
  settle(granted(), LeaseEnd::rejected);
  core().discard(core().find(3), now_ns_);
  ack(old);
  EXPECT_EQ(state(1), MessageState::unknown);
  EXPECT_EQ(state(2), MessageState::completed);
  EXPECT_EQ(state(3), MessageState::discarded);
}

TEST_F(ShardCoreInspect, a_live_message_is_known_however_old_it_is) {
  options_.outcomes = 1;
  publish("a", "1");
  const Grant old = granted();
  for (int i = 0; i < 100; ++i) {
    publish("", "x");
    ack(granted());
  }
  EXPECT_EQ(state(1), MessageState::leased);
  nack(old);
  EXPECT_EQ(state(1), MessageState::delayed);
}

TEST_F(ShardCoreInspect, positions_beyond_thirty_two_bits_are_told_apart) {
  options_.first_position = 0xffff'ffff;
  const std::uint64_t last = publish("a", "1");
  const std::uint64_t first = publish("b", "2");
  EXPECT_EQ(slot_of(last).position, 0xffff'ffffu);
  EXPECT_EQ(slot_of(first).position, 0x1'0000'0000u);
  EXPECT_EQ(core().find(0), ShardCore::kNoSlot);
  EXPECT_EQ(core().find(0x2'0000'0000), ShardCore::kNoSlot);
}

TEST_F(ShardCoreInspect, the_gauges_count_messages_by_state) {
  options_.capacity = 8;
  publish("a", "1");
  publish("a", "2");
  publish("", "3");
  publish({.delay_ms = 10});
  granted();
  const QueueStats now = stats();
  EXPECT_EQ(now.leased, 1u);
  EXPECT_EQ(now.blocked, 1u);
  EXPECT_EQ(now.ready, 1u);
  EXPECT_EQ(now.delayed, 1u);
  EXPECT_EQ(now.capacity, 8u);
  EXPECT_EQ(now.keys_active, 1u);
  EXPECT_EQ(now.published, 4u);
}

TEST_F(ShardCoreInspect, grants_after_the_first_attempt_count_as_redelivered) {
  publish("a", "1");
  nack(granted(), 0);
  pass(0);
  settle(granted(), LeaseEnd::released);
  granted();
  EXPECT_EQ(stats().redelivered, 2u);
  EXPECT_EQ(stats().leased_total, 3u);
}

TEST_F(ShardCoreInspect, time_in_queue_and_time_in_hand_are_recorded) {
  publish("a", "1");
  pass(5);
  const Grant lease = granted();
  pass(7);
  ack(lease);
  const QueueStats now = stats();
  EXPECT_EQ(now.queue_wait.count, 1u);
  EXPECT_EQ(now.queue_wait.sum_us, 5000u);
  EXPECT_EQ(now.processing.count, 1u);
  EXPECT_EQ(now.processing.sum_us, 7000u);
}

TEST_F(ShardCoreInspect, acks_of_equal_and_of_different_times_in_hand_add_up) {
  for (const char* payload : {"1", "2", "3", "4"}) {
    publish("", payload);
  }
  const std::array<Grant, 3> leases = {granted(), granted(), granted()};
  pass(7);
  ack(leases[0]);
  ack(leases[1]);
  pass(2);
  ack(leases[2]);
  const QueueStats now = stats();
  EXPECT_EQ(now.processing.count, 3u);
  EXPECT_EQ(now.processing.sum_us, 7000u + 7000u + 9000u);
  EXPECT_EQ(now.processing.buckets[12], 2u);
  EXPECT_EQ(now.processing.buckets[13], 1u);
  EXPECT_EQ(now.acked, 3u);
  EXPECT_EQ(now.leased, 0u);
}

TEST_F(ShardCoreInspect, the_age_of_the_oldest_ready_message_is_that_of_the_first) {
  EXPECT_EQ(stats().oldest_ready_age.count(), 0);
  publish("", "1");
  pass(5);
  publish("", "2");
  pass(5);
  EXPECT_EQ(stats().oldest_ready_age.count(), 10);
  granted();
  EXPECT_EQ(stats().oldest_ready_age.count(), 5);
}

TEST_F(ShardCoreInspect, a_release_does_not_make_the_oldest_ready_message_look_young) {
  publish("", "1");
  const Grant lease = granted();
  publish("", "2");
  pass(20);
  settle(lease, LeaseEnd::released);
  EXPECT_EQ(stats().oldest_ready_age.count(), 20);
}

TEST_F(ShardCoreInspect, the_age_of_the_oldest_dead_letter_is_shown) {
  kill(publish("a", "1"));
  pass(30);
  kill(publish("a", "2"));
  EXPECT_EQ(stats().oldest_dead_age.count(), 30);
}

TEST_F(ShardCoreInspect, next_due_names_the_earliest_timer_and_never_when_there_is_none) {
  core();
  EXPECT_EQ(core().next_due(), TimerWheel::kNever);
  publish({.delay_ms = 100});
  EXPECT_LE(core().next_due(), tick(100));
  publish({.delay_ms = 3});
  EXPECT_EQ(core().next_due(), tick(3));
  publish({.ttl_ms = 2});
  EXPECT_EQ(core().next_due(), tick(2));
}

TEST_F(ShardCoreInspect, a_message_without_times_arms_nothing) {
  publish("a", "1");
  publish("a", "2");
  EXPECT_EQ(core().next_due(), TimerWheel::kNever);
}

TEST_F(ShardCoreInspect, the_core_is_a_function_of_its_inputs) {
  const auto run = [&] {
    ArenaSize size;
    ShardCore::measure(options_, &size);
    Arena arena(size.bytes());
    ShardCore core(options_, &arena, now_ns_);
    std::vector<std::uint64_t> seen;
    for (std::uint64_t id = 1; id <= 4; ++id) {
      core.accept({}, id, now_ns_);
    }
    for (Grant lease = {}; core.grant({tick(1), 1, 1}, now_ns_, &lease);) {
      seen.push_back(core.slot(lease.slot).position);
      core.settle(lease.slot, LeaseEnd::nacked, 0, nullptr, now_ns_);
      seen.push_back(core.due_tick(lease.slot));
    }
    return seen;
  };
  options_.backoff.cap = std::chrono::milliseconds(100'000);
  options_.backoff.first = std::chrono::milliseconds(100'000);
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace laneway::engine

// Capacity: what counts, what does not, and that there is always a slot for what was promised one.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreCapacity : public CoreFixture {
 protected:
  // Publishes as much as the limit allows.
  std::uint64_t fill() {
    std::uint64_t published = 0;
    for (; room() > 0; ++published) {
      publish("", "x");
    }
    return published;
  }
  void replay(std::uint64_t position) { core().replay(core().find(position), 0, now_ns_); }
};

TEST_F(ShardCoreCapacity, ready_delayed_blocked_and_leased_messages_count) {
  options_.capacity = 4;
  core();
  EXPECT_EQ(room(), 4u);
  publish("a", "1");
  publish("a", "2");
  publish({.delay_ms = 10});
  publish("", "4");
  EXPECT_EQ(room(), 0u);
  const Grant lease = granted();
  EXPECT_EQ(room(), 0u);
  ack(lease);
  EXPECT_EQ(room(), 1u);
}

TEST_F(ShardCoreCapacity, the_limit_never_falls) {
  options_.dead_max = 1;
  std::uint64_t last = core().limit();
  const auto check = [&] {
    EXPECT_GE(core().limit(), last);
    last = core().limit();
  };
  for (int round = 0; round < 20; ++round) {
    fill();
    check();
    for (Grant lease = {}; grant(&lease);) {
      settle(lease, round % 3 == 0 ? LeaseEnd::rejected : LeaseEnd::acked);
      check();
    }
    for (const std::uint64_t id : dead()) {
      round % 2 == 0 ? replay(id) : core().discard(core().find(id), now_ns_);
      check();
    }
  }
}

TEST_F(ShardCoreCapacity, a_full_shard_turns_over_for_ever_in_the_same_slots) {
  for (int round = 0; round < 1000; ++round) {
    EXPECT_EQ(fill(), 2u);
    grant_all();
    ack_all();
  }
}

TEST_F(ShardCoreCapacity, dead_letters_do_not_count) {
  kill(publish("a", "1"));
  kill(publish("a", "2"));
  EXPECT_EQ(room(), 2u);
  EXPECT_EQ(fill(), 2u);
}

TEST_F(ShardCoreCapacity, a_replayed_message_takes_no_room_from_publishers) {
  kill(publish("a", "1"));
  kill(publish("a", "2"));
  replay(1);
  replay(2);
  EXPECT_EQ(fill(), 2u);
  EXPECT_EQ(grant_all().size(), 3u);  // one key waits for its first
}

TEST_F(ShardCoreCapacity, a_message_pinned_by_an_old_lease_counts_until_the_lease_dies) {
  publish({.key = "a", .ttl_ms = 1});
  const Grant zombie = granted();
  pass(kLeaseMs);
  EXPECT_EQ(state(1), MessageState::expired);
  EXPECT_EQ(room(), 1u);
  core().unpin(zombie.slot);
  EXPECT_EQ(room(), 2u);
}

TEST_F(ShardCoreCapacity, each_old_lease_of_a_message_must_die_before_its_slot_is_free) {
  publish("a", "1");
  const Grant first = granted();
  expire_and_retry();
  const Grant second = granted();
  expire_and_retry();
  ack(granted());
  EXPECT_EQ(core().leases_out(), 2u);
  core().unpin(second.slot);
  EXPECT_EQ(stats().pinned, 1u);
  EXPECT_EQ(room(), 1u);
  core().unpin(first.slot);
  EXPECT_EQ(stats().pinned, 0u);
  EXPECT_EQ(room(), 2u);
}

TEST_F(ShardCoreCapacity, payload_stays_readable_until_the_expired_lease_dies) {
  const std::string long_payload(300, 'p');
  Block* const block = block_of(long_payload, "", "");
  publish({.key = "a", .ttl_ms = 1, .block = block});
  const Grant zombie = granted();
  pass(kLeaseMs);
  EXPECT_EQ(core().take_freed_blocks(), nullptr);
  publish("b", "stranger");
  EXPECT_EQ(payload(zombie.slot), long_payload);
  EXPECT_EQ(core().slot(zombie.slot).key_view(), "a");
  core().unpin(zombie.slot);
  EXPECT_EQ(core().take_freed_blocks(), block);
}

// As long as replayed ones fill the room for dead letters, a new one holds its place in the queue.
TEST_F(ShardCoreCapacity,
       a_letter_beyond_its_bound_gives_its_place_back_when_replayed_ones_finish) {
  options_.capacity = 1;
  options_.dead_max = 1;
  kill(publish("a", "1"));
  replay(1);
  const Grant replayed = granted();
  kill(publish("b", "2"));
  EXPECT_EQ(dead(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(room(), 0u);
  ack(replayed);
  EXPECT_EQ(room(), 1u);
  EXPECT_EQ(dead(), std::vector<std::uint64_t>{2});
}

TEST_F(ShardCoreCapacity, replayed_messages_in_hand_do_not_cost_a_dead_letter) {
  kill(publish("a", "1"));
  kill(publish("a", "2"));
  replay(1);
  replay(2);
  const Grant first = granted();  // both stay unresolved
  kill(publish("b", "3"));
  kill(publish("b", "4"));
  EXPECT_EQ(dead(), (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(stats().discarded, 0u);
  EXPECT_EQ(room(), 0u);
  ack(first);
  EXPECT_EQ(room(), 1u);
  ack(granted());
  EXPECT_EQ(room(), 2u);
}

TEST_F(ShardCoreCapacity,
       a_discarded_letter_that_is_pinned_counts_as_a_dead_letter_until_it_is_free) {
  options_.dead_max = 1;
  publish({.key = "a", .attempts_max = 1});
  const Grant zombie = granted();
  pass(kLeaseMs);
  core().discard(core().find(1), now_ns_);
  EXPECT_EQ(stats().pinned, 1u);
  EXPECT_EQ(room(), 2u);
  kill(publish("b", "2"));
  EXPECT_EQ(room(), 1u);
  core().unpin(zombie.slot);
  EXPECT_EQ(room(), 2u);
}

TEST_F(ShardCoreCapacity, a_shard_of_one_slot_and_one_dead_letter_works) {
  options_.capacity = 1;
  options_.dead_max = 1;
  for (int i = 0; i < 10; ++i) {
    kill(publish("a", "x"));
    EXPECT_EQ(fill(), 1u);
    grant_all();
    ack_all();
  }
  EXPECT_EQ(stats().discarded, 9u);
}

#ifndef LANEWAY_RELEASE
TEST_F(ShardCoreCapacity, a_message_beyond_the_limit_is_a_mistake_of_the_caller_and_stops_us) {
  options_.dead_max = 1;
  publish("", "1");
  publish("", "2");
  publish("", "3");  // in the slot that is kept for a dead letter
  EXPECT_DEATH(publish("", "4"), "fresh_");
}
#endif

}  // namespace
}  // namespace laneway::engine

// Dead letters: why they died, what they tell, where they go.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

class ShardCoreDeadLetter : public CoreFixture {
 protected:
  ShardCoreDeadLetter() { options_.capacity = 4; }

  std::vector<AttemptStory::Record> story(std::uint64_t position) {
    std::vector<AttemptStory::Record> records;
    core().story().each(slot_of(position), [&](const AttemptStory::Record& record) {
      records.insert(records.begin(), record);
    });
    return records;
  }
  DeadReason reason(std::uint64_t position) {
    return static_cast<DeadReason>(slot_of(position).reason);
  }
  void replay(std::uint64_t position) { core().replay(core().find(position), 0, now_ns_); }
  void discard(std::uint64_t position) { core().discard(core().find(position), now_ns_); }
};

TEST_F(ShardCoreDeadLetter, a_letter_tells_why_it_is_dead) {
  const std::uint64_t used_up = publish({.key = "a", .attempts_max = 1});
  const std::uint64_t rejected = publish("b", "2");
  nack(granted());
  settle(granted(), LeaseEnd::rejected);
  EXPECT_EQ(reason(used_up), DeadReason::attempts);
  EXPECT_EQ(reason(rejected), DeadReason::rejected);
}

TEST_F(ShardCoreDeadLetter, a_letter_tells_the_story_of_its_attempts) {
  const std::uint64_t id = publish("a", "1");
  const std::int64_t published_ns = now_ns_;
  pass(5);
  const FailureNote first = note_of("connection refused", 42);
  const std::int64_t granted_ns = now_ns_;
  const Grant lease = granted();
  pass(3);
  settle(lease, LeaseEnd::nacked, &first);
  const std::int64_t failed_ns = now_ns_;
  pass(kBackoffMs);
  const Grant zombie = granted();
  expire_and_retry();
  const FailureNote last = note_of("no such account", 7);
  settle(granted(), LeaseEnd::rejected, &last);

  const auto told = story(id);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].number, 1u);
  EXPECT_EQ(told[0].end, AttemptEnd::nacked);
  EXPECT_EQ(told[0].error_class, 42u);
  EXPECT_EQ(std::string_view(told[0].text, told[0].text_bytes), "connection refused");
  EXPECT_EQ(told[0].granted_ns, granted_ns);
  EXPECT_EQ(told[0].ended_ns, failed_ns);
  EXPECT_EQ(told[0].consumer, 7u);
  EXPECT_EQ(told[1].end, AttemptEnd::expired);
  EXPECT_EQ(told[1].text_bytes, 0u);
  EXPECT_EQ(told[2].number, 3u);
  EXPECT_EQ(told[2].end, AttemptEnd::rejected);
  EXPECT_EQ(core().story().newest(slot_of(id)).error_class, 7u);
  EXPECT_EQ(slot_of(id).published_ns, published_ns);
  core().unpin(zombie.slot);
}

TEST_F(ShardCoreDeadLetter, a_release_is_no_part_of_the_story) {
  const std::uint64_t id = publish({.key = "a", .attempts_max = 2});
  settle(granted(), LeaseEnd::released);
  nack(granted(), 0);
  pass(0);
  settle(granted(), LeaseEnd::released);
  nack(granted());
  const auto told = story(id);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].number, 1u);
  EXPECT_EQ(told[1].number, 2u);
}

TEST_F(ShardCoreDeadLetter, the_story_keeps_the_last_thirty_two_attempts) {
  options_.attempts_max = 40;
  const std::uint64_t id = publish("a", "1");
  for (int i = 0; i < 40; ++i) {
    nack(granted(), 0);
    pass(0);
  }
  const auto told = story(id);
  ASSERT_EQ(told.size(), 32u);
  EXPECT_EQ(told.front().number, 9u);
  EXPECT_EQ(told.back().number, 40u);
}

TEST_F(ShardCoreDeadLetter, letters_are_listed_in_the_order_of_their_deaths) {
  options_.dead_max = 4;
  publish("a", "1");
  publish("b", "2");
  const Grant first = granted();
  const Grant second = granted();
  settle(second, LeaseEnd::rejected);
  settle(first, LeaseEnd::rejected);
  EXPECT_EQ(dead(), (std::vector<std::uint64_t>{2, 1}));
}

TEST_F(ShardCoreDeadLetter, no_two_letters_of_a_shard_have_one_time_of_death) {
  kill(publish("a", "1"));
  kill(publish("a", "2"));
  EXPECT_LT(slot_of(1).since_ns, slot_of(2).since_ns);
}

TEST_F(ShardCoreDeadLetter, a_listing_ends_when_its_reader_has_enough) {
  kill(publish("a", "1"));
  kill(publish("a", "2"));
  int seen = 0;
  core().each_dead([&](std::uint32_t) { return ++seen < 1; });
  EXPECT_EQ(seen, 1);
}

TEST_F(ShardCoreDeadLetter, the_oldest_letter_makes_room_for_the_newest_and_is_counted) {
  for (std::uint64_t id = 1; id <= 3; ++id) {
    kill(publish("a", "x"));
  }
  EXPECT_EQ(dead(), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(state(1), MessageState::discarded);
  EXPECT_EQ(stats().discarded, 1u);
  EXPECT_EQ(stats().dead_lettered, 3u);
}

TEST_F(ShardCoreDeadLetter, a_discarded_letter_is_gone_and_remembered_as_discarded) {
  kill(publish("a", "1"));
  discard(1);
  EXPECT_EQ(state(1), MessageState::discarded);
  EXPECT_TRUE(dead().empty());
  EXPECT_EQ(core().find(1), ShardCore::kNoSlot);
}

TEST_F(ShardCoreDeadLetter, a_replay_starts_a_new_life_at_the_end_of_the_key) {
  kill(publish("a", "1"));
  publish("a", "2");
  replay(1);
  EXPECT_EQ(state(1), MessageState::blocked);
  EXPECT_TRUE(story(1).empty());
  EXPECT_EQ(grant_all(), Names{"2"});
  ack_all();
  const Grant again = granted();
  EXPECT_EQ(payload(again.slot), "1");
  EXPECT_EQ(again.attempt, 1u);
  ack(again);
  EXPECT_EQ(state(1), MessageState::completed);
  EXPECT_EQ(stats().replayed, 1u);
}

TEST_F(ShardCoreDeadLetter, a_replayed_message_can_die_again_and_tells_its_new_story_only) {
  options_.attempts_max = 1;
  publish("a", "1");
  nack(granted());
  replay(1);
  nack(granted());
  EXPECT_EQ(dead(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(story(1).size(), 1u);
}

TEST_F(ShardCoreDeadLetter, a_letter_that_old_leases_still_read_can_be_replayed_and_finished) {
  publish({.key = "a", .payload = "1", .attempts_max = 1});
  const Grant zombie = granted();
  pass(kLeaseMs);
  ASSERT_EQ(state(1), MessageState::dead);
  replay(1);
  ack(granted());
  EXPECT_EQ(state(1), MessageState::completed);
  EXPECT_EQ(payload(zombie.slot), "1");
  EXPECT_EQ(stats().pinned, 1u);
  core().unpin(zombie.slot);
  EXPECT_EQ(stats().pinned, 0u);
  EXPECT_EQ(room(), 4u);
}

TEST_F(ShardCoreDeadLetter, a_dead_detached_message_joins_its_key_again_when_it_is_replayed) {
  options_.on_failure = OnFailure::detach;
  publish({.key = "a", .payload = "1", .attempts_max = 2});
  nack(granted(), 0);
  pass(0);
  nack(granted());
  ASSERT_EQ(state(1), MessageState::dead);
  publish("a", "2");
  replay(1);
  EXPECT_EQ(state(1), MessageState::blocked);
}

}  // namespace
}  // namespace laneway::engine

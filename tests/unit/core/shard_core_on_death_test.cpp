// What a death does to the rest of its key, and how an operator lets the key go on. Replay over
// time, and dead letters that grow old.
#include "tests/unit/core/core_fixture.hpp"

namespace laneway::engine {
namespace {

using Positions = std::vector<std::uint64_t>;

class ShardCoreOnDeath : public CoreFixture {
 protected:
  ShardCoreOnDeath() {
    options_.capacity = 8;
    options_.dead_max = 8;
  }

  void publish_all(std::string_view key, std::initializer_list<std::string_view> payloads) {
    for (const std::string_view payload : payloads) {
      publish(key, payload);
    }
  }
  void reject_next() { settle(granted(), LeaseEnd::rejected); }
  void replay(std::uint64_t position, std::uint64_t after_ms = 0) {
    const std::uint64_t due = after_ms == 0 ? 0 : tick(after_ms);
    core().replay(core().find(position), due, now_ns_);
  }
  void discard(std::uint64_t position) { core().discard(core().find(position), now_ns_); }
  bool release(std::string_view key) { return core().release_key(key, key_hash(key), now_ns_); }
  DeadReason reason(std::uint64_t position) {
    return static_cast<DeadReason>(slot_of(position).reason);
  }
};

class HoldKey : public ShardCoreOnDeath {
 protected:
  HoldKey() { options_.on_death = OnDeath::hold_key; }
};

class DivertKey : public ShardCoreOnDeath {
 protected:
  DivertKey() { options_.on_death = OnDeath::divert_key; }
};

TEST_F(ShardCoreOnDeath, by_default_the_key_goes_on_after_a_death) {
  publish_all("a", {"1", "2"});
  reject_next();
  EXPECT_EQ(stats().keys_stopped, 0u);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(ShardCoreOnDeath, deaths_are_counted_by_their_reason) {
  publish({.key = "a", .attempts_max = 1});
  publish("b", "2");
  nack(granted());
  reject_next();
  EXPECT_EQ(stats().dead_lettered, 2u);
  EXPECT_EQ(stats().dead_attempts, 1u);
  EXPECT_EQ(stats().dead_rejected, 1u);
}

TEST_F(HoldKey, a_death_stops_its_key_and_no_other_one) {
  publish_all("a", {"1", "2"});
  reject_next();
  publish_all("a", {"3"});
  publish_all("b", {"4"});
  EXPECT_EQ(grant_all(), Names{"4"});
  EXPECT_EQ(stats().keys_stopped, 1u);
  EXPECT_EQ(stats().blocked, 2u);
  EXPECT_EQ(state(1), MessageState::dead);
}

TEST_F(HoldKey, a_message_without_a_key_stops_nothing) {
  publish_all("", {"1", "2"});
  reject_next();
  EXPECT_EQ(stats().keys_stopped, 0u);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(HoldKey, a_replayed_message_takes_its_old_place_at_the_head) {
  publish_all("a", {"1", "2"});
  reject_next();
  replay(1);
  EXPECT_EQ(stats().keys_stopped, 0u);
  EXPECT_EQ(grant_all(), Names{"1"});
  ack_all();
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(HoldKey, a_discard_lets_the_key_go_on) {
  publish_all("a", {"1", "2"});
  reject_next();
  discard(1);
  EXPECT_EQ(stats().keys_stopped, 0u);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(HoldKey, a_released_key_goes_on_and_its_letter_stays_dead) {
  publish_all("a", {"1", "2"});
  reject_next();
  EXPECT_FALSE(release("b"));
  EXPECT_TRUE(release("a"));
  EXPECT_FALSE(release("a"));
  EXPECT_EQ(state(1), MessageState::dead);
  EXPECT_EQ(grant_all(), Names{"2"});
  replay(1);  // now it joins at the end
  publish("a", "3");
  ack_all();
  EXPECT_EQ(grant_all(), Names{"1"});
}

TEST_F(HoldKey, a_key_without_later_messages_is_stopped_for_those_to_come) {
  publish_all("a", {"1"});
  reject_next();
  publish_all("a", {"2"});
  EXPECT_TRUE(nothing_ready());
  discard(1);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(HoldKey, the_oldest_letter_that_makes_room_lets_its_key_go_on) {
  options_.dead_max = 1;
  publish_all("a", {"1", "2"});
  publish_all("b", {"3"});
  reject_next();
  reject_next();
  EXPECT_EQ(state(1), MessageState::discarded);
  EXPECT_EQ(stats().discarded_for_room, 1u);
  EXPECT_EQ(stats().keys_stopped, 1u);
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(HoldKey, the_rest_of_a_failed_run_waits_behind_the_dead_one) {
  options_.run_max = 4;
  publish_all("a", {"1", "2", "3"});
  settle(granted(), LeaseEnd::rejected, nullptr, 1);
  EXPECT_EQ(state(1), MessageState::completed);
  EXPECT_EQ(dead(), Positions{2});
  EXPECT_TRUE(nothing_ready());
  discard(2);
  EXPECT_EQ(grant_all(), Names{"3"});
}

TEST_F(DivertKey, what_waits_behind_a_death_follows_it_in_order) {
  publish_all("a", {"1", "2", "3"});
  publish_all("b", {"4"});
  reject_next();
  pass(0);
  EXPECT_EQ(dead(), (Positions{1, 2, 3}));
  EXPECT_EQ(reason(1), DeadReason::rejected);
  EXPECT_EQ(reason(3), DeadReason::diverted);
  EXPECT_EQ(stats().dead_diverted, 2u);
  EXPECT_EQ(grant_all(), Names{"4"});
}

TEST_F(DivertKey, a_long_lane_is_diverted_within_the_budget_of_timers) {
  publish_all("a", {"1", "2", "3", "4"});
  reject_next();
  EXPECT_TRUE(advance(2).more);
  EXPECT_EQ(dead().size(), 3u);
  publish("a", "5");  // behind one that is still to be diverted
  pass(0);
  EXPECT_EQ(dead(), (Positions{1, 2, 3, 4, 5}));
}

TEST_F(DivertKey, what_is_published_later_is_diverted_too_until_the_key_is_released) {
  publish_all("a", {"1"});
  reject_next();
  publish_all("a", {"2"});
  EXPECT_EQ(dead(), (Positions{1, 2}));
  EXPECT_EQ(stats().keys_stopped, 1u);
  EXPECT_TRUE(release("a"));
  EXPECT_EQ(stats().keys_stopped, 0u);
  publish_all("a", {"3"});
  EXPECT_EQ(grant_all(), Names{"3"});
  EXPECT_EQ(dead(), (Positions{1, 2}));
}

TEST_F(DivertKey, a_delayed_message_is_diverted_when_it_joins) {
  publish_all("a", {"1"});
  const std::uint64_t later = publish({.key = "a", .delay_ms = 5});
  reject_next();
  pass(5);
  EXPECT_EQ(reason(later), DeadReason::diverted);
}

TEST_F(DivertKey, a_cancelled_or_expired_one_does_not_save_those_behind_it) {
  publish_all("a", {"1"});
  publish({.key = "a", .payload = "2", .ttl_ms = 1});
  publish_all("a", {"3", "4"});
  now_ns_ += 2 * kTickNanos;  // its deadline passes, and nobody has looked yet
  Grant lease = granted();
  settle(lease, LeaseEnd::rejected);
  EXPECT_TRUE(core().cancel(core().find(3), now_ns_));
  pass(0);
  EXPECT_EQ(state(2), MessageState::expired);
  EXPECT_EQ(dead(), (Positions{1, 4}));
}

TEST_F(DivertKey, replayed_letters_of_a_key_work_in_their_old_order) {
  publish_all("a", {"1", "2"});
  reject_next();
  pass(0);
  replay(1);
  replay(2);
  EXPECT_EQ(stats().keys_stopped, 0u);
  EXPECT_EQ(grant_all(), Names{"1"});
  ack_all();
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(DivertKey, the_key_stays_stopped_while_one_of_its_letters_is_left) {
  options_.dead_max = 2;
  publish_all("a", {"1", "2", "3", "4"});
  reject_next();
  pass(0);
  EXPECT_EQ(dead(), (Positions{3, 4}));
  EXPECT_EQ(stats().keys_stopped, 1u);
  discard(3);
  discard(4);
  EXPECT_EQ(stats().keys_stopped, 0u);
  publish_all("a", {"5"});
  EXPECT_EQ(grant_all(), Names{"5"});
}

TEST_F(DivertKey, a_key_whose_last_letter_made_room_goes_on_with_what_was_not_yet_diverted) {
  options_.dead_max = 1;
  publish_all("a", {"1", "2"});
  publish_all("b", {"3"});
  const Grant first = granted();
  const Grant second = granted();
  settle(first, LeaseEnd::rejected);
  settle(second, LeaseEnd::rejected);  // takes the place of the only letter of the first key
  pass(0);
  EXPECT_EQ(dead(), Positions{3});
  EXPECT_EQ(grant_all(), Names{"2"});
}

TEST_F(ShardCoreOnDeath, a_replay_in_time_is_delayed_until_its_turn) {
  publish_all("a", {"1"});
  reject_next();
  replay(1, 50);
  EXPECT_EQ(state(1), MessageState::delayed);
  pass(49);
  EXPECT_TRUE(nothing_ready());
  pass(1);
  EXPECT_EQ(grant_all(), Names{"1"});
}

TEST_F(HoldKey, a_replay_in_time_keeps_the_key_waiting_until_its_turn) {
  publish_all("a", {"1", "2"});
  reject_next();
  replay(1, 50);
  pass(49);
  EXPECT_TRUE(nothing_ready());
  pass(1);
  EXPECT_EQ(grant_all(), Names{"1"});
}

TEST_F(ShardCoreOnDeath, a_letter_is_discarded_at_its_age_and_not_before) {
  options_.dead_age_max_ms = 1'000;
  publish_all("a", {"1"});
  reject_next();
  pass(500);
  publish_all("a", {"2"});
  reject_next();
  pass(499);
  EXPECT_EQ(dead().size(), 2u);
  pass(1);
  EXPECT_EQ(dead(), Positions{2});
  EXPECT_EQ(stats().discarded_for_age, 1u);
  EXPECT_EQ(stats().discarded, 1u);
}

TEST_F(ShardCoreOnDeath, a_replayed_letter_does_not_grow_old) {
  options_.dead_age_max_ms = 1'000;
  publish_all("a", {"1"});
  reject_next();
  pass(500);
  replay(1);
  pass(2'000);
  EXPECT_EQ(state(1), MessageState::ready);
}

}  // namespace
}  // namespace laneway::engine

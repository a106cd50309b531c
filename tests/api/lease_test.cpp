// The verbs of a Lease: what each does, and what it answers when it comes too late.
#include "tests/api/manual_engine.hpp"

#include <functional>
#include <optional>

namespace laneway::api_test {
namespace {

class LeaseVerbs : public ManualEngine {
 protected:
  // Failed messages come back one millisecond later.
  QueueOptions quick() const { return {.backoff = {.first = 1ms, .cap = 1ms, .floor = 1ms}}; }
};

TEST_F(LeaseVerbs, ack_completes_and_lets_the_next_of_the_key_go) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId first = publish(queue, "a", "1");
  const MessageId second = publish(queue, "a", "2");
  Lease lease = receive_one(consumer);
  EXPECT_TRUE(lease.valid());
  EXPECT_EQ(state(queue, second), MessageState::blocked);
  EXPECT_TRUE(lease.ack());
  EXPECT_FALSE(lease.valid());
  EXPECT_EQ(state(queue, first), MessageState::completed);
  EXPECT_EQ(state(queue, second), MessageState::ready);
}

TEST_F(LeaseVerbs, nack_brings_the_message_back_as_the_next_attempt_and_keeps_its_place) {
  Queue queue = open(quick());
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a", "1");
  publish(queue, "a", "2");
  ASSERT_TRUE(receive_one(consumer).nack({.error = "no answer", .error_class = 7}));
  const MessageStatus status = *queue.status(id);
  EXPECT_EQ(status.state, MessageState::delayed);
  EXPECT_EQ(status.attempts, 1u);
  EXPECT_EQ(status.due_in, 1ms);
  EXPECT_EQ(status.error, "no answer");
  EXPECT_EQ(status.error_class, 7u);
  EXPECT_TRUE(nothing_to_receive(consumer)) << "the key waits for its failed message";
  pass(1ms);
  Lease again = receive_one(consumer);
  EXPECT_EQ(again.payload().text(), "1");
  EXPECT_EQ(again.attempt(), 2u);
  ASSERT_TRUE(again.ack());
  EXPECT_EQ(receive_one(consumer).payload().text(), "2");
}

TEST_F(LeaseVerbs, nack_with_a_delay_of_its_own_waits_exactly_that_long) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).nack({.after = 70s}));
  EXPECT_EQ(queue.status(id)->due_in, 70s);
  pass(69'999ms);
  EXPECT_TRUE(nothing_to_receive(consumer));
  pass(1ms);
  EXPECT_EQ(receive_one(consumer).attempt(), 2u);
}

TEST_F(LeaseVerbs, nack_with_a_delay_of_zero_is_ready_at_once) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).nack({.after = 0ms}));
  EXPECT_EQ(state(queue, id), MessageState::ready);
  EXPECT_EQ(receive_one(consumer).attempt(), 2u);
}

TEST_F(LeaseVerbs, nack_keeps_the_first_96_bytes_of_its_text) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  const std::string text = std::string(96, 'e') + std::string(200, 'f');
  ASSERT_TRUE(receive_one(consumer).nack({.error = text}));
  EXPECT_EQ(queue.status(id)->error, std::string(96, 'e'));
}

TEST_F(LeaseVerbs, release_gives_back_in_place_and_counts_no_attempt) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a", "1");
  publish(queue, "a", "2");
  for (int i = 0; i < 20; ++i) {
    Lease lease = receive_one(consumer);
    EXPECT_EQ(lease.payload().text(), "1");
    EXPECT_EQ(lease.attempt(), 1u);
    ASSERT_TRUE(lease.release());
  }
  EXPECT_EQ(state(queue, id), MessageState::ready);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.released, 20u);
  EXPECT_EQ(stats.dead, 0u);
}

TEST_F(LeaseVerbs, reject_is_dead_at_once_and_lets_the_next_of_the_key_go) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a", "1");
  publish(queue, "a", "2");
  ASSERT_TRUE(receive_one(consumer).reject({.error = "no such customer", .error_class = 404}));
  const MessageStatus status = *queue.status(id);
  EXPECT_EQ(status.state, MessageState::dead);
  EXPECT_EQ(status.error, "no such customer");
  EXPECT_EQ(status.error_class, 404u);
  EXPECT_EQ(receive_one(consumer).payload().text(), "2");
}

TEST_F(LeaseVerbs, a_lease_destroyed_unsettled_is_a_failed_attempt_named_abandoned) {
  Queue queue = open(quick());
  Consumer consumer = *queue.consumer();
  const MessageId id = *queue.publish({.key = "a", .attempts_max = 2});
  (void)receive_one(consumer);
  EXPECT_EQ(queue.status(id)->attempts, 1u);
  EXPECT_EQ(state(queue, id), MessageState::delayed);
  pass(1ms);
  (void)receive_one(consumer);
  EXPECT_EQ(state(queue, id), MessageState::dead);
  EXPECT_EQ(quiet_stats(queue).abandoned, 2u);
  const DeadLetter letter = letters(queue).at(0);
  EXPECT_EQ(letter.story.at(0).end, AttemptEnd::abandoned);
}

TEST_F(LeaseVerbs, extend_moves_the_deadline_but_never_to_an_earlier_time) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  Lease lease = receive_one(consumer, 100ms);
  pass(50ms);
  ASSERT_TRUE(lease.extend(1s));
  ASSERT_TRUE(lease.extend(10ms));
  pass(999ms);
  EXPECT_EQ(state(queue, id), MessageState::leased);
  pass(1ms);
  EXPECT_NE(state(queue, id), MessageState::leased);
  EXPECT_EQ(code_of(lease.extend(1s)), Errc::lease_lost);
}

TEST_F(LeaseVerbs, the_fencing_token_of_a_key_rises_from_grant_to_grant) {
  Queue queue = open(quick());
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    Lease lease = receive_one(consumer);
    EXPECT_GT(lease.fence(), last);
    EXPECT_EQ(lease.fence(), lease.message().fence);
    last = lease.fence();
    ASSERT_TRUE(i % 2 == 0 ? lease.release() : lease.nack({.after = 0ms}));
  }
}

TEST_F(LeaseVerbs, the_bytes_stay_readable_until_the_expired_lease_dies) {
  Queue queue = open(quick());
  Consumer consumer = *queue.consumer();
  const std::string payload(1'000, 'p');
  publish(queue, "a", payload);
  std::optional<Lease> zombie = receive_one(consumer, 10ms);
  pass(10ms);
  pass(1ms);
  ASSERT_TRUE(receive_one(consumer).ack());
  EXPECT_EQ(quiet_stats(queue).pinned, 1u);
  // Everything that could take its place.
  for (int i = 0; i < 100; ++i) {
    publish(queue, "", std::string(1'000, '-'));
  }
  (void)work_off(consumer);
  EXPECT_EQ(zombie->payload().text(), payload);
  EXPECT_EQ(zombie->key(), "a");
  EXPECT_EQ(code_of(zombie->ack()), Errc::lease_lost);
  EXPECT_EQ(zombie->payload().text(), payload);
  zombie.reset();
  EXPECT_EQ(quiet_stats(queue).pinned, 0u);
  EXPECT_EQ(quiet_stats(queue).payload_pool_bytes, 0u);
}

TEST_F(LeaseVerbs, a_moved_lease_is_the_lease_and_what_it_was_moved_from_is_empty) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a", "1");
  Lease first = receive_one(consumer);
  Lease second(std::move(first));
  EXPECT_FALSE(first.valid());
  EXPECT_EQ(first.size(), 0u);
  EXPECT_EQ(code_of(first.ack()), Errc::lease_lost);
  EXPECT_EQ(state(queue, id), MessageState::leased);
  Lease third;
  EXPECT_FALSE(third.valid());
  third = std::move(second);
  EXPECT_EQ(third.payload().text(), "1");
  EXPECT_TRUE(third.ack());
}

TEST_F(LeaseVerbs, assigning_over_a_lease_abandons_it) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId first = publish(queue, "a");
  const MessageId second = publish(queue, "b");
  Lease lease = receive_one(consumer);
  lease = receive_one(consumer);
  EXPECT_EQ(state(queue, first), MessageState::delayed);
  EXPECT_EQ(state(queue, second), MessageState::leased);
}

TEST_F(LeaseVerbs, a_batch_moves_its_leases_and_abandons_those_it_had) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  publish(queue, "b");
  LeaseBatch first = *consumer.receive();
  LeaseBatch second = *consumer.receive();
  second = std::move(first);
  EXPECT_TRUE(first.empty());
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(quiet_stats(queue).abandoned, 1u);
  EXPECT_EQ(second.ack(), 1u);
}

TEST_F(LeaseVerbs, a_batch_acknowledges_what_is_still_valid_and_says_how_many_that_were) {
  Queue queue = open({.shards = 4});
  Consumer consumer = *queue.consumer();
  for (int i = 0; i < 30; ++i) {
    publish(queue, std::to_string(i));
  }
  LeaseBatch batch = *consumer.receive({.max = 30});
  ASSERT_EQ(batch.size(), 30u);
  ASSERT_TRUE(batch[3].nack({.after = 1h}));
  ASSERT_TRUE(batch[4].release());
  ASSERT_TRUE(batch[5].extend(1h));
  const Lease moved = std::move(batch[6]);
  EXPECT_EQ(batch.ack(), 27u);
  EXPECT_EQ(batch.ack(), 0u);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.acked, 27u);
  EXPECT_EQ(stats.leased, 1u);
}

TEST_F(LeaseVerbs, a_batch_that_expired_completes_nothing_and_counts_every_lease_lost) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  for (int i = 0; i < 5; ++i) {
    publish(queue, "");
  }
  LeaseBatch batch = *consumer.receive({.max = 5, .lease = 10ms});
  ASSERT_TRUE(batch[4].extend(1h));
  pass(10ms);
  EXPECT_EQ(batch.ack(), 1u);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.acked, 1u);
  EXPECT_EQ(stats.lease_lost, 4u);
  EXPECT_EQ(stats.lease_expired, 4u);
}

// --- too late, or wrong -----------------------------------------------------------------------

struct Verb {
  const char* name;
  std::function<Result<>(Lease&)> call;
};

const std::vector<Verb> kSettles = {
    {"ack", [](Lease& lease) { return lease.ack(); }},
    {"ack_through", [](Lease& lease) { return lease.ack_through(1); }},
    {"nack", [](Lease& lease) { return lease.nack(); }},
    {"release", [](Lease& lease) { return lease.release(); }},
    {"reject", [](Lease& lease) { return lease.reject(); }},
};

class Settles : public LeaseVerbs, public testing::WithParamInterface<Verb> {};

TEST_P(Settles, a_second_settle_answers_lease_lost_and_changes_nothing) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  Lease lease = receive_one(consumer);
  ASSERT_TRUE(GetParam().call(lease));
  const QueueStats before = quiet_stats(queue);
  for (const Verb& verb : kSettles) {
    EXPECT_EQ(code_of(verb.call(lease)), Errc::lease_lost) << verb.name;
  }
  EXPECT_EQ(code_of(lease.extend(1s)), Errc::lease_lost);
  const QueueStats after = quiet_stats(queue);
  EXPECT_EQ(after.acked, before.acked);
  EXPECT_EQ(after.nacked, before.nacked);
  EXPECT_EQ(after.released, before.released);
  EXPECT_EQ(after.rejected, before.rejected);
}

TEST_P(Settles, after_the_expiry_answer_lease_lost_which_is_counted) {
  Queue queue = open(quick());
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  Lease lease = receive_one(consumer, 10ms);
  pass(10ms);
  const MessageStatus before = *queue.status(id);
  EXPECT_EQ(code_of(GetParam().call(lease)), Errc::lease_lost);
  EXPECT_TRUE(lease.valid()) << "it still pins the bytes";
  EXPECT_EQ(queue.status(id)->state, before.state);
  EXPECT_EQ(queue.status(id)->attempts, before.attempts);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.lease_lost, 1u);
  EXPECT_EQ(stats.lease_expired, 1u);
  EXPECT_EQ(stats.acked + stats.nacked + stats.released + stats.rejected, 0u);
}

TEST_P(Settles, of_an_old_lease_do_not_touch_the_new_one) {
  Queue queue = open(quick());
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  Lease old = receive_one(consumer, 10ms);
  pass(10ms);
  pass(1ms);
  Lease lease = receive_one(consumer, 1h);
  EXPECT_EQ(code_of(GetParam().call(old)), Errc::lease_lost);
  EXPECT_EQ(state(queue, id), MessageState::leased);
  EXPECT_TRUE(lease.ack());
}

TEST_F(LeaseVerbs, an_old_lease_never_comes_round_to_be_the_new_one) {
  Queue queue = open(quick());
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  std::optional<Lease> old = receive_one(consumer, 10ms);
  pass(10ms);
  pass(1ms);
  // Generations of 16 bits are used up by deliveries that count no attempt.
  int deliveries = 0;
  for (LeaseBatch batch = *consumer.receive(); !batch.empty(); batch = *consumer.receive()) {
    ASSERT_LT(++deliveries, 70'000);
    ASSERT_TRUE(batch[0].release());
  }
  EXPECT_EQ(state(queue, id), MessageState::dead) << "rather than two leases of one name";
  ASSERT_TRUE(queue.replay(id));
  EXPECT_TRUE(nothing_to_receive(consumer));
  EXPECT_EQ(state(queue, id), MessageState::dead) << "the old Lease is still there";
  EXPECT_EQ(code_of(old->ack()), Errc::lease_lost);
  old.reset();
  ASSERT_TRUE(queue.replay(id));
  EXPECT_TRUE(receive_one(consumer).ack());
  EXPECT_EQ(state(queue, id), MessageState::completed);
}

TEST_P(Settles, of_a_closed_queue_answer_closed_and_the_bytes_stay) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a", "1");
  Lease lease = receive_one(consumer);
  queue.close();
  EXPECT_EQ(code_of(GetParam().call(lease)), Errc::closed);
  EXPECT_EQ(code_of(lease.extend(1s)), Errc::closed);
  EXPECT_EQ(lease.payload().text(), "1");
}

TEST_P(Settles, of_an_empty_lease_answer_lease_lost) {
  Lease lease;
  const Result<> settled = GetParam().call(lease);
  EXPECT_EQ(code_of(settled), Errc::lease_lost);
  EXPECT_NE(detail_of(settled), "");
}

TEST_P(Settles, win_when_the_deadline_has_passed_and_nobody_has_noticed) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  Lease lease = receive_one(consumer, 10ms);
  clock_->advance(1h);  // no poll: the message has not been given to anybody else
  EXPECT_TRUE(GetParam().call(lease));
  EXPECT_EQ(quiet_stats(queue).lease_expired, 0u);
}

INSTANTIATE_TEST_SUITE_P(LeaseVerbs, Settles, testing::ValuesIn(kSettles), [](const auto& tested) {
  return std::string(tested.param.name);
});

const std::vector<Verb> kMistakes = {
    {"ack_through_0", [](Lease& lease) { return lease.ack_through(0); }},
    {"ack_through_more_than_there_are", [](Lease& lease) { return lease.ack_through(2); }},
    {"nack_after_a_negative_time", [](Lease& lease) { return lease.nack({.after = -1ms}); }},
    {"nack_after_an_endless_time", [](Lease& lease) { return lease.nack({.after = 100'000h}); }},
    {"extend_by_0", [](Lease& lease) { return lease.extend(0ms); }},
    {"extend_by_a_negative_time", [](Lease& lease) { return lease.extend(-1ms); }},
    {"extend_by_more_than_7_days", [](Lease& lease) { return lease.extend(169h); }},
};

class Mistakes : public LeaseVerbs, public testing::WithParamInterface<Verb> {};

TEST_P(Mistakes, are_told_and_leave_the_lease_as_it_was) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  Lease lease = receive_one(consumer, 1s);
  const Result<> settled = GetParam().call(lease);
  EXPECT_EQ(code_of(settled), Errc::invalid_argument);
  EXPECT_NE(detail_of(settled), "");
  EXPECT_EQ(state(queue, id), MessageState::leased);
  EXPECT_TRUE(lease.ack());
}

INSTANTIATE_TEST_SUITE_P(LeaseVerbs,
                         Mistakes,
                         testing::ValuesIn(kMistakes),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace laneway::api_test

// Ordered runs: several consecutive messages of one key under one lease.
#include "tests/api/manual_engine.hpp"

#include <optional>

namespace laneway::api_test {
namespace {

class Runs : public ManualEngine {
 protected:
  Queue open_runs(std::uint32_t run_max = 4) {
    return open({.attempts_max = 3,
                 .backoff = {.first = 1ms, .cap = 1ms, .floor = 1ms},
                 .run_max = run_max});
  }
  static std::vector<MessageId> publish_numbers(Queue& queue, std::string_view key, int count) {
    std::vector<MessageId> ids;
    for (int i = 1; i <= count; ++i) {
      ids.push_back(publish(queue, key, std::to_string(i)));
    }
    return ids;
  }
  static std::string text(const Lease& lease) {
    std::string payloads;
    for (std::size_t i = 0; i < lease.size(); ++i) {
      payloads += lease.message(i).payload.text();
    }
    return payloads;
  }
};

TEST_F(Runs, a_lease_holds_up_to_run_max_messages_of_one_key_in_order) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  publish_numbers(queue, "a", 6);
  Lease first = receive_one(consumer);
  EXPECT_EQ(text(first), "1234");
  EXPECT_EQ(first.payload().text(), "1");
  EXPECT_TRUE(nothing_to_receive(consumer)) << "the key belongs to one lease";
  EXPECT_EQ(quiet_stats(queue).leased, 4u);
  ASSERT_TRUE(first.ack());
  EXPECT_EQ(text(receive_one(consumer)), "56");
}

TEST_F(Runs, are_of_one_key_each_and_messages_without_a_key_are_alone) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  publish_numbers(queue, "a", 2);
  publish_numbers(queue, "", 2);
  publish_numbers(queue, "b", 3);
  LeaseBatch batch = *consumer.receive({.max = 64});
  ASSERT_EQ(batch.size(), 4u);
  EXPECT_EQ(text(batch[0]), "12");
  EXPECT_EQ(text(batch[1]), "1");
  EXPECT_EQ(text(batch[2]), "2");
  EXPECT_EQ(text(batch[3]), "123");
  EXPECT_EQ(batch.ack(), 4u);
  EXPECT_EQ(quiet_stats(queue).acked, 7u);
}

TEST_F(Runs, acknowledging_is_cumulative_and_a_count_not_higher_changes_nothing) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  const std::vector<MessageId> ids = publish_numbers(queue, "a", 4);
  Lease lease = receive_one(consumer);
  EXPECT_TRUE(lease.ack_through(2));
  EXPECT_TRUE(lease.ack_through(1));
  EXPECT_TRUE(lease.ack_through(2));
  EXPECT_TRUE(lease.valid());
  EXPECT_EQ(text(lease), "1234");
  EXPECT_TRUE(lease.ack_through(4));
  EXPECT_FALSE(lease.valid());
  for (const MessageId id : ids) {
    EXPECT_EQ(state(queue, id), MessageState::completed);
  }
}

TEST_F(Runs, a_nack_fails_the_first_one_not_acknowledged_and_gives_the_rest_back_uncounted) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  const std::vector<MessageId> ids = publish_numbers(queue, "a", 4);
  Lease lease = receive_one(consumer);
  ASSERT_TRUE(lease.ack_through(1));
  ASSERT_TRUE(lease.nack({.error = "two"}));
  EXPECT_EQ(state(queue, ids[0]), MessageState::completed);
  EXPECT_EQ(state(queue, ids[1]), MessageState::delayed);
  EXPECT_EQ(queue.status(ids[1])->error, "two");
  EXPECT_EQ(state(queue, ids[2]), MessageState::blocked);
  EXPECT_EQ(quiet_stats(queue).revoked, 2u);
  EXPECT_TRUE(nothing_to_receive(consumer));
  pass(1ms);
  Lease again = receive_one(consumer);
  EXPECT_EQ(text(again), "234");
  EXPECT_EQ(again.message(0).attempt, 2u);
  EXPECT_EQ(again.message(1).attempt, 1u);
}

TEST_F(Runs, an_expiry_keeps_what_was_acknowledged_and_revokes_the_rest) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  const std::vector<MessageId> ids = publish_numbers(queue, "a", 4);
  std::optional<Lease> lease = receive_one(consumer, 10ms);
  ASSERT_TRUE(lease->ack_through(3));
  pass(10ms);
  EXPECT_EQ(code_of(lease->ack_through(4)), Errc::lease_lost);
  EXPECT_EQ(text(*lease), "1234") << "the bytes of all stay";
  EXPECT_EQ(state(queue, ids[2]), MessageState::completed);
  EXPECT_EQ(quiet_stats(queue).pinned, 3u);
  lease.reset();
  EXPECT_EQ(quiet_stats(queue).pinned, 0u);
  pass(1ms);
  EXPECT_EQ(text(receive_one(consumer)), "4");
}

TEST_F(Runs, a_release_gives_all_back_in_order_and_uncounted) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  publish_numbers(queue, "a", 3);
  for (int i = 0; i < 10; ++i) {
    Lease lease = receive_one(consumer);
    ASSERT_EQ(text(lease), "123");
    EXPECT_EQ(lease.message(2).attempt, 1u);
    ASSERT_TRUE(lease.release());
  }
  quiet_stats(queue);
}

TEST_F(Runs, a_reject_buries_the_first_one_not_acknowledged_alone) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  const std::vector<MessageId> ids = publish_numbers(queue, "a", 3);
  Lease lease = receive_one(consumer);
  ASSERT_TRUE(lease.ack_through(1));
  ASSERT_TRUE(lease.reject());
  EXPECT_EQ(state(queue, ids[1]), MessageState::dead);
  EXPECT_EQ(text(receive_one(consumer)), "3");
}

TEST_F(Runs, a_lease_destroyed_unsettled_abandons_its_first_message_only) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  publish_numbers(queue, "a", 3);
  (void)receive_one(consumer);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.abandoned, 1u);
  EXPECT_EQ(stats.revoked, 2u);
  EXPECT_EQ(stats.leased, 0u);
}

TEST_F(Runs, one_receive_gives_at_most_64_messages_however_long_the_runs) {
  Queue queue = open_runs(32);
  Consumer consumer = *queue.consumer();
  for (const char* key : {"a", "b", "c"}) {
    publish_numbers(queue, key, 40);
  }
  quiet_stats(queue);  // so that its shard knows all of them
  LeaseBatch batch = *consumer.receive({.max = 64});
  std::size_t messages = 0;
  for (Lease& lease : batch) {
    EXPECT_LE(lease.size(), 32u);
    messages += lease.size();
  }
  EXPECT_EQ(messages, 64u);
  EXPECT_EQ(batch.ack(), batch.size());
  EXPECT_EQ(work_off(consumer).size(), 120u - 64u);
}

TEST_F(Runs, attempts_used_up_bury_the_head_again_and_again_but_never_its_followers) {
  Queue queue = open_runs();
  Consumer consumer = *queue.consumer();
  const std::vector<MessageId> ids = publish_numbers(queue, "a", 3);
  for (int i = 0; i < 3; ++i) {
    Lease lease = receive_one(consumer);
    EXPECT_EQ(text(lease), "123");
    ASSERT_TRUE(lease.nack());
    pass(1ms);
  }
  EXPECT_EQ(state(queue, ids[0]), MessageState::dead);
  EXPECT_EQ(letters(queue).size(), 1u);
  EXPECT_EQ(text(receive_one(consumer)), "23");
}

}  // namespace
}  // namespace laneway::api_test

// What an operator sees: status, stats, pauses and drain.
#include "tests/api/manual_engine.hpp"

namespace laneway::api_test {
namespace {

class Status : public ManualEngine {};

TEST_F(Status, tells_every_state_of_a_message) {
  Queue queue = open({.attempts_max = 2, .backoff = {.first = 50ms, .cap = 50ms, .floor = 50ms}});
  Consumer consumer = *queue.consumer();
  const MessageId delayed = *queue.publish({.key = "d", .delay = 1h});
  EXPECT_EQ(state(queue, delayed), MessageState::delayed);
  EXPECT_EQ(queue.status(delayed)->due_in, 1h);
  EXPECT_EQ(queue.status(delayed)->attempts, 0u);

  const MessageId first = publish(queue, "a");
  const MessageId second = publish(queue, "a");
  EXPECT_EQ(state(queue, first), MessageState::ready);
  EXPECT_EQ(state(queue, second), MessageState::blocked);

  Lease lease = receive_one(consumer);
  EXPECT_EQ(state(queue, first), MessageState::leased);
  EXPECT_EQ(queue.status(first)->attempts, 1u);

  ASSERT_TRUE(lease.nack({.error = "once", .error_class = 3}));
  MessageStatus status = *queue.status(first);
  EXPECT_EQ(status.state, MessageState::delayed);
  EXPECT_EQ(status.due_in, 50ms);
  EXPECT_EQ(status.error, "once");
  pass(20ms);
  EXPECT_EQ(queue.status(first)->due_in, 30ms);
  pass(30ms);
  status = *queue.status(first);
  EXPECT_EQ(status.state, MessageState::ready);
  EXPECT_EQ(status.due_in, 0ms);
  EXPECT_EQ(status.error, "once") << "the last error stays known";

  ASSERT_TRUE(receive_one(consumer).nack({.error = "twice", .error_class = 4}));
  status = *queue.status(first);
  EXPECT_EQ(status.state, MessageState::dead);
  EXPECT_EQ(status.attempts, 2u);
  EXPECT_EQ(status.error, "twice");
  EXPECT_EQ(status.error_class, 4u);
  ASSERT_TRUE(queue.discard(first));
  EXPECT_EQ(state(queue, first), MessageState::discarded);

  ASSERT_TRUE(receive_one(consumer).ack());
  EXPECT_EQ(state(queue, second), MessageState::completed);

  const MessageId late = *queue.publish({.ttl = 10ms});
  pass(10ms);
  EXPECT_EQ(state(queue, late), MessageState::expired);
}

TEST_F(Status, of_ids_that_were_never_given_out_is_unknown) {
  Queue queue = open({.shards = 2});
  const MessageId id = publish(queue, "a");
  EXPECT_EQ(state(queue, MessageId{}), MessageState::unknown);
  EXPECT_EQ(state(queue, MessageId{id.value + 1}), MessageState::unknown);
  EXPECT_EQ(state(queue, MessageId{id.value + 1'000'000'000}), MessageState::unknown);
  EXPECT_EQ(state(queue, MessageId{~std::uint64_t{0}}), MessageState::unknown);
}

TEST_F(Status, of_a_settled_message_is_known_for_the_last_outcomes_remembered) {
  Queue queue = open({.outcomes_remembered = 16});
  Consumer consumer = *queue.consumer();
  std::vector<MessageId> ids;
  for (int i = 0; i < 40; ++i) {
    ids.push_back(publish(queue, "a"));
    ASSERT_TRUE(receive_one(consumer).ack());
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(state(queue, ids[i]), i < 24 ? MessageState::unknown : MessageState::completed) << i;
  }
}

TEST_F(Status, of_a_waiting_message_is_known_however_many_came_after_it) {
  Queue queue = open({.outcomes_remembered = 16});
  Consumer consumer = *queue.consumer();
  const MessageId delayed = *queue.publish({.key = "d", .delay = 1h});
  for (int i = 0; i < 40; ++i) {
    publish(queue, "a");
    ASSERT_TRUE(receive_one(consumer).ack());
  }
  EXPECT_EQ(state(queue, delayed), MessageState::delayed);
}

// --- stats ------------------------------------------------------------------------------------

TEST_F(Status, stats_account_for_every_message_after_every_step) {
  Queue queue = open({.capacity = 64,
                      .shards = 2,
                      .attempts_max = 2,
                      .backoff = {.first = 5ms, .cap = 5ms, .floor = 5ms},
                      .run_max = 3,
                      .dead_letters_max = 4});
  Consumer consumer = *queue.consumer();
  std::vector<LeaseBatch> held;
  std::uint64_t dice = 7;
  const auto draw = [&dice](std::uint64_t sides) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (dice >> 33) % sides;
  };
  for (int step = 0; step < 3'000; ++step) {
    const std::string key(1, static_cast<char>('a' + draw(6)));
    switch (draw(9)) {
      case 0:
      case 1:
        (void)queue.publish({.key = key, .ttl = draw(3) == 0 ? 20ms : 0ms});
        break;
      case 2:
        (void)queue.publish({.delay = 10ms});
        break;
      case 3:
        held.push_back(*consumer.receive({.max = 4, .lease = 30ms}));
        break;
      case 4:
        for (LeaseBatch& batch : held) {
          for (Lease& lease : batch) {
            (void)(draw(2) == 0 ? lease.nack() : draw(2) == 0 ? lease.release() : lease.reject());
          }
        }
        break;
      case 5:
        held.clear();
        break;
      case 6:
        pass(std::chrono::milliseconds(draw(25)));
        break;
      case 7:
        if (draw(20) == 0) {
          EXPECT_TRUE(queue.replay_all());
        }
        break;
      default:
        if (!held.empty()) {
          (void)held.back().ack();
        }
    }
    ASSERT_TRUE(queue.stats()->conserved()) << "after step " << step;
  }
  const QueueStats stats = *queue.stats();
  for (const std::uint64_t count :
       {stats.acked, stats.nacked, stats.released, stats.rejected, stats.lease_expired,
        stats.revoked, stats.expired, stats.replayed, stats.discarded, stats.lease_lost}) {
    EXPECT_GT(count, 0u) << "a rule that this test did not reach";
  }
}

TEST_F(Status, stats_of_a_shard_add_up_to_those_of_the_queue) {
  Queue queue = open({.capacity = 400, .shards = 4});
  for (int i = 0; i < 100; ++i) {
    publish(queue, std::to_string(i));
  }
  QueueStats sum;
  for (std::uint32_t shard = 0; shard < 4; ++shard) {
    sum.add(*queue.stats(shard));
  }
  EXPECT_EQ(sum.published, 100u);
  EXPECT_EQ(sum.ready, 100u);
  EXPECT_EQ(sum.capacity, 400u);
  EXPECT_EQ(sum.keys_active, 100u);
  EXPECT_EQ(code_of(queue.stats(4)), Errc::invalid_argument);
}

TEST_F(Status, stats_show_ages_waits_and_processing_times) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  publish(queue, "b");
  (void)queue.stats();
  pass(3s);
  EXPECT_EQ(queue.stats()->oldest_ready_age, 3s);
  Lease lease = receive_one(consumer);
  pass(2s);
  ASSERT_TRUE(lease.reject());
  (void)queue.stats();
  pass(4s);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.oldest_ready_age, 9s);
  EXPECT_EQ(stats.oldest_dead_age, 4s);
  EXPECT_EQ(stats.queue_wait.count, 1u);
  EXPECT_EQ(stats.queue_wait.sum_us, 3'000'000u);
  EXPECT_EQ(stats.processing.count, 1u);
  EXPECT_EQ(stats.processing.sum_us, 2'000'000u);
  EXPECT_GE(stats.processing.percentile(0.5), 2s);
  EXPECT_LE(stats.processing.percentile(0.5), 5s);
}

TEST_F(Status, redeliveries_are_counted) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).nack({.after = 1ms}));
  pass(1ms);
  ASSERT_TRUE(receive_one(consumer).ack());
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.leased_total, 2u);
  EXPECT_EQ(stats.redelivered, 1u);
}

// --- drain ------------------------------------------------------------------------------------

TEST_F(Status, drain_takes_back_what_is_not_settled_in_time_uncounted_and_reports) {
  Queue queue = open({.run_max = 4});
  Consumer consumer = *queue.consumer();
  for (int i = 0; i < 3; ++i) {
    publish(queue, "run");
  }
  const MessageId id = publish(queue, "b");
  ASSERT_TRUE(queue.publish({.key = "c", .delay = 1h}));
  LeaseBatch batch = *consumer.receive({.max = 2});
  ASSERT_EQ(batch.size(), 2u);
  ASSERT_EQ(batch[0].size(), 3u);
  ASSERT_TRUE(batch[0].ack_through(1));
  publish(queue, "d");
  const DrainReport report = *queue.drain(0ms);
  EXPECT_EQ(report.released, 3u) << "two of the run and one more";
  EXPECT_EQ(report.waiting, 5u);
  EXPECT_EQ(code_of(batch[1].ack()), Errc::lease_lost);
  EXPECT_EQ(code_of(batch[0].ack_through(2)), Errc::lease_lost);
  EXPECT_EQ(state(queue, id), MessageState::ready);
  EXPECT_EQ(queue.status(id)->attempts, 0u);
  EXPECT_TRUE(nothing_to_receive(consumer)) << "it stays paused";
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.acked, 1u);
  EXPECT_EQ(stats.leased, 0u);
  queue.resume_consuming();
  EXPECT_FALSE(nothing_to_receive(consumer));
}

TEST_F(Status, drain_of_an_idle_queue_has_nothing_to_report) {
  Queue queue = open();
  const DrainReport report = *queue.drain(std::chrono::milliseconds::max());
  EXPECT_EQ(report.finished + report.released + report.waiting, 0u);
  EXPECT_EQ(code_of(queue.drain(-1ms)), Errc::invalid_argument);
}

}  // namespace
}  // namespace laneway::api_test

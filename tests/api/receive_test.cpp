// Receiving and taking: what is granted, in which order, and what an empty answer means.
#include "tests/api/manual_engine.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <semaphore>
#include <thread>

namespace laneway::api_test {
namespace {

class Receive : public ManualEngine {};

TEST_F(Receive, an_empty_queue_gives_an_empty_batch_which_is_no_error) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const Result<LeaseBatch> batch = consumer.receive({.max = 64});
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->empty());
  EXPECT_EQ(batch->shards_skipped(), 0u);
}

TEST_F(Receive, gives_at_most_max_leases_and_the_rest_to_the_next) {
  Queue queue = open({.shards = 2});
  Consumer consumer = *queue.consumer();
  for (int i = 0; i < 10; ++i) {
    publish(queue, "");
  }
  LeaseBatch first = *consumer.receive({.max = 7});
  LeaseBatch second = *consumer.receive({.max = 7});
  EXPECT_EQ(first.size(), 7u);
  EXPECT_EQ(second.size(), 3u);
  EXPECT_TRUE(nothing_to_receive(consumer));
}

TEST_F(Receive, a_key_is_granted_one_at_a_time_and_others_are_not_held_up) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a", "a1");
  publish(queue, "a", "a2");
  publish(queue, "b", "b1");
  LeaseBatch batch = *consumer.receive({.max = 64});
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[0].payload().text(), "a1");
  EXPECT_EQ(batch[1].payload().text(), "b1");
  ASSERT_TRUE(batch[0].ack());
  EXPECT_EQ(receive_one(consumer).payload().text(), "a2");
}

TEST_F(Receive, gives_other_keys_as_much_beside_a_stuck_one) {
  constexpr std::size_t kOthers = 640;
  // How many it takes until all of the others have been worked off.
  const auto receives = [&](const std::string& name, bool stuck, bool seen) {
    Queue queue = *engine_.queue(name, {.capacity = 4'096, .shards = 1});
    Consumer consumer = *queue.consumer();
    Lease head;
    if (stuck) {
      publish(queue, "stuck");
      head = receive_one(consumer);
    }
    for (std::size_t i = 0; i < kOthers; ++i) {
      publish(queue, numbered("key ", i % 64));
      if (stuck && i % 2 == 0) {
        publish(queue, "stuck");
      }
    }
    if (seen) {
      EXPECT_EQ(quiet_stats(queue).ready, 64u)
          << "the first of each key; the shard has seen them all";
    }
    int count = 0;
    for (std::size_t done = 0; done < kOthers && count < 10'000; ++count) {
      done += consumer.receive({.max = 32})->ack();
    }
    return count;
  };
  for (const bool seen : {true, false}) {
    const std::string name = seen ? "seen, " : "in the ring, ";
    EXPECT_LE(receives(name + "stuck", true, seen) * 95, receives(name + "not", false, seen) * 100)
        << name;
  }
}

TEST_F(Receive, messages_without_a_key_are_all_granted_at_once) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "");
  publish(queue, "");
  EXPECT_EQ(consumer.receive({.max = 64})->size(), 2u);
}

TEST_F(Receive, an_unordered_queue_grants_a_key_many_times_at_once_and_carries_it_along) {
  Queue queue = open({.kind = QueueKind::unordered});
  Consumer consumer = *queue.consumer();
  publish(queue, "a", "1");
  publish(queue, "a", "2");
  LeaseBatch batch = *consumer.receive({.max = 64});
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[1].key(), "a");
}

TEST_F(Receive, a_lease_lasts_as_the_receive_says_or_else_as_the_queue_says) {
  Queue queue = open({.lease = 500ms});
  Consumer consumer = *queue.consumer();
  const MessageId a = publish(queue, "a");
  const Lease by_queue = receive_one(consumer);
  const MessageId b = publish(queue, "b");
  const Lease by_receive = receive_one(consumer, 900ms);
  pass(499ms);
  EXPECT_EQ(state(queue, a), MessageState::leased);
  pass(1ms);
  EXPECT_NE(state(queue, a), MessageState::leased);
  pass(399ms);
  EXPECT_EQ(state(queue, b), MessageState::leased);
  pass(1ms);
  EXPECT_NE(state(queue, b), MessageState::leased);
}

TEST_F(Receive, with_a_manual_driver_never_sleeps_however_long_it_may_wait) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  EXPECT_TRUE(consumer.receive({.wait = std::chrono::milliseconds::max()})->empty());
  MessageBatch batch;
  EXPECT_EQ(*consumer.take(batch, {.wait = std::chrono::milliseconds::max()}), 0u);
}

TEST_F(Receive, a_pause_grants_nothing_while_leases_timers_and_publishing_go_on) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a", "1");
  Lease lease = receive_one(consumer);
  queue.pause_consuming();
  const MessageId delayed = *queue.publish({.key = "b", .payload = "2", .delay = 10ms});
  const MessageId next = publish(queue, "a", "3");
  EXPECT_TRUE(lease.ack());
  pass(10ms);
  EXPECT_EQ(state(queue, delayed), MessageState::ready);
  EXPECT_EQ(state(queue, next), MessageState::ready);
  EXPECT_TRUE(nothing_to_receive(consumer));
  MessageBatch batch;
  EXPECT_EQ(*consumer.take(batch), 0u);
  queue.pause_consuming();  // a level, not a count
  queue.resume_consuming();
  EXPECT_EQ(work_off(consumer).size(), 2u);
}

TEST_F(Receive, a_pause_holds_back_what_has_been_published_since) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  queue.pause_consuming();
  publish(queue, "a", "1");
  EXPECT_TRUE(nothing_to_receive(consumer));
  MessageBatch batch;
  EXPECT_EQ(*consumer.take(batch), 0u);
  queue.resume_consuming();
  EXPECT_EQ(work_off(consumer).size(), 1u);
}

// Stops one thread where it reads the time, which it does first of all when it holds a shard.
class StoppingClock final : public Clock {
 public:
  std::chrono::nanoseconds now() const noexcept override {
    if (std::this_thread::get_id() == stopped.load()) {
      reached.release();
      goes_on.acquire();
    }
    return 1h;
  }

  mutable std::atomic<std::thread::id> stopped;
  mutable std::binary_semaphore reached{0};
  mutable std::binary_semaphore goes_on{0};
};

TEST(ReceiveWithThreads, a_busy_shard_is_skipped_not_waited_for) {
  const auto clock = std::make_shared<StoppingClock>();
  Engine engine = *Engine::open({.driver = DriverMode::manual, .clock = clock});
  Queue queue = *engine.queue("mails", {.shards = 1});
  Consumer consumer = *queue.consumer();
  ASSERT_TRUE(queue.publish({.payload = "1"}));
  std::size_t received = 0;
  std::thread holder([&] {
    Consumer slow = *queue.consumer();
    clock->stopped.store(std::this_thread::get_id());
    LeaseBatch batch = *slow.receive();
    received = batch.ack();
  });
  clock->reached.acquire();
  const LeaseBatch skipped = *consumer.receive();
  EXPECT_TRUE(skipped.empty());
  EXPECT_EQ(skipped.shards_skipped(), 1u) << "so that nobody takes it for an empty queue";
  ASSERT_TRUE(queue.publish({.payload = "2"})) << "publishing goes on";
  clock->stopped.store(std::thread::id());
  clock->goes_on.release();
  holder.join();
  EXPECT_EQ(received, 1u);
  const LeaseBatch next = *consumer.receive();
  EXPECT_EQ(next.size(), 1u);
  EXPECT_EQ(next.shards_skipped(), 0u);
}

// A hold is bounded work, and a receive that ended there although a message was to be had would
// claim that there is none.
TEST_F(Receive, is_not_empty_because_much_of_what_is_new_is_blocked) {
  Queue queue = open({.shards = 1});
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  const Lease first = receive_one(consumer);
  for (int i = 0; i < 60; ++i) {
    publish(queue, "a");
  }
  publish(queue, "b", "b1");
  EXPECT_EQ(receive_one(consumer).payload().text(), "b1");
}

TEST_F(Receive, is_not_empty_because_many_settles_had_to_be_looked_at_first) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  std::vector<LeaseBatch> batches;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 64; ++i) {
      publish(queue, "");
    }
    batches.push_back(*consumer.receive({.max = 64}));
    ASSERT_EQ(batches.back().size(), 64u);
  }
  publish(queue, "a", "1");
  Lease last = receive_one(consumer);
  publish(queue, "a", "2");
  (void)queue.stats();  // so that "2" is known to be blocked
  for (LeaseBatch& batch : batches) {
    EXPECT_EQ(batch.ack(), 64u);
  }
  ASSERT_TRUE(last.ack());
  EXPECT_EQ(receive_one(consumer).payload().text(), "2");
}

TEST_F(Receive, is_not_empty_because_many_deadlines_had_to_be_looked_at_first) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(queue.publish({.payload = "late", .ttl = 10ms}));
  }
  ASSERT_TRUE(queue.publish({.key = "a", .payload = "in time"}));
  (void)queue.stats();
  clock_->advance(10ms);  // and nobody polls
  EXPECT_EQ(receive_one(consumer).payload().text(), "in time");
  EXPECT_EQ(quiet_stats(queue).expired, 1'000u);
}

TEST_F(Receive, is_not_empty_because_many_extended_leases_had_to_be_looked_at_first) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  std::vector<LeaseBatch> batches;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 64; ++i) {
      publish(queue, "");
    }
    batches.push_back(*consumer.receive({.max = 64, .lease = 20ms}));
    for (Lease& lease : batches.back()) {
      ASSERT_TRUE(lease.extend(1h));
    }
  }
  ASSERT_TRUE(queue.publish({.payload = "due", .delay = 20ms}));
  (void)queue.stats();
  clock_->advance(20ms);
  EXPECT_EQ(receive_one(consumer).payload().text(), "due");
}

// --- mistakes of the caller -------------------------------------------------------------------

struct BadReceive {
  const char* name;
  ReceiveOptions options;
};

class BadReceives : public ManualEngine, public testing::WithParamInterface<BadReceive> {};

TEST_P(BadReceives, are_refused_and_nothing_is_granted) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  const Result<LeaseBatch> received = consumer.receive(GetParam().options);
  EXPECT_EQ(code_of(received), Errc::invalid_argument);
  EXPECT_NE(detail_of(received), "");
  MessageBatch batch;
  EXPECT_EQ(code_of(consumer.take(batch, GetParam().options)), Errc::invalid_argument);
  EXPECT_EQ(state(queue, id), MessageState::ready);
}

INSTANTIATE_TEST_SUITE_P(Receive,
                         BadReceives,
                         testing::Values(BadReceive{"max_of_0", {.max = 0}},
                                         BadReceive{"max_above_64", {.max = 65}},
                                         BadReceive{"a_negative_wait", {.wait = -1ms}},
                                         BadReceive{"a_negative_lease", {.lease = -1ms}},
                                         BadReceive{"a_lease_above_7_days", {.lease = 169h}}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// --- take -------------------------------------------------------------------------------------

class Take : public ManualEngine {};

TEST_F(Take, completes_messages_as_it_hands_them_out) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a", "1");
  MessageBatch batch;
  ASSERT_EQ(*consumer.take(batch), 1u);
  EXPECT_EQ(batch.payload(0).text(), "1");
  EXPECT_EQ(state(queue, id), MessageState::completed);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.acked, 1u);
  EXPECT_EQ(stats.leased_total, 1u);
  EXPECT_EQ(stats.leased, 0u);
}

TEST_F(Take, keeps_the_order_of_keys_and_gives_many_of_one_key_at_once) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  for (const char* payload : {"1", "2", "3"}) {
    publish(queue, "a", payload);
  }
  MessageBatch batch;
  ASSERT_EQ(*consumer.take(batch, {.max = 64}), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(batch.payload(i).text(), std::to_string(i + 1));
  }
}

TEST_F(Take, does_not_take_what_waits_behind_a_lease) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  publish(queue, "a", "1");
  publish(queue, "a", "2");
  Lease lease = receive_one(consumer);
  MessageBatch batch;
  EXPECT_EQ(*consumer.take(batch, {.max = 64}), 0u);
  ASSERT_TRUE(lease.ack());
  EXPECT_EQ(*consumer.take(batch, {.max = 64}), 1u);
}

TEST_F(Take, replaces_what_the_batch_held_also_when_nothing_is_there_or_the_call_fails) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const std::string payload(1'000, 'p');
  MessageBatch batch;
  publish(queue, "", payload);
  ASSERT_EQ(*consumer.take(batch), 1u);
  EXPECT_GT(queue.stats()->payload_pool_bytes, 0u);
  EXPECT_EQ(*consumer.take(batch), 0u);
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(queue.stats()->payload_pool_bytes, 0u);
  publish(queue, "", payload);
  ASSERT_EQ(*consumer.take(batch), 1u);
  EXPECT_FALSE(consumer.take(batch, {.max = 0}));
  EXPECT_EQ(batch.size(), 0u);
}

TEST_F(Take, the_batch_may_go_from_queue_to_queue_and_outlive_them) {
  MessageBatch batch;
  std::optional<Engine> engine = std::move(engine_);
  const std::string payload(1'000, 'p');
  for (const char* name : {"one", "two"}) {
    Queue queue = *engine->queue(name);
    Consumer consumer = *queue.consumer();
    publish(queue, "a", payload);
    ASSERT_EQ(*consumer.take(batch), 1u);
    EXPECT_EQ(batch.payload(0).text(), payload);
  }
  engine.reset();
  EXPECT_EQ(batch.payload(0).text(), payload);
  EXPECT_EQ(batch.message(0).key, "a");
}

TEST_F(Take, leaves_the_bytes_to_an_expired_lease_that_still_reads_them) {
  Queue queue = open({.backoff = {.first = 0ms, .floor = 1ms}});
  Consumer consumer = *queue.consumer();
  const std::string payload(1'000, 'p');
  publish(queue, "a", payload);
  {
    const Lease zombie = receive_one(consumer, 10ms);
    pass(10ms);
    pass(5ms);
    MessageBatch batch;
    ASSERT_EQ(*consumer.take(batch), 1u);
    EXPECT_EQ(batch.message(0).attempt, 2u);
    EXPECT_EQ(zombie.payload().text(), payload);
    EXPECT_EQ(batch.payload(0).text(), payload);
    batch.clear();
    EXPECT_EQ(zombie.payload().text(), payload);
    EXPECT_EQ(quiet_stats(queue).pinned, 1u);
  }
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.pinned, 0u);
  EXPECT_EQ(stats.payload_pool_bytes, 0u);
}

// --- shards -----------------------------------------------------------------------------------

TEST_F(Receive, every_consumer_reaches_every_shard_and_keys_stay_in_order) {
  Queue queue = open({.shards = 4});
  constexpr int kKeys = 40;
  constexpr int kEach = 5;
  for (int i = 0; i < kKeys * kEach; ++i) {
    publish(queue, numbered("key-", static_cast<std::size_t>(i % kKeys)), std::to_string(i));
  }
  std::vector<Consumer> consumers;
  for (int i = 0; i < 3; ++i) {
    consumers.push_back(*queue.consumer());
  }
  std::vector<std::vector<int>> seen(kKeys);
  int count = 0;
  for (std::size_t turn = 0; count < kKeys * kEach; ++turn) {
    LeaseBatch batch = *consumers[turn % consumers.size()].receive({.max = 3});
    ASSERT_FALSE(batch.empty());
    for (Lease& lease : batch) {
      const int number = std::stoi(std::string(lease.payload().text()));
      seen[static_cast<std::size_t>(number % kKeys)].push_back(number);
      ++count;
      EXPECT_TRUE(lease.ack());
    }
  }
  for (const std::vector<int>& numbers : seen) {
    EXPECT_EQ(numbers.size(), static_cast<std::size_t>(kEach));
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

}  // namespace
}  // namespace laneway::api_test

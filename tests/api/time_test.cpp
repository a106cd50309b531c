// Time: delays, message deadlines, back-off, attempts, and what happens to the rest of a key.
#include "tests/api/manual_engine.hpp"

#include <algorithm>
#include <atomic>
#include <semaphore>
#include <thread>

namespace laneway::api_test {
namespace {

class Time : public ManualEngine {};

// --- poll -------------------------------------------------------------------------------------

TEST_F(Time, poll_answers_the_time_until_the_next_deadline) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(*engine_.poll(), std::chrono::milliseconds::max());
  ASSERT_TRUE(queue.publish({.key = "a", .delay = 40ms}));
  Queue other = *engine_.queue("other");
  ASSERT_TRUE(other.publish({.key = "a", .delay = 25ms}));
  // It may be early, never late: timers far away are looked at in coarser steps.
  EXPECT_LE(*engine_.poll(), 25ms);
  std::chrono::milliseconds passed = 0ms;
  while (state(other, MessageId{1}) == MessageState::delayed) {
    const std::chrono::milliseconds next = *engine_.poll();
    ASSERT_GT(next, 0ms);
    passed += next;
    clock_->advance(next);
  }
  EXPECT_EQ(passed, 25ms);
}

TEST_F(Time, poll_does_all_that_is_due_in_one_call) {
  Queue queue = open({.shards = 2});
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_TRUE(queue.publish({.delay = 10ms + i % 7 * 1ms}));
  }
  pass(20ms);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.ready, 5'000u);
  EXPECT_EQ(stats.delayed, 0u);
}

TEST_F(Time, a_receive_works_off_no_more_than_its_part_of_a_mass_expiry) {
  constexpr std::uint32_t kLeases = 20'000;
  Queue queue = open({.capacity = kLeases + 1, .shards = 1, .backoff = {.first = 1h, .cap = 1h}});
  Consumer consumer = *queue.consumer();
  std::vector<LeaseBatch> held;
  for (std::uint32_t leased = 0; leased < kLeases; leased += 50) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(queue.publish(Message{}));
    }
    held.push_back(*consumer.receive({.max = 50, .lease = 10s}));
  }
  ASSERT_TRUE(queue.publish({.delay = 10'500ms}));
  clock_->advance(11s);
  int calls = 0;
  while (consumer.receive()->empty()) {
    ++calls;
  }
  // 16 holds of a receive, 128 timers each; a lease's timer moves down two levels and then fires.
  EXPECT_EQ(calls, 3 * kLeases / (16 * 128));
}

TEST_F(Time, poll_is_refused_while_a_driver_thread_runs) {
  Engine engine = *Engine::open();
  EXPECT_EQ(code_of(engine.poll()), Errc::invalid_argument);
}

TEST_F(Time, a_clock_that_goes_back_is_time_that_stands_still) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  clock_->advance(1h);
  ASSERT_TRUE(engine_.poll());
  const MessageId delayed = *queue.publish({.key = "a", .delay = 100ms});
  const MessageId ready = publish(queue, "b");
  clock_->set(10min);
  ASSERT_TRUE(engine_.poll());
  Lease lease = receive_one(consumer, 50ms);
  EXPECT_EQ(lease.id(), ready);
  EXPECT_EQ(state(queue, delayed), MessageState::delayed);
  const MessageId later = publish(queue, "c");
  quiet_stats(queue);
  clock_->set(2h + 10s);
  ASSERT_TRUE(engine_.poll());
  EXPECT_EQ(state(queue, delayed), MessageState::ready);
  EXPECT_EQ(code_of(lease.ack()), Errc::lease_lost);
  EXPECT_EQ(state(queue, later), MessageState::ready);
  quiet_stats(queue);
}

// --- delay ------------------------------------------------------------------------------------

class Delays : public ManualEngine,
               public testing::WithParamInterface<std::chrono::milliseconds> {};

TEST_P(Delays, are_kept_to_the_millisecond) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = *queue.publish({.key = "a", .delay = GetParam()});
  EXPECT_EQ(queue.status(id)->state, MessageState::delayed);
  EXPECT_EQ(queue.status(id)->due_in, GetParam());
  pass(GetParam() - 1ms);
  EXPECT_TRUE(nothing_to_receive(consumer));
  pass(1ms);
  EXPECT_EQ(receive_one(consumer).id(), id);
}

INSTANTIATE_TEST_SUITE_P(Time,
                         Delays,
                         testing::Values(1ms, 63ms, 64ms, 5s, 1h, 24h * 30, 24h * 3'000));

TEST_F(Time, a_delayed_message_joins_its_key_when_it_is_due_not_when_it_was_published) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  ASSERT_TRUE(queue.publish({.key = "a", .payload = "reminder", .delay = 1h}));
  publish(queue, "a", "now");
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"now"});
  pass(1h);
  publish(queue, "a", "later");
  EXPECT_EQ(work_off(consumer), (std::vector<std::string>{"reminder", "later"}));
}

TEST_F(Time, messages_due_in_the_same_tick_join_in_the_order_of_their_ids) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(queue.publish({.key = "a", .payload = std::to_string(i), .delay = 10ms}));
    expected.push_back(std::to_string(i));
  }
  pass(10ms);
  EXPECT_EQ(work_off(consumer), expected);
}

// --- message deadline -------------------------------------------------------------------------

// The timers of this tick have been fired before the release.
TEST_F(Time, a_message_released_at_its_deadline_expires_at_once_and_is_granted_to_nobody) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = *queue.publish({.ttl = 100ms});
  Lease lease = receive_one(consumer);
  pass(100ms);
  publish(queue, "another");
  ASSERT_TRUE(receive_one(consumer).ack());
  ASSERT_TRUE(lease.release());
  EXPECT_TRUE(nothing_to_receive(consumer));
  EXPECT_EQ(state(queue, id), MessageState::expired);
}

TEST_F(Time, a_message_that_still_waits_at_its_deadline_expires_and_is_no_dead_letter) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId first = *queue.publish({.key = "a", .payload = "1", .ttl = 100ms});
  const MessageId second = publish(queue, "a", "2");
  const MessageId third = *queue.publish({.key = "a", .payload = "3", .ttl = 100ms});
  const MessageId delayed = *queue.publish({.key = "b", .delay = 1h, .ttl = 100ms});
  pass(99ms);
  EXPECT_EQ(state(queue, first), MessageState::ready);
  pass(1ms);
  EXPECT_EQ(state(queue, first), MessageState::expired);
  EXPECT_EQ(state(queue, second), MessageState::ready);
  EXPECT_EQ(state(queue, third), MessageState::expired) << "a blocked one";
  EXPECT_EQ(state(queue, delayed), MessageState::expired);
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"2"});
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.expired, 3u);
  EXPECT_EQ(stats.dead, 0u);
}

TEST_F(Time, a_leased_message_runs_past_its_deadline_to_its_settle) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId acked = *queue.publish({.key = "a", .ttl = 100ms});
  const MessageId failed = *queue.publish({.key = "b", .ttl = 100ms});
  LeaseBatch batch = *consumer.receive({.max = 2, .lease = 1h});
  ASSERT_EQ(batch.size(), 2u);
  pass(200ms);
  EXPECT_EQ(state(queue, acked), MessageState::leased);
  EXPECT_TRUE(batch[0].ack());
  EXPECT_TRUE(batch[1].nack({.after = 1s}));
  EXPECT_EQ(state(queue, acked), MessageState::completed);
  pass(1s);
  EXPECT_EQ(state(queue, failed), MessageState::expired);
  EXPECT_TRUE(nothing_to_receive(consumer));
  quiet_stats(queue);
}

TEST_F(Time, a_message_is_never_granted_at_or_after_its_deadline_even_if_nobody_polls) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  ASSERT_TRUE(queue.publish({.key = "a", .ttl = 100ms}));
  (void)queue.stats();
  clock_->advance(100ms);
  EXPECT_TRUE(nothing_to_receive(consumer));
}

// --- attempts and back-off --------------------------------------------------------------------

class Attempts : public ManualEngine {
 protected:
  // Fails the message again and again; the waits before each retry.
  std::vector<std::chrono::milliseconds> fail_until_dead(Queue& queue, MessageId id) {
    Consumer consumer = *queue.consumer();
    std::vector<std::chrono::milliseconds> waits;
    while (state(queue, id) != MessageState::dead) {
      if (!receive_one(consumer).nack()) {
        break;
      }
      const MessageStatus status = *queue.status(id);
      if (status.state == MessageState::delayed) {
        waits.push_back(status.due_in);
        pass(status.due_in);
      }
    }
    return waits;
  }
};

TEST_F(Attempts, are_as_many_as_the_queue_says_or_else_as_the_message_says) {
  Queue queue = open({.attempts_max = 4});
  EXPECT_EQ(fail_until_dead(queue, publish(queue, "a")).size(), 3u);
  EXPECT_EQ(fail_until_dead(queue, *queue.publish({.key = "b", .attempts_max = 1})).size(), 0u);
  EXPECT_EQ(fail_until_dead(queue, *queue.publish({.key = "c", .attempts_max = 6})).size(), 5u);
  for (const DeadLetter& letter : letters(queue)) {
    EXPECT_EQ(letter.reason, DeadReason::attempts);
  }
}

TEST_F(Attempts, an_expired_lease_uses_one_up_and_a_release_none) {
  Queue queue = open({.attempts_max = 2, .backoff = {.first = 1ms, .cap = 1ms}});
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).release());
  for (int i = 0; i < 2; ++i) {
    const Lease lease = receive_one(consumer, 10ms);
    pass(10ms);
    pass(1ms);
  }
  EXPECT_EQ(state(queue, id), MessageState::dead);
}

TEST_F(Attempts, wait_between_the_floor_and_a_ceiling_that_doubles_up_to_the_cap) {
  const Backoff backoff{.first = 100ms, .cap = 1'500ms, .floor = 20ms};
  Queue queue = open({.attempts_max = 9, .backoff = backoff});
  std::vector<std::chrono::milliseconds> longest(8, 0ms);
  for (int i = 0; i < 60; ++i) {
    const auto waits = fail_until_dead(queue, publish(queue, "a"));
    ASSERT_EQ(waits.size(), 8u);
    std::chrono::milliseconds ceiling = backoff.first;
    for (std::size_t n = 0; n < waits.size(); ++n, ceiling = std::min(2 * ceiling, backoff.cap)) {
      EXPECT_GE(waits[n], backoff.floor) << n;
      EXPECT_LE(waits[n], ceiling) << n;
      longest[n] = std::max(longest[n], waits[n]);
    }
  }
  EXPECT_GT(longest[0], 50ms) << "drawn from the whole range";
  EXPECT_GT(longest[7], 750ms);
}

TEST_F(Attempts, two_queues_of_one_seed_draw_the_same_waits_and_another_seed_draws_others) {
  std::vector<std::vector<std::chrono::milliseconds>> waits;
  for (const std::uint64_t seed : {1u, 1u, 2u}) {
    Queue queue = *engine_.queue(numbered("q", static_cast<std::size_t>(waits.size())),
                                 {.attempts_max = 9, .seed = seed});
    waits.push_back(fail_until_dead(queue, publish(queue, "a")));
  }
  EXPECT_EQ(waits[0], waits[1]);
  EXPECT_NE(waits[0], waits[2]);
}

// Lets one thread read the time and stops it before it can do anything about it.
class OnceStoppingClock final : public Clock {
 public:
  std::chrono::nanoseconds now() const noexcept override {
    const std::chrono::nanoseconds time{ns_.load()};
    if (std::this_thread::get_id() == stopped_.load() && !passed_.exchange(true)) {
      reached_.release();
      go_on_.acquire();
    }
    return time;
  }
  void advance(std::chrono::nanoseconds by) { ns_ += by.count(); }
  void stop_this_thread() { stopped_ = std::this_thread::get_id(); }
  void await_stop() { reached_.acquire(); }
  void go_on() { go_on_.release(); }

 private:
  std::atomic<std::int64_t> ns_{std::chrono::nanoseconds(1h).count()};
  std::atomic<std::thread::id> stopped_;
  mutable std::atomic<bool> passed_{false};
  mutable std::binary_semaphore reached_{0};
  mutable std::binary_semaphore go_on_{0};
};

TEST(Retries, wait_from_the_nack_on_and_not_from_when_its_shard_began_to_look) {
  const auto clock = std::make_shared<OnceStoppingClock>();
  Engine engine = *Engine::open({.driver = DriverMode::manual, .clock = clock});
  Queue queue = *engine.queue("mails", {.shards = 1});
  Consumer consumer = *queue.consumer();
  const MessageId id = *queue.publish({.key = "a"});
  LeaseBatch batch = *consumer.receive();
  ASSERT_TRUE(queue.publish({.key = "b"}));
  std::thread receiver([&clock, another = *queue.consumer()]() mutable {
    clock->stop_this_thread();
    (void)another.receive();
  });
  clock->await_stop();
  clock->advance(50ms);
  EXPECT_TRUE(batch[0].nack({.after = 10ms}));
  clock->go_on();
  receiver.join();
  const MessageStatus status = *queue.status(id);
  EXPECT_EQ(status.state, MessageState::delayed);
  EXPECT_EQ(status.due_in, 10ms);
}

// --- the rest of the key ----------------------------------------------------------------------

TEST_F(Time, hold_lets_a_key_wait_for_its_failed_message_and_no_other_key) {
  Queue queue = open({.on_failure = OnFailure::hold});
  Consumer consumer = *queue.consumer();
  publish(queue, "a", "a1");
  publish(queue, "a", "a2");
  ASSERT_TRUE(receive_one(consumer).nack({.after = 1s}));
  publish(queue, "b", "b1");
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"b1"});
  pass(1s);
  EXPECT_EQ(work_off(consumer), (std::vector<std::string>{"a1", "a2"}));
}

TEST_F(Time, detach_lets_the_key_go_on_and_retries_the_failed_message_out_of_order) {
  Queue queue = open({.on_failure = OnFailure::detach});
  Consumer consumer = *queue.consumer();
  publish(queue, "a", "a1");
  publish(queue, "a", "a2");
  ASSERT_TRUE(receive_one(consumer).nack({.after = 1s}));
  Lease second = receive_one(consumer);
  EXPECT_EQ(second.payload().text(), "a2");
  pass(1s);
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"a1"}) << "while the key is leased";
  EXPECT_TRUE(second.ack());
  quiet_stats(queue);
}

}  // namespace
}  // namespace laneway::api_test

// The driver thread: deadlines are met without anybody polling.
#include <laneway/engine.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace {

using namespace std::chrono_literals;

// The driver once forgot: told of a deadline that a consumer then served, it dropped the shard, and
// the shard told it of earlier deadlines only.
TEST(Driver, a_deadline_is_met_after_an_earlier_one_was_served_by_a_consumer) {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue queue = *engine.queue("jobs", {.backoff = {.first = 1ms, .cap = 1ms}});
  laneway::Consumer consumer = *queue.consumer();
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(queue.publish({.payload = "first"}));
    ASSERT_TRUE((*consumer.receive({.lease = 5ms}))[0].ack());
    ASSERT_TRUE(queue.publish({.payload = "second"}));
    auto kept = consumer.receive({.lease = 10ms});  // drains the ack: the first deadline is gone
    ASSERT_EQ(kept->size(), 1u);
    auto again = consumer.receive({.wait = 5s});
    ASSERT_EQ(again->size(), 1u) << "round " << round;
    EXPECT_EQ((*again)[0].attempt(), 2u);
    ASSERT_TRUE((*again)[0].ack());
  }
}

TEST(Driver, a_delayed_message_wakes_a_sleeping_consumer) {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue queue = *engine.queue("jobs");
  laneway::Consumer consumer = *queue.consumer();
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(queue.publish({.payload = "later", .delay = 5ms}));
    auto batch = consumer.receive({.wait = 5s});
    ASSERT_EQ(batch->size(), 1u) << "round " << round;
    ASSERT_TRUE((*batch)[0].ack());
  }
}

// It once ran the shard again and again until its wait was over.
TEST(Driver, a_receive_sleeps_while_consuming_is_paused_also_with_a_backlog) {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue queue = *engine.queue("jobs");
  laneway::Consumer consumer = *queue.consumer();
  queue.pause_consuming();
  ASSERT_TRUE(queue.publish({.payload = "waits"}));
  const std::uint64_t before = queue.stats()->holds;
  ASSERT_TRUE(queue.publish({.payload = "waits in the inbox"}));
  EXPECT_TRUE(consumer.receive({.wait = 50ms})->empty());
  EXPECT_LT(queue.stats()->holds - before, 100u);
  queue.resume_consuming();
  EXPECT_EQ(consumer.receive({.max = 2, .wait = 5s})->size(), 2u);
}

// It once ended at once: its end, counted in nanoseconds, had overflowed.
TEST(Driver, the_longest_wait_of_all_lasts_until_there_is_a_message) {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue queue = *engine.queue("jobs");
  laneway::Consumer consumer = *queue.consumer();
  ASSERT_TRUE(queue.publish({.payload = "later", .delay = 5ms}));
  EXPECT_EQ(consumer.receive({.wait = std::chrono::milliseconds::max()})->size(), 1u);
}

}  // namespace

// The life of a message through the public API, under a clock moved by hand.
#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using laneway::Errc;
using laneway::MessageState;

class LifeCycle : public testing::Test {
 protected:
  laneway::Queue open(const laneway::QueueOptions& options = {}) {
    return *engine_.queue("mails", options);
  }
  void pass(std::chrono::milliseconds time) {
    clock_->advance(time);
    ASSERT_TRUE(engine_.poll());
  }
  static laneway::MessageState state(laneway::Queue& queue, laneway::MessageId id) {
    return queue.status(id)->state;
  }

  std::shared_ptr<laneway::ManualClock> clock_ = std::make_shared<laneway::ManualClock>(1h);
  laneway::Engine engine_ =
      *laneway::Engine::open({.driver = laneway::DriverMode::manual, .clock = clock_});
};

TEST_F(LifeCycle, a_published_message_is_leased_and_acknowledged) {
  laneway::Queue queue = open();
  laneway::Consumer consumer = *queue.consumer();
  const laneway::MessageId id = *queue.publish({.key = "customer-7", .payload = "welcome"});
  EXPECT_EQ(state(queue, id), MessageState::ready);

  auto batch = consumer.receive();
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->size(), 1u);
  laneway::Lease& lease = (*batch)[0];
  EXPECT_EQ(lease.payload().text(), "welcome");
  EXPECT_EQ(lease.key(), "customer-7");
  EXPECT_EQ(lease.id(), id);
  EXPECT_EQ(lease.attempt(), 1u);
  EXPECT_EQ(state(queue, id), MessageState::leased);

  EXPECT_TRUE(lease.ack());
  EXPECT_EQ(state(queue, id), MessageState::completed);
  EXPECT_EQ(lease.ack().error().code, Errc::lease_lost);
}

TEST_F(LifeCycle, ack_after_expiry_returns_lease_lost) {
  laneway::Queue queue = open();
  laneway::Consumer consumer = *queue.consumer();
  const laneway::MessageId id = *queue.publish({.key = "a", .payload = "1"});
  auto batch = consumer.receive({.lease = 100ms});
  ASSERT_EQ(batch->size(), 1u);
  pass(101ms);
  EXPECT_EQ((*batch)[0].ack().error().code, Errc::lease_lost);
  EXPECT_EQ((*batch)[0].payload().text(), "1");
  EXPECT_EQ(state(queue, id), MessageState::delayed);
  EXPECT_EQ(queue.stats()->lease_lost, 1u);
  pass(1s);
  auto again = consumer.receive();
  ASSERT_EQ(again->size(), 1u);
  EXPECT_EQ((*again)[0].attempt(), 2u);
  EXPECT_TRUE((*again)[0].ack());
}

}  // namespace

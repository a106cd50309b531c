// What verbs answer where there is nothing for them to work on: after close, and in a hand-off
// queue.
#include "tests/api/manual_engine.hpp"

#include <array>
#include <atomic>
#include <thread>

namespace laneway::api_test {
namespace {

using Close = ManualEngine;

TEST_F(Close, every_verb_that_can_fail_answers_closed_afterwards) {
  Queue queue = open({.results_remembered = 1});
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  Lease lease = receive_one(consumer);
  queue.close();

  MessageBatch batch;
  const std::array<Message, 1> messages{{{.payload = "late"}}};
  const Errc answers[] = {
      code_of(queue.publish(messages[0])),
      code_of(queue.publish_async(messages[0])),
      code_of(queue.publish(messages)),
      code_of(queue.consumer()),
      code_of(consumer.receive()),
      code_of(consumer.take(batch)),
      code_of(queue.status(id)),
      code_of(queue.wait(id, 0ms)),
      code_of(queue.cancel(id)),
      code_of(queue.stats()),
      code_of(queue.stats(0)),
      code_of(queue.dead_letters()),
      code_of(queue.replay(id)),
      code_of(queue.replay_all()),
      code_of(queue.discard(id)),
      code_of(queue.discard_all()),
      code_of(queue.release_key("a")),
      code_of(queue.drain(0ms)),
      code_of(lease.extend(1s)),
      code_of(lease.nack()),
      code_of(lease.release()),
      code_of(lease.reject()),
      code_of(lease.ack("done")),
      code_of(lease.ack()),
  };
  for (std::size_t i = 0; i < std::size(answers); ++i) {
    EXPECT_EQ(answers[i], Errc::closed) << "the verb at place " << i;
  }
  engine_.close();
  EXPECT_EQ(code_of(engine_.queue("another")), Errc::closed);
}

TEST(CloseWithThreads, wakes_whoever_sleeps_in_receive_or_in_take) {
  for (const QueueKind kind : {QueueKind::by_key, QueueKind::handoff}) {
    for (int round = 0; round < 8; ++round) {
      Engine engine = *Engine::open();
      Queue queue = *engine.queue("q", {.kind = kind, .capacity = 16});
      std::atomic<int> begun{0};
      Errc received{};
      Errc taken{};
      std::thread receiver([&, consumer = *queue.consumer()]() mutable {
        ++begun;
        received = code_of(consumer.receive({.wait = 60s}));
      });
      std::thread taker([&, consumer = *queue.consumer()]() mutable {
        MessageBatch batch;
        ++begun;
        taken = code_of(consumer.take(batch, {.wait = 60s}));
      });
      while (begun.load() != 2) {
        std::this_thread::yield();
      }
      queue.close();
      receiver.join();
      taker.join();
      EXPECT_EQ(taken, Errc::closed);
      // A hand-off queue has no leases, whether or not it is open.
      EXPECT_TRUE(received == Errc::closed ||
                  (kind == QueueKind::handoff && received == Errc::invalid_argument));
    }
  }
}

using Handoff = ManualEngine;

TEST_F(Handoff, hands_out_what_was_published_in_that_order_and_counts_it) {
  Queue queue = open({.kind = QueueKind::handoff, .capacity = 4});
  for (const char* text : {"1", "2", "3", "4"}) {
    ASSERT_TRUE(queue.publish({.payload = text}));
  }
  EXPECT_EQ(code_of(queue.publish({.payload = "5"})), Errc::queue_full);
  Consumer consumer = *queue.consumer();
  MessageBatch batch;
  ASSERT_EQ(*consumer.take(batch, {.max = 3}), 3u);
  EXPECT_EQ(batch.payload(0).text(), "1");
  EXPECT_EQ(batch.payload(2).text(), "3");
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.published, 4u);
  EXPECT_EQ(stats.acked, 3u);
  EXPECT_EQ(stats.ready, 1u);
  EXPECT_EQ(stats.refused_full, 1u);
}

TEST_F(Handoff, has_neither_leases_nor_states_nor_dead_letters) {
  Queue queue = open({.kind = QueueKind::handoff});
  Consumer consumer = *queue.consumer();
  const MessageId id = *queue.publish({.payload = "x"});
  EXPECT_EQ(code_of(consumer.receive()), Errc::invalid_argument);
  EXPECT_EQ(queue.status(id)->state, MessageState::unknown);
  EXPECT_EQ(queue.wait(id, 1h)->state, MessageState::unknown);
  EXPECT_EQ(code_of(queue.cancel(id)), Errc::not_found);
  EXPECT_TRUE(letters(queue).empty());
  EXPECT_EQ(code_of(queue.replay(id)), Errc::not_found);
  EXPECT_EQ(code_of(queue.discard(id)), Errc::not_found);
  EXPECT_EQ(*queue.replay_all(), 0u);
  EXPECT_EQ(*queue.discard_all(), 0u);
  EXPECT_EQ(code_of(queue.release_key("a")), Errc::not_found);
  EXPECT_EQ(code_of(queue.stats(0)), Errc::invalid_argument);
  EXPECT_EQ(queue.drain(0ms)->released, 0u);
  MessageBatch batch;
  EXPECT_EQ(*consumer.take(batch), 0u) << "drained, so consuming is paused";
  queue.resume_consuming();
  EXPECT_EQ(*consumer.take(batch), 1u);
}

}  // namespace
}  // namespace laneway::api_test

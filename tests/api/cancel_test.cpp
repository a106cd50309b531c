// Asking about one message: cancel it, wait for its end, read its result.
#include <laneway/worker_pool.hpp>

#include "tests/api/manual_engine.hpp"

#include <thread>

namespace laneway {
namespace api_test {
namespace {

class Cancelling : public ManualEngine {};

TEST_F(Cancelling, a_waiting_message_is_cancelled_and_then_not_found) {
  Queue queue = open();
  const MessageId id = publish(queue, "a");
  EXPECT_EQ(*queue.cancel(id), MessageState::cancelled);
  EXPECT_EQ(state(queue, id), MessageState::cancelled);
  EXPECT_EQ(code_of(queue.cancel(id)), Errc::not_found);
  Consumer consumer = *queue.consumer();
  EXPECT_TRUE(nothing_to_receive(consumer));
  EXPECT_EQ(quiet_stats(queue).cancelled, 1u);
}

TEST_F(Cancelling, unknown_completed_and_dead_messages_are_not_found) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(code_of(queue.cancel({77})), Errc::not_found);
  EXPECT_EQ(code_of(queue.cancel({std::uint64_t{200} << MessageId::kPositionBits})),
            Errc::not_found);
  const MessageId done = publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).ack());
  EXPECT_EQ(code_of(queue.cancel(done)), Errc::not_found);
  const MessageId dead = publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).reject());
  EXPECT_EQ(code_of(queue.cancel(dead)), Errc::not_found);
}

TEST_F(Cancelling, the_holder_of_a_lease_is_told_by_its_next_extend_and_may_still_ack) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  Lease lease = receive_one(consumer, 1s);
  ASSERT_TRUE(lease.extend(2s));
  EXPECT_EQ(*queue.cancel(id), MessageState::leased);
  EXPECT_TRUE(queue.status(id)->cancelling);
  EXPECT_EQ(code_of(lease.extend(10s)), Errc::cancelled);
  pass(5s);  // the deadline has been moved all the same
  EXPECT_TRUE(lease.ack());
  EXPECT_EQ(state(queue, id), MessageState::completed);
}

TEST_F(Cancelling, a_failed_or_expired_lease_of_a_cancelled_message_is_its_end) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId failed = publish(queue, "a");
  Lease first = receive_one(consumer);
  ASSERT_TRUE(queue.cancel(failed));
  EXPECT_TRUE(first.nack());
  EXPECT_EQ(state(queue, failed), MessageState::cancelled);
  const MessageId expired = publish(queue, "a");
  Lease second = receive_one(consumer, 1s);
  ASSERT_TRUE(queue.cancel(expired));
  pass(1s);
  EXPECT_EQ(state(queue, expired), MessageState::cancelled);
  EXPECT_EQ(code_of(second.ack()), Errc::lease_lost);
  EXPECT_EQ(quiet_stats(queue).cancelled, 2u);
}

TEST_F(Cancelling, the_next_lease_of_a_slot_knows_nothing_of_an_old_mark) {
  Queue queue = open({.capacity = 1});
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  Lease lease = receive_one(consumer);
  ASSERT_TRUE(queue.cancel(id));
  ASSERT_TRUE(lease.ack());
  publish(queue, "b");
  Lease next = receive_one(consumer);
  EXPECT_TRUE(next.extend(1s));
}

TEST_F(Cancelling, a_drain_ends_what_is_marked) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  const Lease lease = receive_one(consumer);
  ASSERT_TRUE(queue.cancel(id));
  EXPECT_EQ(queue.drain(0ms)->released, 1u);
  EXPECT_EQ(state(queue, id), MessageState::cancelled);
}

TEST_F(Cancelling, a_result_is_shown_by_the_status_of_the_completed_message) {
  Queue queue = open({.results_remembered = 10});
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  EXPECT_TRUE(receive_one(consumer).ack("invoice 17"));
  EXPECT_EQ(queue.status(id)->state, MessageState::completed);
  EXPECT_EQ(queue.status(id)->result, "invoice 17");
  const MessageId verbose = publish(queue, "a");
  EXPECT_TRUE(receive_one(consumer).ack(std::string(200, 'x')));
  EXPECT_EQ(queue.status(verbose)->result, std::string(96, 'x'));
}

TEST_F(Cancelling, a_result_is_refused_where_none_is_kept_and_for_a_run_of_several) {
  Queue plain = open();
  Consumer consumer = *plain.consumer();
  publish(plain, "a");
  Lease lease = receive_one(consumer);
  EXPECT_EQ(code_of(lease.ack("x")), Errc::invalid_argument);
  EXPECT_TRUE(lease.ack());
  EXPECT_EQ(code_of(lease.ack("x")), Errc::lease_lost);

  Queue runs = *engine_.queue("runs", {.run_max = 2, .results_remembered = 10});
  Consumer reader = *runs.consumer();
  publish(runs, "a");
  publish(runs, "a");
  Lease run = receive_one(reader);
  ASSERT_EQ(run.size(), 2u);
  EXPECT_EQ(code_of(run.ack("x")), Errc::invalid_argument);
}

TEST_F(Cancelling, waiting_answers_the_status_at_once_when_time_is_moved_by_hand) {
  Queue queue = open();
  const MessageId id = publish(queue, "a");
  EXPECT_EQ(queue.wait(id, 1h)->state, MessageState::ready);
  EXPECT_EQ(queue.wait({12345}, 1h)->state, MessageState::unknown);
  EXPECT_EQ(code_of(queue.wait(id, -1ms)), Errc::invalid_argument);
}

TEST(Waiting, wait_returns_when_a_worker_has_completed_the_message) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("jobs", {.results_remembered = 10});
  WorkerPool pool = *WorkerPool::start(queue, {.workers = 1}, [](const MessageView& message) {
    return Outcome::ack("did " + std::string(message.payload.text()));
  });
  const MessageId id = *queue.publish({.payload = "it"});
  const MessageStatus status = *queue.wait(id, 1min);
  EXPECT_EQ(status.state, MessageState::completed);
  EXPECT_EQ(status.result, "did it");
}

// Nobody receives: the settle itself wakes the one who waits.
TEST(Waiting, an_ack_by_a_thread_that_never_receives_again_wakes_the_waiter) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("jobs");
  Consumer consumer = *queue.consumer();
  const MessageId id = *queue.publish({.payload = "it"});
  LeaseBatch batch = *consumer.receive();
  std::thread waiter([&] { EXPECT_EQ(queue.wait(id, 1min)->state, MessageState::completed); });
  EXPECT_TRUE(batch[0].ack());
  waiter.join();
}

TEST(Waiting, close_wakes_the_waiter) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("jobs");
  const MessageId id = *queue.publish({.payload = "it"});
  std::thread waiter([&] {
    const Result<MessageStatus> status = queue.wait(id, 1min);
    EXPECT_EQ(code_of(status), Errc::closed);
  });
  queue.close();
  waiter.join();
}

}  // namespace
}  // namespace api_test
}  // namespace laneway

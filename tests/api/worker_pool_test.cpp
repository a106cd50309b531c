// WorkerPool: what a handler's answer, exception and length do to its message. How pools end is in
// shutdown_test.cpp.
#include <laneway/worker_pool.hpp>

#include "tests/api/manual_engine.hpp"

#include <future>
#include <thread>

namespace laneway::api_test {
namespace {

constexpr std::chrono::milliseconds kPatience = 60s;

class Pool : public testing::Test {
 protected:
  // Until the pool's numbers are so.
  template <class Wanted>
  static void await(const WorkerPool& pool, Wanted wanted) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!wanted(pool.stats())) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::yield();
    }
  }

  Engine engine_ = *Engine::open();
  Queue queue_ = *engine_.queue(
      "mails", {.attempts_max = 2, .backoff = {.first = 1ms, .cap = 1ms, .floor = 1ms}});
};

TEST_F(Pool, settles_by_the_outcome_and_counts_it) {
  const MessageId good = *queue_.publish({.key = "a", .payload = "good"});
  const MessageId again = *queue_.publish({.key = "b", .payload = "again"});
  const MessageId bad = *queue_.publish({.key = "c", .payload = "bad"});
  const WorkerPool pool =
      *WorkerPool::start(queue_, {.workers = 2, .batch = 2}, [](const MessageView& message) {
        if (message.payload.text() == "bad") {
          return Outcome::reject("never");
        }
        return message.payload.text() == "good" || message.attempt == 2 ? Outcome::ack()
                                                                        : Outcome::retry("later");
      });
  EXPECT_EQ(queue_.wait(good, kPatience)->state, MessageState::completed);
  EXPECT_EQ(queue_.wait(again, kPatience)->state, MessageState::completed);
  EXPECT_EQ(queue_.wait(bad, kPatience)->state, MessageState::dead);
  await(pool, [](const PoolStats& stats) { return stats.handled == 4 && stats.busy == 0; });
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.workers, 2u);
  EXPECT_EQ(stats.acked, 2u);
  EXPECT_EQ(stats.retried, 1u);
  EXPECT_EQ(stats.rejected, 1u);
  EXPECT_LE(stats.busy_time, stats.available_time);
}

TEST_F(Pool, takes_an_exception_for_a_retry_and_keeps_its_text) {
  const MessageId id = *queue_.publish({.key = "a"});
  const WorkerPool pool = *WorkerPool::start(
      queue_, {.workers = 1},
      [](const MessageView&) -> Outcome { throw std::runtime_error("no such customer"); });
  const MessageStatus status = *queue_.wait(id, kPatience);
  EXPECT_EQ(status.state, MessageState::dead);
  EXPECT_EQ(status.attempts, 2u);
  EXPECT_EQ(status.error, "no such customer");
  await(pool, [](const PoolStats& stats) { return stats.threw == 2; });
}

TEST_F(Pool, extends_the_lease_of_a_long_handler_while_it_runs) {
  std::promise<void> extended;
  const std::shared_future<void> until = extended.get_future().share();
  const MessageId id = *queue_.publish({.key = "a"});
  const WorkerPool pool =
      *WorkerPool::start(queue_, {.workers = 1, .lease = 600ms}, [&](const MessageView&) {
        until.wait();
        return Outcome::ack();
      });
  await(pool, [](const PoolStats& stats) { return stats.extended >= 2; });
  extended.set_value();
  EXPECT_EQ(queue_.wait(id, kPatience)->state, MessageState::completed);
}

TEST_F(Pool, lets_the_lease_of_a_handler_go_that_runs_longer_than_it_may) {
  std::promise<void> second;
  const std::shared_future<void> began = second.get_future().share();
  const MessageId id = *queue_.publish({.key = "a"});
  const WorkerPool pool =
      *WorkerPool::start(queue_, {.workers = 2, .lease = 50ms, .handler_time_max = 1ms},
                         [&](const MessageView& message) {
                           if (message.attempt == 1) {
                             began.wait();
                           } else {
                             second.set_value();
                           }
                           return Outcome::ack();
                         });
  EXPECT_EQ(queue_.wait(id, kPatience)->state, MessageState::completed);
  await(pool, [](const PoolStats& stats) { return stats.handled == 2 && stats.busy == 0; });
  EXPECT_GE(pool.stats().lease_lost, 1u);
}

TEST_F(Pool, hands_over_the_messages_of_a_run_one_by_one_until_one_fails) {
  Queue queue =
      *engine_.queue("runs", {.backoff = {.first = 1ms, .cap = 1ms, .floor = 1ms}, .run_max = 8});
  MessageId last;
  for (const char* text : {"1", "2", "3", "4"}) {
    last = *queue.publish({.key = "a", .payload = text});
  }
  std::string seen;  // by the only worker
  const WorkerPool pool =
      *WorkerPool::start(queue, {.workers = 1}, [&seen](const MessageView& message) {
        seen.append(message.payload.text());
        return message.payload.text() == "3" && message.attempt == 1 ? Outcome::retry()
                                                                     : Outcome::ack();
      });
  EXPECT_EQ(queue.wait(last, kPatience)->state, MessageState::completed);
  EXPECT_EQ(seen, "12334");
}

TEST_F(Pool, a_drain_gives_back_what_nobody_began_and_reports_handlers_that_outlive_it) {
  std::promise<void> allowed;
  const std::shared_future<void> until = allowed.get_future().share();
  const MessageId begun = *queue_.publish({.key = "a"});
  const MessageId second = *queue_.publish({.key = "b"});
  const MessageId third = *queue_.publish({.key = "c"});
  WorkerPool pool =
      *WorkerPool::start(queue_, {.workers = 1, .batch = 3}, [until](const MessageView&) {
        until.wait();
        return Outcome::ack();
      });
  await(pool, [](const PoolStats& stats) { return stats.busy == 1; });
  EXPECT_EQ(pool.drain(0ms).abandoned, 1u);
  EXPECT_EQ(queue_.status(begun)->state, MessageState::leased);
  allowed.set_value();
  const PoolReport report = pool.drain(kPatience);
  EXPECT_EQ(report.abandoned, 0u);
  EXPECT_EQ(queue_.status(begun)->state, MessageState::completed) << "its settle still counted";
  for (const MessageId id : {second, third}) {
    EXPECT_EQ(queue_.status(id)->state, MessageState::ready);
    EXPECT_EQ(queue_.status(id)->attempts, 0u);
  }
}

TEST_F(Pool, is_refused_for_options_that_cannot_work) {
  const auto handler = [](const MessageView&) { return Outcome::ack(); };
  for (const WorkerPoolOptions& options :
       {WorkerPoolOptions{.workers = 0}, WorkerPoolOptions{.workers = 1'025},
        WorkerPoolOptions{.batch = 0}, WorkerPoolOptions{.batch = 65},
        WorkerPoolOptions{.lease = -1ms}, WorkerPoolOptions{.handler_time_max = -1ms}}) {
    EXPECT_EQ(code_of(WorkerPool::start(queue_, options, handler)), Errc::invalid_argument);
  }
  EXPECT_EQ(code_of(WorkerPool::start(queue_, {}, nullptr)), Errc::invalid_argument);
  Queue handoff = *engine_.queue("handoff", {.kind = QueueKind::handoff});
  EXPECT_EQ(code_of(WorkerPool::start(handoff, {}, handler)), Errc::invalid_argument);
}

}  // namespace
}  // namespace laneway::api_test

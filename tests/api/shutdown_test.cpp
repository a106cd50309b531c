// Shutdown: what a drain under load leaves behind, and objects that end in any order.
#include <laneway/worker_pool.hpp>

#include "tests/api/manual_engine.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace laneway::api_test {
namespace {

// --- drain under load
// -----------------------------------------------------------------------------

// Two producers that publish until they are refused, and what of each key was worked on, in order.
class DrainUnderLoad : public testing::Test {
 protected:
  static constexpr int kProducers = 2;
  static constexpr std::size_t kBefore = 2'000;  // messages worked on before the drain

  void SetUp() override {
    for (int producer = 0; producer < kProducers; ++producer) {
      producers_.emplace_back([this, producer] { produce(producer); });
    }
  }
  void TearDown() override {
    engine_.close();
    join_producers();
  }

  void produce(int producer) {
    const std::string key(1, static_cast<char>('a' + producer));
    for (int number = 0;; ++number) {
      const std::string text = std::to_string(number);
      Result<MessageId> id = queue_.publish({.key = key, .payload = text});
      while (!id && id.error().code == Errc::queue_full) {
        std::this_thread::yield();
        id = queue_.publish({.key = key, .payload = text});
      }
      if (!id) {
        return;  // paused, or closed
      }
      ++accepted_;
    }
  }
  void join_producers() {
    for (std::thread& producer : producers_) {
      producer.join();
    }
    producers_.clear();
  }

  void note(const MessageView& message) {
    const std::lock_guard lock(mutex_);
    worked_on_[std::string(message.key)].push_back(std::stoi(std::string(message.payload.text())));
    ++count_;
  }
  void wait_for_work(std::size_t count) const {
    while (count_ < count) {
      std::this_thread::yield();
    }
  }
  static std::uint64_t waiting(const QueueStats& stats) {
    return stats.ready + stats.blocked + stats.delayed;
  }

  Engine engine_ = *Engine::open();
  Queue queue_ = *engine_.queue("load", {.capacity = 512, .shards = 1});
  std::vector<std::thread> producers_;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;
  std::map<std::string, std::vector<int>> worked_on_;
};

TEST_F(DrainUnderLoad, of_a_pool_loses_nothing_and_works_on_nothing_twice) {
  const auto handler = [this](const MessageView& message) {
    note(message);
    return Outcome::ack();
  };
  WorkerPool pool = *WorkerPool::start(queue_, {.workers = 3, .batch = 8}, handler);
  wait_for_work(kBefore);
  const PoolReport report = pool.drain(60s);
  queue_.pause_publishing();
  join_producers();
  EXPECT_EQ(report.abandoned, 0u);

  const QueueStats stats = *queue_.stats();
  EXPECT_EQ(stats.published, accepted_.load());
  EXPECT_EQ(stats.acked, count_.load());
  EXPECT_EQ(stats.leased, 0u);
  EXPECT_EQ(stats.acked + waiting(stats), stats.published);
  EXPECT_GE(stats.released, report.released);

  WorkerPool second = *WorkerPool::start(queue_, {.workers = 3, .batch = 8}, handler);
  wait_for_work(accepted_);
  EXPECT_EQ(second.drain(60s).abandoned, 0u);
  EXPECT_EQ(queue_.stats()->acked, accepted_.load());
  for (const auto& [key, numbers] : worked_on_) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(numbers[i], static_cast<int>(i)) << "of key " << key;
    }
  }
}

TEST_F(DrainUnderLoad, of_a_queue_repeats_only_what_it_reports_as_released) {
  std::atomic<std::uint64_t> lost{0};
  std::vector<std::thread> consumers;
  for (int i = 0; i < 2; ++i) {
    consumers.emplace_back(
        [this, &lost](Consumer consumer) {
          while (true) {
            Result<LeaseBatch> batch = consumer.receive({.max = 4, .wait = 1h});
            if (!batch) {
              return;  // closed
            }
            for (Lease& job : *batch) {
              note(job.message());
              lost += job.ack() ? 0u : 1u;
            }
          }
        },
        *queue_.consumer());
  }
  wait_for_work(kBefore);
  const DrainReport report = *queue_.drain(0ms);
  queue_.pause_publishing();
  join_producers();
  const QueueStats drained = *queue_.stats();
  EXPECT_EQ(drained.leased, 0u);
  EXPECT_EQ(drained.released, report.released);

  queue_.resume_consuming();
  while (queue_.stats()->acked < accepted_) {
    std::this_thread::yield();
  }
  engine_.close();
  for (std::thread& consumer : consumers) {
    consumer.join();
  }
  EXPECT_EQ(lost.load(), report.released);
  EXPECT_EQ(count_.load(), accepted_ + report.released);
}

// --- the end, in any order
// ------------------------------------------------------------------------

enum class Piece { engine, queue, consumer, lease, pool };
using EndOrder = std::array<Piece, 5>;

// One of each, in use.
class World {
 public:
  explicit World(const EngineOptions& options) : engine_(*Engine::open(options)) {
    queue_ = *engine_->queue("world", {.capacity = 8, .shards = 1});
    (void)queue_->publish({.key = "held", .payload = "held until the end"});
    consumer_ = *queue_->consumer();
    lease_ = std::move((*consumer_->receive())[0]);
    pool_ = *WorkerPool::start(*queue_, {.workers = 1}, [](const auto&) { return Outcome::ack(); });
    for (const char* key : {"held", "free"}) {
      (void)queue_->publish({.key = key, .payload = std::string(200, 'x')});
    }
  }

  void end(Piece piece) {
    switch (piece) {
      case Piece::engine:
        return engine_.reset();
      case Piece::queue:
        return queue_.reset();
      case Piece::consumer:
        return consumer_.reset();
      case Piece::lease:
        return lease_.reset();
      case Piece::pool:
        return pool_.reset();
    }
  }

  // Whatever is left can still be used.
  void use() {
    if (lease_) {
      EXPECT_EQ(lease_->payload().text(), "held until the end");
    }
    if (queue_ && !engine_) {
      EXPECT_EQ(code_of(queue_->publish({.payload = "late"})), Errc::closed);
    }
    if (consumer_ && !engine_) {
      EXPECT_EQ(code_of(consumer_->receive()), Errc::closed);
    }
    if (lease_ && !engine_) {
      EXPECT_EQ(code_of(lease_->extend(1s)), Errc::closed);
    }
    if (pool_) {
      EXPECT_EQ(pool_->stats().workers, 1u);
    }
  }

 private:
  std::optional<Engine> engine_;
  std::optional<Queue> queue_;
  std::optional<Consumer> consumer_;
  std::optional<Lease> lease_;
  std::optional<WorkerPool> pool_;
};

void end_in(const EndOrder& order, const EngineOptions& options) {
  World world(options);
  for (const Piece piece : order) {
    world.use();
    world.end(piece);
  }
}

TEST(Destruction, is_safe_in_every_order) {
  EndOrder order = {Piece::engine, Piece::queue, Piece::consumer, Piece::lease, Piece::pool};
  int orders = 0;
  do {
    end_in(order, {.driver = DriverMode::manual});
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(orders, 120);
}

TEST(Destruction, is_safe_beside_a_driver_thread) {
  for (EndOrder order :
       {EndOrder{Piece::engine, Piece::pool, Piece::lease, Piece::consumer, Piece::queue},
        EndOrder{Piece::lease, Piece::pool, Piece::queue, Piece::consumer, Piece::engine},
        EndOrder{Piece::queue, Piece::engine, Piece::consumer, Piece::pool, Piece::lease}}) {
    end_in(order, {});
  }
}

TEST(Destruction, of_an_engine_with_a_pool_at_work_lets_the_handler_finish) {
  std::optional<Engine> engine = *Engine::open();
  Queue queue = *engine->queue("work");
  std::atomic<int> stage{0};
  std::optional<WorkerPool> pool =
      *WorkerPool::start(queue, {.workers = 1}, [&stage](const MessageView& message) {
        stage = 1;
        while (stage == 1) {
          std::this_thread::yield();
        }
        stage = message.payload.text() == "bytes" ? 3 : 4;  // they are still there
        return Outcome::ack();
      });
  ASSERT_TRUE(queue.publish({.payload = "bytes"}));
  while (stage == 0) {
    std::this_thread::yield();
  }
  engine.reset();
  stage = 2;
  pool.reset();
  EXPECT_EQ(stage.load(), 3);
}

}  // namespace
}  // namespace laneway::api_test

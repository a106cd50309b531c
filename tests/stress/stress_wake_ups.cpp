// Sleeping consumers of a whole engine: each wants one message and then leaves, and there are as
// many messages as consumers. So a wake-up that is lost is made good by nobody: somebody's patience
// ends.
#include <laneway/engine.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace laneway {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kConsumers = 6;
constexpr std::chrono::seconds kPatience = 60s;
constexpr std::chrono::milliseconds kPlayed = 400ms;

class WakeUps : public testing::Test {
 protected:
  using Publish = std::function<void(Queue& queue, std::mt19937_64& random)>;
  using Receive = std::function<bool(Consumer& consumer)>;

  // Rounds of kConsumers messages, until the time is over. A round is published by one thread while
  // consumers are on their way to sleep.
  void play(const QueueOptions& options, const Publish& publish, const Receive& receive) {
    Result<Engine> engine = Engine::open();
    ASSERT_TRUE(engine);
    Queue queue = *engine->queue("wake-ups", options);
    std::barrier<> curtain(kConsumers + 1);
    std::atomic<bool> over = false;
    std::atomic<unsigned> unlucky = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kConsumers; ++i) {
      threads.emplace_back([&] {
        Consumer consumer = *queue.consumer();
        for (;;) {
          curtain.arrive_and_wait();
          if (over.load()) {
            return;
          }
          unlucky += receive(consumer) ? 0 : 1;
          curtain.arrive_and_wait();
        }
      });
    }
    std::mt19937_64 random(0x5eed);
    const auto end = std::chrono::steady_clock::now() + kPlayed;
    while (std::chrono::steady_clock::now() < end && unlucky.load() == 0) {
      curtain.arrive_and_wait();
      publish(queue, random);
      curtain.arrive_and_wait();
      ++rounds_;
    }
    over.store(true);
    curtain.arrive_and_wait();
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(unlucky.load(), 0u);
    EXPECT_GT(rounds_, 3u);
    RecordProperty("rounds", static_cast<int>(rounds_));
  }

  // From nothing to several time slices.
  static void pause(std::mt19937_64& random) {
    const std::uint64_t dice = random();
    if (dice % 4 == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(dice / 4 % 300));
    } else if (dice % 4 == 1) {
      std::this_thread::yield();
    }
  }

  static bool receive_and_ack(Consumer& consumer) {
    Result<LeaseBatch> batch = consumer.receive({.max = 1, .wait = kPatience});
    return batch && batch->size() == 1 && batch->ack() == 1;
  }

  static bool take_one(Consumer& consumer) {
    MessageBatch batch;
    const Result<std::size_t> taken = consumer.take(batch, {.max = 1, .wait = kPatience});
    return taken && *taken == 1;
  }

  // In batches of random size.
  static void publish_in_batches(Queue& queue, std::mt19937_64& random) {
    const bool keyed = queue.options().kind != QueueKind::handoff;
    std::array<std::string, kConsumers> keys;
    std::vector<Message> messages;
    for (unsigned sent = 0; sent < kConsumers; sent += static_cast<unsigned>(messages.size())) {
      messages.clear();
      const std::uint64_t size = 1 + random() % (kConsumers - sent);
      for (std::uint64_t i = 0; i < size; ++i) {
        keys[i] = keyed ? std::to_string(random() % 1000) : "";
        messages.push_back({.key = keys[i], .payload = "job"});
      }
      pause(random);
      ASSERT_EQ(*queue.publish(messages), messages.size());
    }
  }

  std::uint64_t rounds_ = 0;
};

TEST_F(WakeUps, a_batch_over_many_shards_wakes_as_many_as_it_has_messages) {
  play({.capacity = 1000, .shards = 4}, publish_in_batches, take_one);
}

TEST_F(WakeUps, a_batch_in_one_shard_wakes_as_many_as_it_has_messages) {
  play({.capacity = 1000, .shards = 1}, publish_in_batches, take_one);
}

TEST_F(WakeUps, a_batch_wakes_as_many_as_it_has_messages_also_when_they_ack) {
  play({.capacity = 1000, .shards = 4}, publish_in_batches, receive_and_ack);
}

TEST_F(WakeUps, a_batch_on_a_handoff_queue_wakes_as_many_as_it_has_messages) {
  play({.kind = QueueKind::handoff, .capacity = 1024}, publish_in_batches, take_one);
}

TEST_F(WakeUps, an_ack_wakes_a_consumer_for_the_next_message_of_its_key) {
  const Publish one_key = [](Queue& queue, std::mt19937_64& random) {
    for (unsigned i = 0; i < kConsumers; ++i) {
      pause(random);
      ASSERT_TRUE(queue.publish({.key = "the only key", .payload = "job"}));
    }
  };
  play({.capacity = 1000, .shards = 2}, one_key, receive_and_ack);
}

TEST_F(WakeUps, a_delayed_message_wakes_a_consumer_when_it_is_due) {
  const Publish delayed = [](Queue& queue, std::mt19937_64& random) {
    for (unsigned i = 0; i < kConsumers; ++i) {
      pause(random);
      const std::chrono::milliseconds delay(random() % 4);
      ASSERT_TRUE(queue.publish({.payload = "job", .delay = delay}));
    }
  };
  play({.capacity = 1000, .shards = 2}, delayed, receive_and_ack);
}

TEST_F(WakeUps, a_nacked_message_wakes_a_consumer_when_its_retry_is_due) {
  const Receive fail_at_first = [](Consumer& consumer) {
    for (;;) {
      Result<LeaseBatch> batch = consumer.receive({.max = 1, .wait = kPatience});
      if (!batch || batch->size() != 1) {
        return false;
      }
      Lease& lease = *batch->begin();
      if (lease.message().attempt != 1) {
        return lease.ack().has_value();
      }
      if (!lease.nack({.after = 1ms})) {
        return false;
      }
    }
  };
  play({.capacity = 1000, .shards = 2}, publish_in_batches, fail_at_first);
}

}  // namespace
}  // namespace laneway

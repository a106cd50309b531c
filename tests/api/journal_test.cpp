// Queues that survive: what is there after the engine was closed, or has simply gone.
#include "tests/api/journal_fixture.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#ifdef __has_feature  // Clang
#if __has_feature(address_sanitizer)
#define LANEWAY_ADDRESS_SANITIZER
#endif
#endif

namespace laneway {
namespace {

using namespace std::chrono_literals;

TEST_F(JournalTest, messages_come_back_with_id_key_type_and_payload_in_their_order) {
  open(durable(Durability::async));
  std::vector<MessageId> ids;
  const std::string large(5000, 'L');
  const std::string long_key(300, 'k');
  ids.push_back(*queue_->publish({.key = "a", .payload = "one", .type = "first.type"}));
  ids.push_back(*queue_->publish({.key = "a", .payload = large}));
  ids.push_back(*queue_->publish({.key = long_key, .payload = "three"}));
  reopen(durable(Durability::async));
  LeaseBatch first = receive();
  ASSERT_EQ(first.size(), 2u) << "the second of key a waits";
  EXPECT_EQ(first[0].id(), ids[0]);
  EXPECT_EQ(first[0].key(), "a");
  EXPECT_EQ(first[0].type(), "first.type");
  EXPECT_EQ(first[0].payload().text(), "one");
  EXPECT_EQ(first[1].key(), long_key);
  ASSERT_TRUE(first[0].ack());
  LeaseBatch second = receive();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].id(), ids[1]);
  EXPECT_EQ(second[0].payload().text(), large);
  const MessageId next = *queue_->publish({.payload = "new"});
  EXPECT_GT(next.position(), ids[2].position()) << "no id is used twice";
}

TEST_F(JournalTest, what_was_acknowledged_stays_so) {
  open(durable(Durability::async));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = std::to_string(i)}));
  }
  LeaseBatch batch = receive(4);
  for (Lease& lease : batch) {
    ASSERT_TRUE(lease.ack());
  }
  reopen(durable(Durability::async));
  EXPECT_EQ(receive().size(), 6u);
  EXPECT_TRUE(queue_->stats()->conserved());
}

TEST_F(JournalTest, a_delayed_message_is_due_when_it_was_and_no_later_than_it_was_asked_for) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "later", .delay = 60s}));
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "now"}));
  reopen(durable(Durability::async));
  LeaseBatch batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].payload().text(), "now");
  ASSERT_TRUE(batch[0].ack());
  EXPECT_TRUE(receive().empty());
  pass(61s);
  batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].payload().text(), "later");
}

TEST_F(JournalTest, a_retry_keeps_its_attempts_its_due_time_and_its_place_in_its_key) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "first"}));
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "second"}));
  ASSERT_TRUE(receive()[0].nack(Failure{.error = "no route", .error_class = 7, .after = 30s}));
  reopen(durable(Durability::async));
  EXPECT_TRUE(receive().empty()) << "the key waits for its failed message";
  pass(31s);
  LeaseBatch batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].payload().text(), "first");
  EXPECT_EQ(batch[0].attempt(), 2u);
  EXPECT_EQ(queue_->status(batch[0].id())->error, "no route");
}

TEST_F(JournalTest, a_dead_letter_keeps_its_story_and_can_be_replayed_in_the_next_life) {
  open(durable(Durability::async));
  const MessageId id = *queue_->publish({.key = "k", .payload = "poison", .type = "t"});
  ASSERT_TRUE(receive()[0].nack(Failure{.error = "first time", .error_class = 1, .after = 0ms}));
  ASSERT_TRUE(receive()[0].reject({.error = "never", .error_class = 2}));
  ASSERT_EQ(queue_->stats()->dead, 1u);
  reopen(durable(Durability::async));
  DeadLetterPage page = *queue_->dead_letters({.payloads = true});
  ASSERT_EQ(page.letters.size(), 1u);
  const DeadLetter& letter = page.letters[0];
  EXPECT_EQ(letter.id, id);
  EXPECT_EQ(letter.reason, DeadReason::rejected);
  EXPECT_EQ(letter.attempts, 2u);
  ASSERT_EQ(letter.story.size(), 2u);
  EXPECT_EQ(letter.story[0].error, "first time");
  EXPECT_EQ(letter.story[1].error, "never");
  ASSERT_TRUE(queue_->replay(id));
  reopen(durable(Durability::async));
  EXPECT_EQ(queue_->stats()->dead, 0u);
  LeaseBatch batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].attempt(), 1u);
  ASSERT_TRUE(batch[0].reject({}));
  ASSERT_TRUE(queue_->stats());
  ASSERT_TRUE(queue_->discard(id));
  reopen(durable(Durability::async));
  EXPECT_EQ(queue_->stats()->dead, 0u);
  EXPECT_TRUE(receive().empty());
}

// A message that ends the program whenever it is worked on must not do so for ever.
TEST_F(JournalTest, an_interrupted_attempt_counts_and_a_message_that_kills_ends_as_a_dead_letter) {
  open(durable(Durability::async));
  const MessageId id = *queue_->publish({.payload = "kills"});
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    LeaseBatch batch = receive();
    ASSERT_EQ(batch.size(), 1u);
    EXPECT_EQ(batch[0].attempt(), attempt);
    crash(durable(Durability::async));
  }
  EXPECT_TRUE(receive().empty());
  const DeadLetterPage page = *queue_->dead_letters();
  ASSERT_EQ(page.letters.size(), 1u);
  EXPECT_EQ(page.letters[0].id, id);
  EXPECT_EQ(page.letters[0].reason, DeadReason::attempts);
  ASSERT_EQ(page.letters[0].story.size(), 3u);
  EXPECT_EQ(page.letters[0].story[2].end, AttemptEnd::interrupted);
}

TEST_F(JournalTest, the_last_retry_of_a_message_that_kills_is_the_last) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.payload = "kills"}));
  for (int attempt = 1; attempt < 3; ++attempt) {
    ASSERT_TRUE(receive()[0].nack());
    ASSERT_TRUE(queue_->stats());
    pass(std::chrono::milliseconds(100));
  }
  LeaseBatch batch = receive();
  ASSERT_EQ(batch[0].attempt(), 3u);
  crash(durable(Durability::async));
  pass(std::chrono::milliseconds(100));
  EXPECT_TRUE(receive().empty());
  EXPECT_EQ(queue_->stats()->dead, 1u);
}

TEST_F(JournalTest, flush_waits_for_what_was_settled_in_a_queue_that_is_closed) {
  open(durable(Durability::sync));
  ASSERT_TRUE(queue_->publish({.payload = "done"}));
  ASSERT_TRUE(receive()[0].ack());
  queue_->close();
  crash(durable(Durability::sync));
  EXPECT_TRUE(receive().empty());
}

TEST_F(JournalTest, of_a_run_that_killed_one_dead_letter_stops_the_key) {
  QueueOptions options = durable(Durability::async);
  options.on_death = OnDeath::hold_key;
  options.attempts_max = 1;
  options.run_max = 2;
  open(options);
  for (const char* payload : {"a", "b", "c"}) {
    ASSERT_TRUE(queue_->publish({.key = "k", .payload = payload}));
  }
  LeaseBatch run = receive(2);
  ASSERT_EQ(run[0].size(), 2u);
  crash(options);
  EXPECT_EQ(queue_->stats()->dead, 2u);
  EXPECT_EQ(queue_->stats()->keys_stopped, 1u);
  ASSERT_EQ(*queue_->replay_all(), 2u);
  std::string order;
  for (LeaseBatch batch = receive(1); !batch.empty(); batch = receive(1)) {
    for (std::size_t i = 0; i < batch[0].size(); ++i) {
      order += std::string(batch[0].message(i).payload.text());
    }
    ASSERT_TRUE(batch[0].ack());
  }
  EXPECT_EQ(order, "acb");
}

TEST_F(JournalTest, a_released_lease_counts_no_attempt_in_the_next_life) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.payload = "x"}));
  ASSERT_TRUE(receive()[0].release());
  reopen(durable(Durability::async));
  EXPECT_EQ(receive()[0].attempt(), 1u);
}

TEST_F(JournalTest, fences_rise_over_restarts) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.payload = "x"}));
  std::uint64_t fence = 0;
  for (int life = 0; life < 3; ++life) {
    LeaseBatch batch = receive();
    ASSERT_EQ(batch.size(), 1u);
    EXPECT_GT(batch[0].fence(), fence);
    fence = batch[0].fence();
    ASSERT_TRUE(batch[0].release());
    reopen(durable(Durability::async));
  }
}

TEST_F(JournalTest, a_message_deadline_that_passed_meanwhile_ends_it) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.payload = "short", .ttl = 10s}));
  ASSERT_TRUE(queue_->publish({.payload = "long", .ttl = 1h}));
  reopen(durable(Durability::async));
  pass(11s);
  LeaseBatch batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].payload().text(), "long");
  EXPECT_EQ(queue_->stats()->expired, 1u);
}

// --- durability -------------------------------------------------------------------------------

TEST_F(JournalTest, sync_is_delivered_only_when_it_is_durable) {
  open(durable(Durability::sync));
  const MessageId id = *queue_->publish_async({.key = "k", .payload = "x"});
  EXPECT_FALSE(*queue_->durable(id));
  EXPECT_TRUE(receive().empty());
  EXPECT_EQ(queue_->status(id)->state, MessageState::accepted);
  EXPECT_TRUE(*queue_->wait_durable(id, 10s));
  EXPECT_TRUE(*queue_->durable(id));
  EXPECT_EQ(receive().size(), 1u);
}

TEST_F(JournalTest, sync_publish_returns_when_it_is_durable_also_in_batches) {
  open(durable(Durability::sync));
  const MessageId id = *queue_->publish({.payload = "x"});
  EXPECT_TRUE(*queue_->durable(id));
  std::vector<Message> messages(100, Message{.payload = "y"});
  std::vector<Published> results(100);
  EXPECT_EQ(*queue_->publish(messages, results), 100u);
  EXPECT_TRUE(*queue_->durable(results.back().id));
  const JournalStats stats = *engine_->journal_stats();
  EXPECT_EQ(stats.live_records, 101u);
  EXPECT_GT(stats.commits, 1u);
  EXPECT_FALSE(stats.primitive.empty());
}

TEST_F(JournalTest, a_message_may_ask_for_more_than_its_queue) {
  open(durable(Durability::async));
  const MessageId id = *queue_->publish({.payload = "x", .durability = Durability::sync});
  EXPECT_TRUE(*queue_->durable(id));
  Queue memory = *engine_->queue("memory");
  EXPECT_EQ(memory.publish({.payload = "x", .durability = Durability::async}).error().code,
            Errc::not_durable);
  EXPECT_TRUE(memory.publish({.payload = "x", .durability = Durability::none}));
  EXPECT_EQ(memory.durable(id).error().code, Errc::not_durable);
}

TEST_F(JournalTest, more_than_the_engine_can_give_is_refused_at_once) {
  Engine engine = *Engine::open({.driver = DriverMode::manual});
  EXPECT_EQ(engine.queue("q", durable(Durability::sync)).error().code, Errc::not_durable);
  EXPECT_EQ(engine.flush().error().code, Errc::not_durable);
  EXPECT_EQ(engine.journal_stats().error().code, Errc::not_durable);
  open(durable(Durability::async));
  QueueOptions handoff;
  handoff.kind = QueueKind::handoff;
  handoff.durability = Durability::async;
  EXPECT_EQ(engine_->queue("h", handoff).error().code, Errc::not_durable);
}

TEST_F(JournalTest, one_engine_at_a_time_has_a_journal) {
  open(durable(Durability::async));
  EXPECT_EQ(Engine::open(options()).error().code, Errc::locked);
}

TEST_F(JournalTest, a_closed_engine_gives_its_journal_back_although_handles_and_leases_live_on) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.payload = "x"}));
  Consumer consumer = *queue_->consumer();
  LeaseBatch held = *consumer.receive({.wait = 60s});
  ASSERT_EQ(held.size(), 1u);
  engine_->close();
  Engine next = *Engine::open(options());
  Queue queue = *next.queue("work", durable(Durability::async));
  EXPECT_EQ(queue.consumer()->receive({.wait = 60s})->size(), 1u);
  EXPECT_EQ(held[0].payload().text(), "x");
}

// A replayed one counts against the dead letters, so that there may be more than the capacity.
TEST_F(JournalTest, replayed_dead_letters_above_the_capacity_do_not_close_the_queue_for_ever) {
  QueueOptions small = durable(Durability::async);
  small.capacity = 2;
  open(small);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = "dead"}));
    ASSERT_TRUE(receive(1)[0].reject());
  }
  ASSERT_TRUE(queue_->publish({.payload = "alive"}));
  ASSERT_TRUE(queue_->publish({.payload = "alive"}));
  ASSERT_EQ(*queue_->replay_all(), 2u);
  ASSERT_EQ(queue_->publish({.payload = "full"}).error().code, Errc::queue_full);
  reopen(small);
  EXPECT_EQ(queue_->publish({.payload = "full"}).error().code, Errc::queue_full);
  EXPECT_EQ(receive().size(), 4u);
}

TEST_F(JournalTest, what_waited_to_be_durable_at_the_end_stays_behind_those_of_its_key) {
  open(durable(Durability::async));
  const MessageId dead = *queue_->publish({.key = "k", .payload = "dead"});
  ASSERT_TRUE(receive()[0].reject());
  const MessageId first =
      *queue_->publish_async({.payload = "first", .durability = Durability::sync});
  ASSERT_TRUE(queue_->publish_async({.key = "k", .payload = "a"}));
  EXPECT_EQ(queue_->stats()->ready, 0u) << "both wait for the first";
  ASSERT_TRUE(queue_->replay(dead));
  ASSERT_TRUE(*queue_->wait_durable(first, 1s));
  ASSERT_TRUE(queue_->publish_async({.key = "k", .payload = "b", .durability = Durability::sync}));
  EXPECT_EQ(queue_->stats()->blocked, 1u) << "b is recorded and not yet accepted";
  reopen(durable(Durability::async));
  std::string order;
  for (LeaseBatch batch = receive(); !batch.empty(); batch = receive()) {
    for (Lease& lease : batch) {
      order += std::string(lease.payload().text()) + " ";
      ASSERT_TRUE(lease.ack());
    }
  }
  EXPECT_TRUE(order == "dead first a b " || order == "first dead a b ") << order;
}

TEST_F(JournalTest, a_queue_keeps_its_number_of_shards_and_its_room) {
  open(durable(Durability::async));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = "x"}));
  }
  close();
  engine_ = std::make_unique<Engine>(*Engine::open(options()));
  QueueOptions other = durable(Durability::async);
  other.shards = 2;
  EXPECT_EQ(engine_->queue("work", other).error().code, Errc::invalid_argument);
  other.shards = 1;
  other.capacity = 5;
  other.dead_letters_max = 4;
  EXPECT_EQ(engine_->queue("work", other).error().code, Errc::invalid_argument);
}

TEST_F(JournalTest, a_queue_that_has_no_room_for_one_shard_keeps_the_messages_of_the_others) {
  QueueOptions two = durable(Durability::async);
  two.shards = 2;
  open(two);
  const std::string full = "full";
  const std::uint32_t full_shard = (*queue_->publish({.key = full})).shard();
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(queue_->publish({.key = full}));
  }
  std::string other;
  MessageId id;
  do {  // whichever of them is looked at first
    other += 'o';
    id = *queue_->publish({.key = other});
  } while (id.shard() == full_shard);
  const QueueStats before = *queue_->stats();
  close();
  engine_ = std::make_unique<Engine>(*Engine::open(options()));
  QueueOptions small = two;
  small.capacity = 10;
  small.dead_letters_max = 2;
  EXPECT_EQ(engine_->queue("work", small).error().code, Errc::invalid_argument);
  Queue again = *engine_->queue("work", two);
  const QueueStats after = *again.stats();
  EXPECT_EQ(after.ready + after.blocked, before.ready + before.blocked);
  EXPECT_EQ(again.status(id)->state, MessageState::ready);
}

TEST_F(JournalTest, flush_without_time_says_no_and_names_no_other_reason) {
  open(durable(Durability::async));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = "x"}));
  }
  const Result<bool> flushed = engine_->flush(0ms);
  ASSERT_TRUE(flushed) << to_string(flushed.error());
  EXPECT_FALSE(*flushed) << "a hold records a part of it";
  EXPECT_TRUE(*engine_->flush());
  EXPECT_EQ(engine_->flush(-1ms).error().code, Errc::invalid_argument);
}

TEST_F(JournalTest, damage_is_refused_and_nothing_is_changed) {
  open(durable(Durability::sync));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = std::to_string(i)}));
  }
  close();
  const std::string segment = directory_ + "/journal-0000000000000001.seg";
  std::FILE* file = std::fopen(segment.c_str(), "r+");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(std::fseek(file, 3 * 4096 + 70, SEEK_SET), 0);
  ASSERT_EQ(std::fputc('!', file), '!');
  ASSERT_EQ(std::fclose(file), 0);
  EXPECT_EQ(Engine::open(options()).error().code, Errc::corrupt);
  EXPECT_EQ(Engine::open(options()).error().code, Errc::corrupt);
}

// --- reclaiming -------------------------------------------------------------------------------

TEST_F(JournalTest, the_disk_is_given_back_although_one_message_stays) {
  open(durable(Durability::async));
  const MessageId stays = *queue_->publish({.payload = "reminder", .delay = 24h * 30});
  const std::string payload(10'000, 'x');
  std::uint64_t segments = 0;
  for (int round = 0; round < 250; ++round) {
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(queue_->publish({.payload = payload}));
    }
    LeaseBatch batch = receive();
    for (Lease& lease : batch) {
      ASSERT_TRUE(lease.ack());
    }
    ASSERT_TRUE(engine_->poll());
    segments = std::max(segments, engine_->journal_stats()->segments);
  }
  EXPECT_GT(engine_->journal_stats()->bytes_written, 8u << 20);
  EXPECT_LE(segments, 5u);
  reopen(durable(Durability::async));
  EXPECT_EQ(queue_->status(stays)->state, MessageState::delayed);
  EXPECT_TRUE(receive().empty());
}

TEST_F(JournalTest, a_full_journal_refuses_publishes_and_takes_settles_and_recovers) {
  EngineOptions small = options();
  small.journal.bytes_max = 5 << 20;
  engine_ = std::make_unique<Engine>(*Engine::open(small));
  QueueOptions queue_options = durable(Durability::async);
  queue_options.capacity = 100'000;
  queue_ = std::make_unique<Queue>(*engine_->queue("work", queue_options));
  consumer_ = std::make_unique<Consumer>(*queue_->consumer());
  const std::string payload(10'000, 'x');
  Errc refused{};
  int taken = 0;
  for (; taken < 2000 && refused != Errc::journal_full; ++taken) {
    const auto id = queue_->publish({.payload = payload});
    refused = id ? Errc{} : id.error().code;
    ASSERT_TRUE(engine_->poll());
  }
  EXPECT_EQ(refused, Errc::journal_full);
  EXPECT_GT(taken, 200);
  std::uint64_t acked = 0;
  for (LeaseBatch batch = receive(); !batch.empty(); batch = receive()) {
    for (Lease& lease : batch) {
      ASSERT_TRUE(lease.ack());
      ++acked;
    }
    ASSERT_TRUE(engine_->poll());
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(engine_->poll());
  }
  EXPECT_TRUE(queue_->publish({.payload = payload}));
  EXPECT_GT(acked, 200u);
}

// --- with threads -----------------------------------------------------------------------------

TEST_F(JournalTest, many_threads_publish_durably_and_everything_is_there) {
  EngineOptions with_threads = options();
  with_threads.driver = DriverMode::thread;
  with_threads.clock = nullptr;
  constexpr int kThreads = 4;
  constexpr int kEach = 100;
  QueueOptions queue_options = durable(Durability::sync);
  queue_options.shards = 2;
  {
    Engine engine = *Engine::open(with_threads);
    Queue queue = *engine.queue("work", queue_options);
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int number = 0; number < kThreads; ++number) {
      threads.emplace_back([&, number] {
        for (int i = 0; i < kEach; ++i) {
          const std::string key = std::to_string(number);
          const auto id = queue.publish({.key = key, .payload = std::to_string(i)});
          failures += id && *queue.durable(*id) ? 0 : 1;
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(failures, 0);
  }
  Engine engine = *Engine::open(with_threads);
  Queue queue = *engine.queue("work", queue_options);
  Consumer consumer = *queue.consumer();
  std::map<std::string, int> next;
  for (int left = kThreads * kEach; left > 0;) {
    LeaseBatch batch = *consumer.receive({.max = 64, .wait = 1s});
    ASSERT_FALSE(batch.empty());
    for (Lease& lease : batch) {
      EXPECT_EQ(lease.payload().text(), std::to_string(next[std::string(lease.key())]++));
      ASSERT_TRUE(lease.ack());
      --left;
    }
  }
  EXPECT_TRUE(*engine.flush(10s));
}

// --- the end of a process ---------------------------------------------------------------------

// A child publishes durably and settles, and says over a pipe what was confirmed; it is killed in
// the middle. Shows what the end of a process does; not what the end of power does: the page cache
// survives. The simulated disk is there for that.
class JournalKill : public JournalTest, public ::testing::WithParamInterface<JournalStorage> {
 protected:
  EngineOptions killed_options() const {
    EngineOptions killed;
    killed.journal.directory = directory_;
    killed.journal.segment_bytes = 64 * 1024;
    killed.journal.storage = GetParam();
    return killed;
  }

  static QueueOptions killed_queue() {
    QueueOptions options = durable(Durability::sync);
    options.payload_bytes_max = 1000;  // a small segment holds it
    return options;
  }

  [[noreturn]] void be_killed(int pipe, int life) const {
    Result<Engine> engine = Engine::open(killed_options());
    if (!engine) {
      ::_exit(3);
    }
    Queue queue = *engine->queue("work", killed_queue());
    Consumer consumer = *queue.consumer();
    for (int i = 0;; ++i) {
      const std::string payload = std::to_string(life) + "." + std::to_string(i);
      const auto id = queue.publish({.key = "k" + std::to_string(i % 3), .payload = payload});
      if (id) {
        const std::string line = "p" + payload + "\n";
        (void)!::write(pipe, line.data(), line.size());
      }
      LeaseBatch batch = *consumer.receive({.max = 2});
      for (Lease& lease : batch) {
        const std::string line = "a" + std::string(lease.payload().text()) + "\n";
        (void)!::write(pipe, line.data(), line.size());  // told before it is done
        (void)lease.ack();
      }
    }
  }
};

// Of each storage; LANEWAY_KILLS asks for more. AddressSanitizer takes its time to start.
int kills_wanted() {
#if defined(__SANITIZE_ADDRESS__) || defined(LANEWAY_ADDRESS_SANITIZER)
  constexpr int kUsual = 30;
#else
  constexpr int kUsual = 150;
#endif
  const char* const asked = std::getenv("LANEWAY_KILLS");
  return asked == nullptr ? kUsual : std::max(1, std::atoi(asked));
}

TEST_P(JournalKill, a_killed_process_loses_nothing_confirmed) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "a forked child with threads is not for this sanitizer";
#endif
  const int kills = kills_wanted();
  std::set<std::string> published;
  std::set<std::string> acked;
  for (int life = 0; life < kills; ++life) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      be_killed(ends[1], life);
    }
    ::close(ends[1]);
    std::FILE* lines = ::fdopen(ends[0], "r");
    char line[64];
    int seen = 0;
    const int enough = 3 + life % 16;
    while (std::fgets(line, sizeof line, lines) != nullptr) {
      const std::string text(line);
      if (text.back() == '\n') {
        (text[0] == 'p' ? published : acked).insert(text.substr(1, text.size() - 2));
      }
      if (++seen == enough) {
        ::kill(child, SIGKILL);
      }
    }
    std::fclose(lines);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3 && GetParam() == JournalStorage::uring) {
      GTEST_SKIP() << "io_uring cannot be had here";
    }
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  Engine engine = *Engine::open(killed_options());
  Queue queue = *engine.queue("work", killed_queue());
  Consumer consumer = *queue.consumer();
  std::set<std::string> left;
  for (LeaseBatch batch = *consumer.receive({.max = 64}); !batch.empty();
       batch = *consumer.receive({.max = 64})) {
    for (Lease& lease : batch) {
      left.insert(std::string(lease.payload().text()));
      ASSERT_TRUE(lease.ack());
    }
  }
  const DeadLetterPage dead = *queue.dead_letters({.limit = 10'000, .payloads = true});
  for (const DeadLetter& letter : dead.letters) {
    left.insert(
        std::string(reinterpret_cast<const char*>(letter.payload.data()), letter.payload.size()));
  }
  for (const std::string& payload : published) {
    EXPECT_TRUE(acked.contains(payload) || left.contains(payload)) << payload << " is lost";
  }
  std::printf("kills: %d, %zu confirmed publishes (floor 100) ok\n", kills, published.size());
  EXPECT_GT(published.size(), 100u);
}

INSTANTIATE_TEST_SUITE_P(Storages,
                         JournalKill,
                         ::testing::Values(JournalStorage::posix, JournalStorage::uring),
                         [](const auto& about) {
                           return about.param == JournalStorage::posix ? "posix" : "uring";
                         });

}  // namespace
}  // namespace laneway

// What survives together with the rules of a queue, and what a journal does when it fails.
#include "tests/api/journal_fixture.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace laneway {
namespace {

using namespace std::chrono_literals;

class JournalRules : public JournalTest {
 protected:
  // The payloads that are ready, in order; all are acknowledged.
  std::vector<std::string> drain() {
    std::vector<std::string> payloads;
    for (LeaseBatch batch = receive(); !batch.empty(); batch = receive()) {
      for (Lease& lease : batch) {
        payloads.emplace_back(lease.payload().text());
        EXPECT_TRUE(lease.ack());
      }
    }
    return payloads;
  }
  // Enough traffic that every segment of the journal is used again.
  void churn() {
    const std::string payload(10'000, 'x');
    for (int round = 0; round < 150; ++round) {
      for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(queue_->publish({.payload = payload}));
      }
      for (Lease& lease : receive()) {
        ASSERT_TRUE(lease.ack());
      }
      ASSERT_TRUE(engine_->poll());
    }
  }
  bool duplicate(std::string_view id) {
    const Message message{.payload = "again", .dedup_id = id};
    Published published;
    EXPECT_TRUE(queue_->publish({&message, 1}, {&published, 1}));
    return published.duplicate;
  }
};

// --- dedup ids --------------------------------------------------------------------------------

TEST_F(JournalRules, a_dedup_id_is_known_in_the_next_life_also_when_its_message_is_over) {
  QueueOptions options = durable(Durability::async);
  options.dedup_window = 1h;
  open(options);
  const MessageId waits = *queue_->publish({.payload = "1", .dedup_id = "waits"});
  const MessageId done = *queue_->publish({.payload = "2", .dedup_id = "done"});
  LeaseBatch batch = receive();
  ASSERT_TRUE(batch[1].ack());
  ASSERT_TRUE(batch[0].release());
  reopen(options);
  EXPECT_EQ(*queue_->publish({.payload = "1", .dedup_id = "waits"}), waits);
  EXPECT_EQ(*queue_->publish({.payload = "2", .dedup_id = "done"}), done);
  EXPECT_FALSE(duplicate("new"));
  EXPECT_EQ(queue_->stats()->deduplicated, 2u);
  EXPECT_EQ(drain(), (std::vector<std::string>{"1", "again"}));
}

TEST_F(JournalRules, a_dedup_id_outlives_the_segment_of_its_message_and_not_its_window) {
  QueueOptions options = durable(Durability::async);
  options.dedup_window = 1h;
  open(options);
  EXPECT_FALSE(duplicate("old"));
  EXPECT_EQ(drain().size(), 1u);
  churn();
  EXPECT_GT(engine_->journal_stats()->bytes_written, 5u << 20);
  EXPECT_LE(engine_->journal_stats()->segments, 5u) << "it holds no segment back";
  crash(options);
  EXPECT_TRUE(duplicate("old"));
  churn();
  crash(options);
  EXPECT_TRUE(duplicate("old"));
  pass(61min);
  EXPECT_FALSE(duplicate("old"));
}

TEST_F(JournalRules, ids_that_had_to_go_stay_away_and_hold_no_segment) {
  QueueOptions options = durable(Durability::async);
  options.dedup_window = 24h;
  options.dedup_ids_max = 2;
  open(options);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(duplicate(std::to_string(i)));
    EXPECT_EQ(drain().size(), 1u);
  }
  churn();
  EXPECT_LE(engine_->journal_stats()->live_records, 2u);
  crash(options);
  EXPECT_TRUE(duplicate("19"));
  EXPECT_TRUE(duplicate("18"));
  EXPECT_FALSE(duplicate("17"));
}

// --- priorities, room -------------------------------------------------------------------------

TEST_F(JournalRules, priorities_survive_also_in_a_message_that_was_told_again) {
  QueueOptions options = durable(Durability::async);
  options.priorities = true;
  open(options);
  ASSERT_TRUE(queue_->publish({.payload = "low", .delay = 1h, .priority = -7}));
  ASSERT_TRUE(queue_->publish({.payload = "high", .delay = 1h, .priority = 100'000}));
  churn();
  crash(options);
  ASSERT_TRUE(queue_->publish({.payload = "middle", .priority = 0}));
  pass(61min);
  EXPECT_EQ(drain(), (std::vector<std::string>{"high", "middle", "low"}));
}

TEST_F(JournalRules, the_oldest_of_an_earlier_life_makes_room_for_the_newest) {
  QueueOptions options = durable(Durability::async);
  options.capacity = 3;
  options.overflow = Overflow::drop_oldest;
  open(options);
  for (const char* payload : {"1", "2", "3"}) {
    ASSERT_TRUE(queue_->publish({.payload = payload}));
  }
  reopen(options);
  ASSERT_TRUE(queue_->publish({.payload = "4"}));
  EXPECT_EQ(queue_->stats()->dropped, 1u);
  crash(options);
  EXPECT_EQ(drain(), (std::vector<std::string>{"2", "3", "4"})) << "dropped is over";
}

TEST_F(JournalRules, bytes_capacity_and_watermarks_count_what_came_back) {
  QueueOptions options = durable(Durability::async);
  options.capacity = 8;
  options.payload_bytes_max = 100;
  options.bytes_max = 2'000;
  options.high_watermark = 3;
  options.low_watermark = 1;
  open(options);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = std::string(100, 'x')}));
  }
  reopen(options);
  EXPECT_EQ(queue_->stats()->bytes, 400u);
  EXPECT_TRUE(queue_->stats()->above_high_watermark);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = "x"}));
  }
  EXPECT_EQ(queue_->publish({.payload = "x"}).error().code, Errc::queue_full);
  EXPECT_EQ(drain().size(), 8u);
  EXPECT_EQ(queue_->stats()->bytes, 0u);
  EXPECT_FALSE(queue_->stats()->above_high_watermark);
}

TEST_F(JournalRules, the_limit_of_a_key_counts_what_came_back_and_what_is_not_durable_yet) {
  QueueOptions options = durable(Durability::sync);
  options.key_messages_max = 2;
  open(options);
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "1"}));
  reopen(options);
  ASSERT_TRUE(queue_->publish_async({.key = "k", .payload = "2"}));
  EXPECT_EQ(queue_->publish_async({.key = "k", .payload = "3"}).error().code, Errc::key_full);
  ASSERT_TRUE(queue_->publish({.key = "other", .payload = "4"}));
  EXPECT_EQ(drain().size(), 3u);
}

// --- dead letters that stop their key ---------------------------------------------------------

TEST_F(JournalRules, a_key_that_waits_for_its_dead_letter_waits_in_the_next_life) {
  QueueOptions options = durable(Durability::async);
  options.on_death = OnDeath::hold_key;
  open(options);
  const MessageId dead = *queue_->publish({.key = "k", .payload = "1"});
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "2"}));
  ASSERT_TRUE(receive()[0].reject({.error = "no"}));
  ASSERT_EQ(queue_->stats()->dead, 1u);
  crash(options);
  EXPECT_TRUE(receive().empty());
  EXPECT_EQ(queue_->stats()->keys_stopped, 1u);
  ASSERT_TRUE(queue_->replay(dead));
  crash(options);
  LeaseBatch batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].id(), dead) << "in its old place";
  ASSERT_TRUE(batch[0].reject({}));
  ASSERT_EQ(queue_->stats()->dead, 1u);
  ASSERT_TRUE(queue_->release_key("k"));
  crash(options);
  EXPECT_EQ(queue_->stats()->dead, 1u);
  EXPECT_EQ(drain(), (std::vector<std::string>{"2"}));
}

TEST_F(JournalRules, a_replay_that_is_due_later_keeps_its_key_waiting_over_a_restart) {
  QueueOptions options = durable(Durability::async);
  options.on_death = OnDeath::hold_key;
  open(options);
  for (const char* payload : {"1", "2", "3"}) {
    ASSERT_TRUE(queue_->publish({.key = payload, .payload = payload}));
    ASSERT_TRUE(receive()[0].reject({}));
  }
  ASSERT_TRUE(queue_->publish({.key = "3", .payload = "after"}));
  ASSERT_EQ(*queue_->replay_all({.per_second = 1}), 3u);
  EXPECT_EQ(drain(), (std::vector<std::string>{"1"}));
  crash(options);
  EXPECT_TRUE(receive().empty());
  pass(5s);
  EXPECT_EQ(drain(), (std::vector<std::string>{"2", "3", "after"}));
}

TEST_F(JournalRules, a_diverted_key_stays_so_and_its_rest_keeps_its_order) {
  QueueOptions options = durable(Durability::async);
  options.on_death = OnDeath::divert_key;
  open(options);
  for (const char* payload : {"1", "2", "3"}) {
    ASSERT_TRUE(queue_->publish({.key = "k", .payload = payload}));
  }
  ASSERT_TRUE(receive()[0].reject({}));
  crash(options);
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "4"}));
  ASSERT_TRUE(engine_->poll());
  EXPECT_EQ(queue_->stats()->dead, 4u);
  crash(options);
  ASSERT_EQ(*queue_->replay_all({}), 4u);
  crash(options);
  EXPECT_EQ(drain(), (std::vector<std::string>{"1", "2", "3", "4"}));
}

// --- levels -----------------------------------------------------------------------------------

TEST_F(JournalRules, a_message_without_durability_leaves_no_trace_but_its_id) {
  QueueOptions options = durable(Durability::none);
  options.durable_messages = true;
  open(options);
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "gone"}));
  ASSERT_TRUE(queue_->publish({.key = "k", .payload = "stays", .durability = Durability::async}));
  const MessageId last = *queue_->publish({.key = "k", .payload = "gone"});
  ASSERT_TRUE(receive()[0].nack(Failure{.after = 0ms}));
  EXPECT_EQ(engine_->journal_stats()->live_records, 0u) << "nothing is written yet";
  reopen(options);
  EXPECT_GT(*queue_->publish({.payload = "new"}), last);
  EXPECT_EQ(drain(), (std::vector<std::string>{"stays", "new"}));
}

TEST_F(JournalRules, without_counting_an_interrupted_attempt_is_as_if_it_had_not_been) {
  QueueOptions options = durable(Durability::async);
  options.count_interrupted = false;
  open(options);
  ASSERT_TRUE(queue_->publish({.payload = "x"}));
  for (int life = 0; life < 5; ++life) {
    LeaseBatch batch = receive();
    ASSERT_EQ(batch.size(), 1u);
    EXPECT_EQ(batch[0].attempt(), 1u);
    crash(options);
  }
}

TEST_F(JournalRules, an_ack_that_waits_is_durable_when_it_returns) {
  open(durable(Durability::async));
  ASSERT_TRUE(queue_->publish({.payload = "x"}));
  ASSERT_TRUE(receive()[0].ack_durable());
  crash(durable(Durability::async));
  EXPECT_TRUE(receive().empty());
  Queue memory = *engine_->queue("memory");
  ASSERT_TRUE(memory.publish({.payload = "x"}));
  Consumer consumer = *memory.consumer();
  LeaseBatch batch = *consumer.receive();
  EXPECT_EQ(batch[0].ack_durable().error().code, Errc::not_durable);
  EXPECT_TRUE(batch[0].ack()) << "nothing had happened";
}

TEST_F(JournalRules, the_watermark_rises_when_a_ticket_becomes_durable_and_its_owner_is_told) {
  open(durable(Durability::sync));
  ASSERT_TRUE(*engine_->flush()) << "it is told which positions are used";
  const MessageId first = *queue_->publish_async({.payload = "1"});
  const MessageId second = *queue_->publish_async({.payload = "2"});
  const std::uint64_t before = *engine_->durable();
  EXPECT_FALSE(*queue_->durable(first));
  ASSERT_TRUE(*queue_->wait_durable(second, 1s));
  EXPECT_TRUE(*queue_->durable(first)) << "the last one speaks for all";
  EXPECT_EQ(*engine_->durable(), before + 2);
  EXPECT_EQ(log_->durable, before + 2);
}

// --- what was found ---------------------------------------------------------------------------

TEST_F(JournalRules, opening_tells_how_the_journal_was_found) {
  open(durable(Durability::sync));
  EXPECT_EQ(engine_->journal_stats()->recovery.end, RecoveryEnd::created);
  ASSERT_TRUE(queue_->publish({.payload = "x"}));
  crash(durable(Durability::sync));
  EXPECT_EQ(log_->recovery.end, RecoveryEnd::clean);
  EXPECT_EQ(log_->recovery.messages, 1u);
  EXPECT_GT(log_->recovery.records, 0u);
  ASSERT_TRUE(queue_->publish({.payload = "y"}));
  reopen(durable(Durability::sync));
  EXPECT_EQ(log_->recovery.end, RecoveryEnd::closed);
  EXPECT_EQ(log_->recovery.file.substr(0, 8), "journal-");
}

TEST_F(JournalRules, a_refusal_names_file_place_and_what_is_at_stake) {
  open(durable(Durability::sync));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue_->publish({.payload = std::to_string(i)}));
  }
  close();
  const std::string name = "journal-0000000000000001.seg";
  std::FILE* file = std::fopen((directory_ + "/" + name).c_str(), "r+");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(std::fseek(file, 3 * 4096 + 70, SEEK_SET), 0);
  ASSERT_EQ(std::fputc('!', file), '!');
  ASSERT_EQ(std::fclose(file), 0);
  EXPECT_EQ(Engine::open(options()).error().code, Errc::corrupt);
  EXPECT_EQ(log_->recovery.end, RecoveryEnd::corrupt);
  EXPECT_EQ(log_->recovery.file, name);
  EXPECT_EQ(log_->recovery.offset, 3u * 4096);
  EXPECT_GT(log_->recovery.lost_to_lsn, log_->recovery.end_lsn);
  EXPECT_TRUE(log_->says(name + " at byte 12288; confirmed records 3 to "));
}

// --- no room, no disk -------------------------------------------------------------------------

TEST_F(JournalRules, without_room_a_durable_publish_is_refused_and_settles_make_room_again) {
  EngineOptions small = options();
  small.journal.bytes_max = 5 << 20;
  engine_ = std::make_unique<Engine>(*Engine::open(small));
  QueueOptions options = durable(Durability::sync);
  options.capacity = 100'000;
  queue_ = std::make_unique<Queue>(*engine_->queue("work", options));
  consumer_ = std::make_unique<Consumer>(*queue_->consumer());
  const std::string payload(10'000, 'x');
  Errc refused{};
  std::size_t taken = 0;
  for (; refused == Errc{} && taken < 2'000; taken += refused == Errc{} ? 1u : 0u) {
    const auto id = queue_->publish({.payload = payload});
    refused = id ? Errc{} : id.error().code;
  }
  EXPECT_EQ(refused, Errc::journal_full);
  EXPECT_TRUE(log_->says("full: publishing is refused"));
  EXPECT_TRUE(queue_->stats()) << "and nobody waits for it";
  EXPECT_TRUE(queue_->publish({.payload = "y", .durability = Durability::none}));
  EXPECT_EQ(drain().size(), taken + 1) << "what was refused is not delivered";
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(engine_->poll());
  }
  EXPECT_TRUE(log_->says("has room again"));
  EXPECT_TRUE(queue_->publish({.payload = payload}));
  crash(options);
  EXPECT_EQ(drain().size(), 1u);
}

// No file may grow or be written while it lives.
class DeadDisk {
 public:
  DeadDisk() {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~DeadDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(JournalRules, a_disk_that_fails_is_final_and_what_is_in_memory_is_still_delivered) {
  EngineOptions plain = options();
  plain.journal.storage = JournalStorage::posix;
  engine_ = std::make_unique<Engine>(*Engine::open(plain));
  queue_ = std::make_unique<Queue>(*engine_->queue("work", durable(Durability::sync)));
  consumer_ = std::make_unique<Consumer>(*queue_->consumer());
  ASSERT_TRUE(queue_->publish({.payload = "held"}));
  Errc waiting{};
  {
    const DeadDisk dead;
    waiting = queue_->publish({.payload = "unknown"}).error().code;
  }
  EXPECT_EQ(waiting, Errc::io_error);
  EXPECT_EQ(queue_->publish({.payload = "x"}).error().code, Errc::not_durable) << "and stays so";
  EXPECT_EQ(engine_->journal_stats()->failed, EFBIG);
  EXPECT_TRUE(log_->says("failed for good: File too large"));
  EXPECT_TRUE(queue_->publish({.payload = "memory", .durability = Durability::none}));
  EXPECT_EQ(drain(), (std::vector<std::string>{"held", "memory"}));
  EXPECT_EQ(engine_->queue("other", durable(Durability::async)).error().code, Errc::not_durable);
  EXPECT_TRUE(engine_->queue("memory"));
  close();
  open(durable(Durability::sync));
  const std::vector<std::string> left = drain();
  EXPECT_NE(std::find(left.begin(), left.end(), "held"), left.end()) << "its ack was not durable";
}

// --- storages ---------------------------------------------------------------------------------

// As a container does that forbids io_uring.
bool forbid_uring() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{4, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// 0, or where it went wrong. In a process of its own: what is forbidden stays so.
int live_without_uring(const EngineOptions& options,
                       const JournalLog& log,
                       const QueueOptions& rules) {
  if (!forbid_uring()) {
    return 10;
  }
  EngineOptions wanted = options;
  wanted.journal.storage = JournalStorage::uring;
  if (const auto refused = Engine::open(wanted);
      refused || refused.error().code != Errc::io_error) {
    return 11;
  }
  wanted.journal.storage = JournalStorage::best;
  Result<Engine> engine = Engine::open(wanted);
  if (!engine || !log.says("written through pwrite") ||
      engine->journal_stats()->primitive.find("io_uring: Operation not permitted") ==
          std::string::npos) {
    return 12;
  }
  Queue queue = *engine->queue("work", rules);
  return queue.publish({.payload = "x"}) ? 0 : 13;
}

TEST_F(JournalRules,
       where_io_uring_is_forbidden_plain_calls_write_the_journal_and_the_log_says_so) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "a forked child is not for this sanitizer";
#endif
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::_exit(live_without_uring(options(), *log_, durable(Durability::sync)));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  open(durable(Durability::sync));
  EXPECT_EQ(drain().size(), 1u) << "and any other reads it";
}

}  // namespace
}  // namespace laneway

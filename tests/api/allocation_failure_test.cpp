// What happens when the system refuses memory: each verb that allocates is tried again and again,
// and each time another one of its allocations fails, until it succeeds. Verbs on the path of a
// message allocate nothing, so nothing of them can fail.
#include <laneway/worker_pool.hpp>

#include "tests/api/journal_fixture.hpp"
#include "tests/api/manual_engine.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

constexpr int kNever = std::numeric_limits<int>::max();
// Of this thread: so many allocations succeed, and the next one fails.
thread_local int allocations_left = kNever;

void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
  if (allocations_left != kNever && allocations_left-- == 0) {
    allocations_left = kNever;
    throw std::bad_alloc();
  }
  void* const memory =
      std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);  // at least one
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate(bytes);
}
void* operator new[](std::size_t bytes) {
  return allocate(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
// What algorithms ask for and can do without does not count.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace laneway::api_test {
namespace {

using std::chrono::milliseconds;

// Calls `verb` with the first, the second, the third ... allocation failing; it answers how it
// ended. Answers how many failed before it succeeded. With a stride: those from `first` on that it
// apart, as one of several threads.
int sweep(const std::function<Errc()>& verb, int first = 0, int stride = 1) {
  for (int failing = first;; failing += stride) {
    allocations_left = failing;
    const Errc code = verb();
    const bool failed = allocations_left == kNever;
    allocations_left = kNever;
    if (!failed) {
      EXPECT_EQ(code, kOk);
      return failing;
    }
    EXPECT_EQ(code, Errc::no_memory) << "when allocation " << failing << " failed";
  }
}

class AllocationFailure : public ManualEngine {
 protected:
  // A queue with dead letters whose keys, types, texts and payloads are all on the heap of a page.
  Queue open_with_dead_letters(std::size_t letters) {
    Queue queue = open({.shards = 2, .attempts_max = 1});
    Consumer consumer = *queue.consumer();
    for (std::size_t i = 0; i < letters; ++i) {
      EXPECT_TRUE(queue.publish({.key = numbered(std::string(40, 'k'), i),
                                 .payload = std::string(200, 'p'),
                                 .type = "a type of more than sixteen bytes"}));
      EXPECT_TRUE(receive_one(consumer).reject({.error = std::string(80, 'e')}));
    }
    EXPECT_EQ(quiet_stats(queue).dead, letters);
    return queue;
  }
};

TEST_F(AllocationFailure, open_answers_no_memory) {
  const int failed =
      sweep([&] { return code_of(Engine::open({.driver = DriverMode::manual, .clock = clock_})); });
  EXPECT_GE(failed, 2);
}

TEST_F(AllocationFailure, open_with_a_driver_thread_answers_no_memory) {
  EXPECT_GE(sweep([] { return code_of(Engine::open()); }), 3);
}

TEST_F(AllocationFailure, a_queue_that_could_not_be_opened_can_be_opened_later) {
  const int failed = sweep(
      [&] { return code_of(engine_.queue("a name of more than sixteen bytes", {.shards = 4})); });
  EXPECT_GE(failed, 6);
  EXPECT_EQ(engine_.queues().size(), 1u);
}

TEST_F(AllocationFailure, a_message_goes_its_whole_way_without_an_allocation) {
  Queue queue = open({.shards = 1});
  Consumer consumer = *queue.consumer();
  const std::string payload(10'000, 'p');
  const std::string key(100, 'k');
  MessageBatch batch;
  allocations_left = 0;
  const bool published = queue.publish({.key = key, .payload = payload, .type = "large"}) &&
                         queue.publish({.key = key, .payload = payload});
  Result<LeaseBatch> leases = consumer.receive();
  const bool acked = leases && leases->size() == 1 && (*leases)[0].nack({.after = 0ms});
  leases = consumer.receive();
  const bool acked_again = leases && leases->ack() == 1;
  const Result<std::size_t> taken = consumer.take(batch);
  const bool none = allocations_left == 0;
  allocations_left = kNever;
  EXPECT_TRUE(published && acked && acked_again);
  EXPECT_EQ(taken ? *taken : 0, 1u);
  EXPECT_TRUE(none);
  EXPECT_EQ(quiet_stats(queue).acked, 2u);
}

TEST_F(AllocationFailure, a_listing_of_dead_letters_answers_no_memory_and_loses_none) {
  Queue queue = open_with_dead_letters(10);
  DeadLetterPage page;
  const int failed = sweep([&] {
    Result<DeadLetterPage> listed = queue.dead_letters({.payloads = true});
    page = listed ? std::move(*listed) : DeadLetterPage{};
    return code_of(listed);
  });
  EXPECT_GE(failed, 30);
  ASSERT_EQ(page.letters.size(), 10u);
  EXPECT_EQ(page.letters[0].payload.size(), 200u);
  EXPECT_EQ(page.letters[0].story[0].error.size(), 80u);
}

TEST_F(AllocationFailure, a_replay_of_all_answers_no_memory_and_loses_none) {
  Queue queue = open_with_dead_letters(10);
  EXPECT_GE(sweep([&] { return code_of(queue.replay_all()); }), 1);
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer).size(), 10u);
}

TEST_F(AllocationFailure, a_discard_of_all_answers_no_memory) {
  Queue queue = open_with_dead_letters(10);
  EXPECT_GE(sweep([&] { return code_of(queue.discard_all()); }), 1);
  EXPECT_EQ(quiet_stats(queue).discarded, 10u);
}

TEST_F(AllocationFailure, the_status_of_a_failed_message_answers_no_memory) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const MessageId id = publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).nack({.error = std::string(80, 'e')}));
  EXPECT_GE(sweep([&] { return code_of(queue.status(id)); }), 1);
  EXPECT_EQ(queue.status(id)->error.size(), 80u);
}

TEST_F(AllocationFailure, a_worker_pool_that_could_not_start_leaves_the_queue_as_it_was) {
  Queue queue = open();
  const MessageId id = publish(queue, "a");
  std::atomic<int> handled = 0;
  const int failed = sweep([&] {
    Result<WorkerPool> pool = WorkerPool::start(queue, {.workers = 3}, [&](const MessageView&) {
      handled.fetch_add(1);
      return Outcome::ack();
    });
    return code_of(pool);
  });
  EXPECT_GE(failed, 4);
  EXPECT_LE(handled.load(), 1);
  Consumer consumer = *queue.consumer();
  EXPECT_TRUE(handled.load() == 1 || work_off(consumer).size() == 1u);
  EXPECT_EQ(state(queue, id), MessageState::completed);
}

// The text of what a handler throws is copied, which can fail as well.
TEST_F(AllocationFailure, a_handler_that_throws_without_memory_is_a_retry_all_the_same) {
  Queue queue = open({.attempts_max = 1});
  const MessageId id = publish(queue, "a");
  const std::runtime_error error(std::string(80, 'e'));
  {
    WorkerPool pool = *WorkerPool::start(queue, {.workers = 1}, [&](const MessageView&) -> Outcome {
      allocations_left = 0;
      throw error;
    });
    while (state(queue, id) != MessageState::dead) {
      std::this_thread::yield();
    }
  }
  EXPECT_EQ(letters(queue)[0].story[0].error, "no memory");
}

// --- journal ----------------------------------------------------------------------------------

class JournalAllocationFailure : public JournalTest {
 protected:
  static constexpr std::size_t kMessages = 12;

  // What a test's own log needs of memory is not to be tried.
  struct Silence final : EngineObserver {
    void log(std::string_view) noexcept override {}
  };

  JournalAllocationFailure() {
    queue_options_.shards = 2;
    queue_options_.payload_bytes_max = 1'000;
    queue_options_.priorities = true;
    queue_options_.dedup_window = 1h;
  }
  void SetUp() override {
    JournalTest::SetUp();
    engine_options_ = options();
    engine_options_.observer = std::make_shared<Silence>();
    engine_options_.journal.segment_bytes = 64 * 1024;
  }

  // In each state some, with all that is told of them.
  void leave_messages() const {
    Engine engine = *Engine::open(engine_options_);
    Queue queue = *engine.queue("work", queue_options_);
    for (std::size_t i = 0; i < kMessages; ++i) {
      const std::string dedup_id = numbered("id ", i);
      ASSERT_TRUE(queue.publish({.key = numbered(std::string(40, 'k'), i % 4),
                                 .payload = std::string(200, 'p'),
                                 .type = "a type of more than sixteen bytes",
                                 .delay = milliseconds(i < 2 ? 1'000 : 0),
                                 .dedup_id = dedup_id}));
    }
    Consumer consumer = *queue.consumer();
    LeaseBatch batch = *consumer.receive({.max = 2});
    ASSERT_EQ(batch.size(), 2u);
    ASSERT_TRUE(batch[0].nack({.error = std::string(80, 'e')}));
    ASSERT_TRUE(batch[1].reject({.error = std::string(80, 'e')}));
  }

  static std::size_t descriptors() {
    std::filesystem::directory_iterator files("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
  static void expect_all(Queue queue) {
    const QueueStats stats = *queue.stats();
    EXPECT_EQ(stats.ready + stats.blocked + stats.delayed + stats.dead, kMessages);
    const DeadLetterPage dead = *queue.dead_letters();
    ASSERT_EQ(dead.letters.size(), 1u);
    EXPECT_EQ(dead.letters[0].story[0].error.size(), 80u);
  }

  EngineOptions engine_options_;
  QueueOptions queue_options_ = durable(Durability::async);
};

// The journal gives up, nobody is told what is not so, and its next life has all that was
// confirmed.
TEST_F(JournalAllocationFailure, a_commit_that_fails_ends_the_journal_and_loses_nothing_confirmed) {
  constexpr int kThreads = 8;
  constexpr std::size_t kBatch = 8;
  const std::string payload(900, 'p');
  queue_options_.durability = Durability::sync;
  std::vector<std::thread> threads;
  std::atomic<int> gave_up = 0;
  for (int first = 0; first < kThreads; ++first) {
    threads.emplace_back([&, first] {
      bool failed = true;
      for (int failing = first; failed; failing += kThreads) {
        EngineOptions options = engine_options_;
        options.journal.directory = numbered(directory_ + "/at", static_cast<std::size_t>(failing));
        std::size_t confirmed = 0;
        {
          Engine engine = *Engine::open(options);
          Queue queue = *engine.queue("work", queue_options_);
          const std::array<Message, kBatch> batch = [&] {
            std::array<Message, kBatch> messages;
            messages.fill({.payload = payload});
            return messages;
          }();
          std::array<Published, kBatch> results;
          allocations_left = failing;
          for (int round = 0; round < 10; ++round) {  // more than a segment
            const Result<std::size_t> taken = queue.publish(batch, results);
            confirmed += taken ? *taken : 0;
            const bool known = taken || taken.error().code == Errc::io_error ||
                               taken.error().code == Errc::not_durable;
            EXPECT_TRUE(known) << to_string(taken.error().code) << " at " << failing;
          }
          failed = allocations_left == kNever;
          allocations_left = kNever;
          const JournalStats stats = *engine.journal_stats();
          EXPECT_EQ(stats.failed, failed ? ENOMEM : 0) << failing;
          gave_up += failed ? 1 : 0;
        }
        Engine engine = *Engine::open(options);
        EXPECT_GE(engine.queue("work", queue_options_)->stats()->ready, confirmed) << failing;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GE(gave_up.load(), 8);
}

TEST_F(JournalAllocationFailure, verbs_of_the_engine_answer_no_memory) {
  Engine engine = *Engine::open(engine_options_);
  ASSERT_TRUE(engine.queue("work", queue_options_));
  ASSERT_TRUE(*engine.flush());
  ASSERT_TRUE(engine.poll());  // nothing is left for the journal to do
  EXPECT_GE(sweep([&] { return code_of(engine.poll()); }), 1);
  EXPECT_GE(sweep([&] { return code_of(engine.flush()); }), 1);
  EXPECT_GE(sweep([&] { return code_of(engine.journal_stats()); }), 1);
}

// Each of them works on a copy, as most of the time is spent waiting for the disk.
TEST_F(JournalAllocationFailure, a_journal_that_could_not_be_opened_is_whole_when_it_can) {
  constexpr int kThreads = 8;
  leave_messages();
  const std::size_t descriptors_before = descriptors();
  std::vector<std::thread> threads;
  for (int first = 0; first < kThreads; ++first) {
    EngineOptions options = engine_options_;
    options.journal.directory = numbered(directory_ + "/copy", static_cast<std::size_t>(first));
    std::filesystem::create_directory(options.journal.directory);
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      if (file.is_regular_file()) {
        std::filesystem::copy(file, options.journal.directory);
      }
    }
    threads.emplace_back([this, options, first] {
      std::optional<Engine> engine;
      const auto open_engine = [&] {
        Result<Engine> opened = Engine::open(options);
        if (opened) {
          engine = std::move(*opened);
        }
        return code_of(opened);
      };
      EXPECT_GE(sweep(open_engine, first, kThreads), 100);
      const auto open_queue = [&] { return code_of(engine->queue("work", queue_options_)); };
      EXPECT_GE(sweep(open_queue, first, kThreads), 30);
      expect_all(*engine->find("work"));
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(descriptors(), descriptors_before);
}

}  // namespace
}  // namespace laneway::api_test

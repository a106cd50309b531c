// What happens when the system refuses memory: each verb that allocates is tried again and again,
// and each time another one of its allocations fails, until it succeeds. Verbs on the path of a
// message allocate nothing, so nothing of them can fail.
#include <laneway/worker_pool.hpp>

#include "tests/api/manual_engine.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>
#include <thread>

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
// What algorithms ask for and can do without.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return allocate(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
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

class AllocationFailure : public ManualEngine {
 protected:
  // Calls `verb` with the first, the second, the third ... allocation failing; it answers how it
  // ended. Answers how many failed before it succeeded.
  static int sweep(const std::function<Errc()>& verb) {
    for (int failing = 0;; ++failing) {
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

}  // namespace
}  // namespace laneway::api_test

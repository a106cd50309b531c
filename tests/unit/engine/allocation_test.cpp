// Nothing is allocated after open for inline payloads, on no hot verb; and an idle queue is small.
#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

thread_local std::uint64_t allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t padded = (size + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, padded == 0 ? alignment : padded);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace laneway {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kKey24 = "customer-7-of-24-bytes..";
constexpr std::string_view kPayload64 =
    "sixty-four bytes of payload, which is all that lies in the slot.";
static_assert(kKey24.size() == 24 && kPayload64.size() == 64);

class Allocation : public testing::Test {
 protected:
  Queue open(const QueueOptions& options) { return *engine_.queue("mails", options); }

  // Runs `rounds` and answers what they allocated.
  template <class Round>
  static std::uint64_t counted(Round round) {
    const std::uint64_t before = allocations;
    for (int i = 0; i < 200; ++i) {
      round();
    }
    return allocations - before;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(1h);
  Engine engine_ = *Engine::open({.driver = DriverMode::manual, .clock = clock_});
};

TEST_F(Allocation, is_seen_by_this_test) {
  EXPECT_EQ(counted([] { delete new int(7); }), 200u);
}

TEST_F(Allocation, none_to_publish_receive_and_settle_one) {
  Queue queue = open({.capacity = 256, .shards = 2});
  Consumer consumer = *queue.consumer();
  const auto round = [&](auto settle) {
    return counted([&] {
      ASSERT_TRUE(queue.publish({.key = kKey24, .payload = kPayload64}));
      LeaseBatch batch = *consumer.receive();
      ASSERT_EQ(batch.size(), 1u);
      settle(batch[0]);
    });
  };
  EXPECT_EQ(round([](Lease& lease) { ASSERT_TRUE(lease.extend(1h) && lease.ack()); }), 0u);
  EXPECT_EQ(round([](Lease& lease) { ASSERT_TRUE(lease.reject({.error = "never"})); }), 0u);
  const auto twice = [&](Lease& lease, auto settle) {
    ASSERT_TRUE(settle(lease));
    ASSERT_TRUE((*consumer.receive())[0].ack());
  };
  const auto release = [](Lease& lease) { return lease.release(); };
  EXPECT_EQ(round([&](Lease& lease) { twice(lease, release); }), 0u);
  const auto nack = [](Lease& lease) { return lease.nack({.error = "again", .after = 0ms}); };
  EXPECT_EQ(round([&](Lease& lease) { twice(lease, nack); }), 0u);
}

TEST_F(Allocation, none_for_a_lease_that_expires_or_is_abandoned) {
  Queue queue = open({.capacity = 256, .attempts_max = 1'000});
  Consumer consumer = *queue.consumer();
  ASSERT_TRUE(queue.publish({.key = kKey24, .payload = kPayload64}));
  ASSERT_TRUE(queue.publish({.key = "b", .delay = 1ms, .ttl = 1h}));
  EXPECT_EQ(counted([&] {
              const LeaseBatch expired = *consumer.receive({.max = 64, .lease = 1ms});
              clock_->advance(2ms);
              const LeaseBatch abandoned = *consumer.receive({.max = 64});
            }),
            0u);
}

TEST_F(Allocation, none_for_batches) {
  Queue queue = open({.capacity = 1'024, .shards = 4});
  Consumer consumer = *queue.consumer();
  std::array<std::string, 32> keys;
  std::array<Message, 32> messages;
  std::array<Published, 32> results;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = "key " + std::to_string(i);
    messages[i] = {.key = keys[i], .payload = kPayload64};
  }
  EXPECT_EQ(counted([&] {
              ASSERT_EQ(*queue.publish(messages, results), messages.size());
              std::size_t acked = 0;
              while (acked < messages.size()) {
                acked += consumer.receive({.max = 32})->ack();
              }
            }),
            0u);
}

TEST_F(Allocation, none_for_ordered_runs) {
  Queue queue = open({.capacity = 256, .run_max = 8});
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(counted([&] {
              for (int i = 0; i < 8; ++i) {
                ASSERT_TRUE(queue.publish({.key = kKey24, .payload = kPayload64}));
              }
              LeaseBatch batch = *consumer.receive({.max = 8});
              ASSERT_EQ(batch[0].size(), 8u);
              ASSERT_TRUE(batch[0].ack_through(3));
              ASSERT_TRUE(batch[0].ack());
            }),
            0u);
}

TEST_F(Allocation, none_to_take_also_of_a_handoff_queue) {
  for (const QueueKind kind : {QueueKind::by_key, QueueKind::handoff}) {
    Queue queue = *engine_.queue(kind == QueueKind::handoff ? "handoff" : "by key",
                                 {.kind = kind, .capacity = 256});
    Consumer consumer = *queue.consumer();
    MessageBatch batch;
    EXPECT_EQ(counted([&] {
                ASSERT_TRUE(queue.publish({.payload = kPayload64}));
                ASSERT_EQ(*consumer.take(batch, {.max = 64}), 1u);
              }),
              0u);
  }
}

TEST_F(Allocation, none_on_a_queue_that_survives) {
  std::string directory = "/tmp/laneway-allocation-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  Engine engine = *Engine::open({.driver = DriverMode::manual,
                                 .clock = clock_,
                                 .journal = {.directory = directory, .segment_bytes = 1 << 20}});
  Queue queue = *engine.queue("mails", {.capacity = 256, .durability = Durability::async});
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(counted([&] {
              ASSERT_TRUE(queue.publish({.key = kKey24, .payload = kPayload64}));
              ASSERT_TRUE((*consumer.receive())[0].ack());
            }),
            0u);
  EXPECT_TRUE(*engine.flush());
  EXPECT_GT(engine.journal_stats()->durable_records, 600u) << "three for each message";
  engine.close();
  std::filesystem::remove_all(directory);
}

// --- memory of an idle queue ------------------------------------------------------------------

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// With all the limits as they are by default; its consumer has been there, and one message.
TEST_F(Allocation,
       an_idle_queue_of_capacity_1024_costs_at_most_256_KiB_and_thousands_fit_an_engine) {
  constexpr std::uint64_t kQueues = 4'000;
  std::vector<Queue> queues;
  queues.reserve(kQueues);
  const std::uint64_t before = resident_bytes();
  for (std::uint64_t i = 0; i < kQueues; ++i) {
    Result<Queue> queue = engine_.queue("queue " + std::to_string(i), {.capacity = 1'024});
    ASSERT_TRUE(queue) << queue.error().detail << " after " << i;
    Consumer consumer = *queue->consumer();
    ASSERT_TRUE(queue->publish({.key = kKey24, .payload = kPayload64}));
    ASSERT_TRUE((*consumer.receive())[0].ack());
    queues.push_back(std::move(*queue));
  }
  const std::uint64_t each = (resident_bytes() - before) / kQueues;
  EXPECT_LE(each, 256u * 1'024);
  EXPECT_GT(each, 1'024u) << "this counted nothing";
  RecordProperty("bytes_of_a_queue", static_cast<int>(each));
}

}  // namespace
}  // namespace laneway

// Opening: options, names, reopening, several engines.
#include <laneway/worker_pool.hpp>

#include "tests/api/manual_engine.hpp"

#include <pthread.h>

#include <cerrno>
#include <set>

namespace laneway::api_test {
namespace {

class Options : public ManualEngine {};

struct BadQueue {
  const char* name;
  QueueOptions options;
  const char* word;  // of the detail: so each mistake has its own
};

const std::vector<BadQueue> kBadQueues = {
    {"no_capacity", {.capacity = 0}, "capacity is"},
    {"too_much_capacity", {.capacity = (1u << 27) + 1}, "capacity is"},
    {"three_shards", {.shards = 3}, "power of two"},
    {"too_many_shards", {.shards = 512}, "up to 256"},
    {"a_large_payload_limit", {.payload_bytes_max = (64u << 20) + 1}, "64 MiB"},
    {"a_pool_for_no_message", {.payload_pool_bytes = 1'000}, "payload_pool_bytes"},
    {"no_attempts", {.attempts_max = 0}, "attempts_max"},
    {"too_many_attempts", {.attempts_max = 60'001}, "attempts_max"},
    {"no_floor", {.backoff = {.floor = 0ms}}, "floor"},
    {"a_cap_below_the_floor", {.backoff = {.cap = 1ms, .floor = 2ms}}, "floor"},
    {"a_negative_first_back_off", {.backoff = {.first = -1ms}}, "back-off"},
    {"an_endless_first_back_off", {.backoff = {.first = 100'000h}}, "8.7 years"},
    {"an_endless_cap", {.backoff = {.cap = 100'000h}}, "8.7 years"},
    {"no_lease", {.lease = 0ms}, "lease"},
    {"a_negative_lease", {.lease = -1ms}, "lease"},
    {"a_lease_above_7_days", {.lease = 169h}, "7 days"},
    {"no_run", {.run_max = 0}, "run_max"},
    {"a_long_run", {.run_max = 33}, "run_max"},
    {"runs_without_order", {.kind = QueueKind::unordered, .run_max = 2}, "by_key"},
    {"runs_of_a_handoff", {.kind = QueueKind::handoff, .run_max = 2}, "by_key"},
    {"no_dead_letters", {.dead_letters_max = 0}, "dead_letters_max"},
    {"too_many_dead_letters", {.dead_letters_max = (1u << 27) + 1}, "dead_letters_max"},
    {"no_outcomes", {.outcomes_remembered = 0}, "outcomes_remembered"},
    {"too_many_outcomes", {.outcomes_remembered = (1u << 27) + 1}, "outcomes_remembered"},
};

class BadQueues : public Options, public testing::WithParamInterface<BadQueue> {};

TEST_P(BadQueues, are_told_apart_and_nothing_is_opened) {
  const Result<Queue> queue = engine_.queue("mails", GetParam().options);
  EXPECT_EQ(code_of(queue), Errc::invalid_argument);
  EXPECT_NE(detail_of(queue).find(GetParam().word), std::string::npos) << detail_of(queue);
  EXPECT_EQ(detail_of(Engine::queue_bytes(GetParam().options)), detail_of(queue));
  EXPECT_TRUE(engine_.queues().empty());
  EXPECT_EQ(code_of(engine_.find("mails")), Errc::not_found);
}

INSTANTIATE_TEST_SUITE_P(Options, BadQueues, testing::ValuesIn(kBadQueues), [](const auto& tested) {
  return std::string(tested.param.name);
});

TEST_F(Options, names_have_1_to_128_bytes) {
  EXPECT_EQ(code_of(engine_.queue("")), Errc::invalid_argument);
  EXPECT_EQ(code_of(engine_.queue(std::string(129, 'n'))), Errc::invalid_argument);
  const std::string longest(128, 'n');
  EXPECT_EQ(engine_.queue(longest)->name(), longest);
  EXPECT_EQ(engine_.queue(std::string_view("a\0b", 3))->name().size(), 3u);
  EXPECT_EQ(engine_.queue("with spaces, \xc3\xa4 and /")->name(), "with spaces, \xc3\xa4 and /");
}

TEST_F(Options, the_number_of_shards_is_filled_in) {
  EXPECT_GE(open().options().shards, 1u);
  EXPECT_EQ(engine_.queue("eight", {.shards = 8})->options().shards, 8u);
  EXPECT_EQ(engine_.queue("handoff", {.kind = QueueKind::handoff})->options().shards, 1u);
  EXPECT_EQ(engine_.queue("small", {.capacity = 1})->options().shards, 1u);
}

TEST_F(Options, a_small_queue_holds_what_it_promises_also_over_more_shards_than_messages) {
  Queue queue = open({.capacity = 1, .shards = 256, .dead_letters_max = 1});
  EXPECT_TRUE(queue.publish({.key = "a"}));
  EXPECT_EQ(queue.stats()->capacity, 256u) << "divided among the shards, rounded up";
}

TEST_F(Options, the_same_name_with_the_same_options_is_the_same_queue) {
  Queue first = open({.capacity = 100});
  Queue second = open({.capacity = 100});
  publish(first, "a");
  EXPECT_EQ(second.stats()->published, 1u);
  EXPECT_EQ(engine_.find("mails")->stats()->published, 1u);
  EXPECT_EQ(engine_.queues().size(), 1u);
}

TEST_F(Options, the_same_name_with_other_options_is_a_mistake) {
  Queue queue = open({.capacity = 100});
  const Result<Queue> other = engine_.queue("mails", {.capacity = 101});
  EXPECT_EQ(code_of(other), Errc::invalid_argument);
  EXPECT_EQ(queue.options().capacity, 100u);
}

TEST_F(Options, a_closed_name_can_be_opened_again_and_starts_empty) {
  Queue old = open({.capacity = 100});
  publish(old, "a");
  old.close();
  EXPECT_EQ(code_of(engine_.find("mails")), Errc::not_found);
  EXPECT_TRUE(engine_.queues().empty());
  Queue fresh = open({.capacity = 200});
  EXPECT_EQ(quiet_stats(fresh).published, 0u);
  EXPECT_TRUE(fresh.publish({.key = "a"}));
  EXPECT_EQ(code_of(old.publish({.key = "a"})), Errc::closed);
}

TEST_F(Options, two_engines_know_nothing_of_each_other) {
  Engine other = *Engine::open({.driver = DriverMode::manual, .clock = clock_});
  Queue here = open();
  Queue there = *other.queue("mails", {.capacity = 3});
  publish(here, "a");
  EXPECT_EQ(there.stats()->published, 0u);
  other.close();
  EXPECT_EQ(code_of(there.publish({.key = "a"})), Errc::closed);
  EXPECT_TRUE(here.publish({.key = "a"}));
}

TEST_F(Options, a_clock_of_ones_own_needs_a_manual_driver) {
  EXPECT_EQ(code_of(Engine::open({.clock = clock_})), Errc::invalid_argument);
  EXPECT_TRUE(Engine::open({.driver = DriverMode::manual}));
}

// Whoever asks for threads with stacks that nobody can give gets none.
TEST_F(Options, a_thread_that_cannot_start_is_an_error_with_its_number) {
  pthread_attr_t usual;
  pthread_attr_t endless;
  ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(pthread_attr_init(&endless), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&endless, std::size_t{1} << 50), 0);
  ASSERT_EQ(pthread_setattr_default_np(&endless), 0);
  const Result<Engine> engine = Engine::open();
  const Result<WorkerPool> pool =
      WorkerPool::start(open(), {}, [](const MessageView&) { return Outcome::ack(); });
  ASSERT_EQ(pthread_setattr_default_np(&usual), 0);
  ASSERT_EQ(code_of(engine), Errc::system_error);
  EXPECT_EQ(engine.error().sys_errno, EAGAIN);
  ASSERT_EQ(code_of(pool), Errc::system_error);
  EXPECT_EQ(pool.error().sys_errno, EAGAIN);
}

TEST_F(Options, the_address_space_of_a_queue_is_known_beforehand) {
  const std::uint64_t small = *Engine::queue_bytes({.capacity = 16, .payload_pool_bytes = 1 << 20});
  const std::uint64_t large =
      *Engine::queue_bytes({.capacity = 1 << 20, .payload_pool_bytes = 1 << 20});
  EXPECT_GT(small, 0u);
  EXPECT_GT(large, small);
}

TEST_F(Options, a_queue_that_the_system_has_no_room_for_is_an_error) {
  const Result<Queue> queue = engine_.queue("mails", {.payload_pool_bytes = 1ull << 50});
  EXPECT_EQ(code_of(queue), Errc::no_memory);
  EXPECT_TRUE(engine_.queues().empty());
}

TEST_F(Options, every_errc_state_and_reason_has_its_own_name) {
  std::set<std::string_view> names;
  for (int code = 1; code <= 9; ++code) {
    EXPECT_TRUE(names.insert(to_string(static_cast<Errc>(code))).second);
  }
  for (int value = 0; value <= 9; ++value) {
    names.insert(to_string(static_cast<MessageState>(value)));
  }
  for (int value = 0; value <= 3; ++value) {
    names.insert(to_string(static_cast<AttemptEnd>(value)));
  }
  EXPECT_EQ(to_string(static_cast<Errc>(99)), "unknown");
  EXPECT_EQ(to_string(static_cast<MessageState>(99)), "unknown");
  EXPECT_EQ(to_string(static_cast<AttemptEnd>(99)), "unknown");
  EXPECT_EQ(to_string(static_cast<DeadReason>(99)), "unknown");
  EXPECT_EQ(to_string(Error{Errc::queue_full, 0, "no room"}), "queue_full: no room");
}

}  // namespace
}  // namespace laneway::api_test

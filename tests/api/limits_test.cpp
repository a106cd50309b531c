// Limits of a queue: what publishers may put in, and what workers get out.
#include <laneway/observer.hpp>

#include "tests/api/manual_engine.hpp"

#include <array>
#include <limits>
#include <thread>

namespace laneway::api_test {
namespace {

class Limits : public ManualEngine {
 protected:
  static Errc refused(Queue& queue, const Message& message) {
    return code_of(queue.publish(message));
  }
};

struct Told : QueueObserver {
  void rose_to_high() noexcept override { edges += "+"; }
  void fell_to_low() noexcept override { edges += "-"; }
  void dropped(MessageId id) noexcept override { ids.push_back(id); }
  std::string edges;
  std::vector<MessageId> ids;
};

using Payloads = std::vector<std::string>;

// --- no room ----------------------------------------------------------------------------------

TEST_F(Limits, drop_oldest_takes_the_new_message_and_tells_of_the_old_one) {
  Queue queue = open({.capacity = 2, .overflow = Overflow::drop_oldest});
  const auto told = std::make_shared<Told>();
  queue.observe(told);
  const MessageId first = publish(queue, "a", "1");
  publish(queue, "a", "2");
  publish(queue, "b", "3");
  EXPECT_EQ(state(queue, first), MessageState::dropped);
  EXPECT_EQ(told->ids, std::vector<MessageId>{first});
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer), (Payloads{"2", "3"}));
  EXPECT_EQ(quiet_stats(queue).dropped, 1u);
  EXPECT_EQ(quiet_stats(queue).refused_full, 0u);
}

TEST_F(Limits, drop_oldest_answers_queue_full_when_all_are_leased) {
  Queue queue = open({.capacity = 2, .overflow = Overflow::drop_oldest});
  publish(queue, "a");
  publish(queue, "b");
  Consumer consumer = *queue.consumer();
  const LeaseBatch batch = *consumer.receive({.max = 2});
  EXPECT_EQ(refused(queue, {.key = "c"}), Errc::queue_full);
  EXPECT_EQ(quiet_stats(queue).refused_full, 1u);
}

TEST_F(Limits, bytes_are_limited_and_come_back_with_the_message) {
  Queue queue = open({.shards = 1, .payload_bytes_max = 100, .bytes_max = 2'000});
  int taken = 0;
  while (queue.publish({.key = "a", .payload = std::string(100, 'x')})) {
    ++taken;
  }
  EXPECT_EQ(taken, 2'000 / 101);
  EXPECT_EQ(refused(queue, {.payload = std::string(100, 'x')}), Errc::queue_full);
  EXPECT_EQ(quiet_stats(queue).bytes, static_cast<std::uint64_t>(taken) * 101);
  Consumer consumer = *queue.consumer();
  work_off(consumer);
  EXPECT_EQ(quiet_stats(queue).bytes, 0u);
  EXPECT_TRUE(queue.publish({.payload = std::string(100, 'x')}));
}

TEST_F(Limits, drop_oldest_makes_room_in_bytes_too) {
  Queue queue = open({.shards = 1,
                      .payload_bytes_max = 100,
                      .bytes_max = 1'500,
                      .overflow = Overflow::drop_oldest});
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(queue.publish({.payload = std::string(100, 'x')}));
  }
  EXPECT_EQ(quiet_stats(queue).ready, 15u);
  EXPECT_EQ(quiet_stats(queue).dropped, 25u);
}

TEST_F(Limits, a_full_key_refuses_its_own_messages_only) {
  Queue queue = open({.key_messages_max = 2});
  publish(queue, "a", "1");
  publish(queue, "a", "2");
  EXPECT_EQ(refused(queue, {.key = "a"}), Errc::key_full);
  EXPECT_TRUE(queue.publish({.key = "b"}));
  EXPECT_TRUE(queue.publish({.payload = "without a key"}));
  Consumer consumer = *queue.consumer();
  ASSERT_TRUE(receive_one(consumer).ack());
  EXPECT_TRUE(queue.publish({.key = "a"}));
  EXPECT_EQ(quiet_stats(queue).refused_key_full, 1u);
}

TEST_F(Limits, of_a_batch_nothing_is_taken_of_a_key_after_it_was_full) {
  Queue queue = open({.shards = 1, .key_messages_max = 2});
  const Message batch[] = {{.key = "a"}, {.key = "a"}, {.key = "a"}, {.key = "b"}, {.key = "a"}};
  std::array<Published, 5> results;
  EXPECT_EQ(*queue.publish(batch, results), 3u);
  EXPECT_EQ(results[2].refused, Errc::key_full);
  EXPECT_TRUE(results[3].accepted());
  EXPECT_EQ(results[4].refused, Errc::key_full);
}

TEST_F(Limits, refusals_are_counted_by_their_reason) {
  Queue queue = open({.payload_bytes_max = 10});
  EXPECT_EQ(refused(queue, {.payload = std::string(11, 'x')}), Errc::too_large);
  queue.pause_publishing();
  EXPECT_EQ(refused(queue, {.payload = "x"}), Errc::paused_for_publish);
  EXPECT_EQ(quiet_stats(queue).refused_too_large, 1u);
  EXPECT_EQ(quiet_stats(queue).refused_paused, 1u);
}

TEST_F(Limits, settles_that_come_too_late_are_counted_by_their_verb) {
  Queue queue = open({.attempts_max = 100});
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  const auto late = [&] {
    Lease lease = receive_one(consumer, 1s);
    pass(1s);
    pass(1h);
    return lease;
  };
  EXPECT_FALSE(late().ack());
  EXPECT_FALSE(late().nack());
  EXPECT_FALSE(late().release());
  EXPECT_FALSE(late().reject());
  EXPECT_FALSE(late().extend(1s));
  EXPECT_FALSE(late().extend(1s));
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.lease_lost_ack, 1u);
  EXPECT_EQ(stats.lease_lost_nack, 1u);
  EXPECT_EQ(stats.lease_lost_release, 1u);
  EXPECT_EQ(stats.lease_lost_reject, 1u);
  EXPECT_EQ(stats.lease_lost_extend, 2u);
  EXPECT_EQ(stats.lease_lost, 6u);
}

TEST_F(Limits, a_publisher_does_not_wait_when_time_is_moved_by_hand) {
  Queue queue = open({.capacity = 1, .overflow = Overflow::block, .block_max = 1h});
  publish(queue, "a");
  EXPECT_EQ(refused(queue, {.key = "a"}), Errc::queue_full);
}

TEST(Blocking, a_blocked_publisher_goes_on_when_a_message_is_completed) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("q", {.capacity = 1, .overflow = Overflow::block, .block_max = 1min});
  Consumer consumer = *queue.consumer();
  ASSERT_TRUE(queue.publish({.payload = "1"}));
  LeaseBatch batch = *consumer.receive();
  std::thread publisher([&] { EXPECT_TRUE(queue.publish({.payload = "2"})); });
  EXPECT_TRUE(batch[0].ack());  // and nobody receives
  publisher.join();
  EXPECT_EQ((*queue.stats()).refused_full, 0u);
}

TEST(Blocking, many_blocked_publishers_all_get_their_turn) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("q", {.capacity = 4, .overflow = Overflow::block, .block_max = 1min});
  constexpr int kEach = 300;
  std::vector<std::thread> publishers;
  for (int i = 0; i < 3; ++i) {
    publishers.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        ASSERT_TRUE(queue.publish({.key = n % 2 == 0 ? "a" : "b", .payload = "x"}));
      }
    });
  }
  Consumer consumer = *queue.consumer();
  for (int taken = 0; taken < 3 * kEach;) {
    LeaseBatch batch = *consumer.receive({.max = 4, .wait = 10s});
    ASSERT_FALSE(batch.empty());
    taken += static_cast<int>(batch.ack());
  }
  for (std::thread& publisher : publishers) {
    publisher.join();
  }
  EXPECT_TRUE((*queue.stats()).conserved());
}

TEST(Blocking, a_blocked_publisher_gives_up_after_its_time_and_at_once_on_close) {
  Engine engine = *Engine::open();
  const QueueOptions soon{.capacity = 1, .overflow = Overflow::block, .block_max = 1ms};
  Queue hurried = *engine.queue("hurried", soon);
  ASSERT_TRUE(hurried.publish({.payload = "1"}));
  EXPECT_EQ(code_of(hurried.publish({.payload = "2"})), Errc::queue_full);

  const QueueOptions late{.capacity = 1, .overflow = Overflow::block, .block_max = 1h};
  Queue patient = *engine.queue("patient", late);
  ASSERT_TRUE(patient.publish({.payload = "1"}));
  std::thread publisher(
      [&] { EXPECT_EQ(code_of(patient.publish({.payload = "2"})), Errc::closed); });
  patient.close();
  publisher.join();
}

// --- watermarks, shedding -----------------------------------------------------------------------

TEST_F(Limits, watermarks_are_told_once_each_time_they_are_crossed) {
  Queue queue = open({.high_watermark = 3, .low_watermark = 1});
  const auto told = std::make_shared<Told>();
  queue.observe(told);
  Consumer consumer = *queue.consumer();
  for (int i = 0; i < 5; ++i) {
    publish(queue, "");
  }
  EXPECT_EQ(told->edges, "+");
  EXPECT_TRUE(quiet_stats(queue).above_high_watermark);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(receive_one(consumer).ack());
  }
  (void)queue.stats();
  EXPECT_EQ(told->edges, "+");  // two are left
  ASSERT_TRUE(receive_one(consumer).ack());
  EXPECT_FALSE(quiet_stats(queue).above_high_watermark);
  EXPECT_EQ(told->edges, "+-");
  publish(queue, "");
  EXPECT_EQ(told->edges, "+-");
  publish(queue, "");
  EXPECT_EQ(told->edges, "+-+");
}

TEST_F(Limits, an_observer_may_use_the_queue_and_may_be_replaced) {
  struct Reader : QueueObserver {
    explicit Reader(Queue watched) : queue(std::move(watched)) {}
    void rose_to_high() noexcept override { ready = queue.stats()->ready; }
    Queue queue;
    std::uint64_t ready = 0;
  };
  Queue queue = open({.high_watermark = 2, .low_watermark = 0});
  const auto reader = std::make_shared<Reader>(queue);
  queue.observe(reader);
  publish(queue, "");
  publish(queue, "");
  EXPECT_EQ(reader->ready, 2u);
  queue.observe(nullptr);
}

TEST_F(Limits, low_priorities_are_shed_between_the_watermarks) {
  Queue queue = open({.high_watermark = 2, .low_watermark = 1, .shed_below = 0});
  EXPECT_TRUE(queue.publish({.priority = -1}));
  EXPECT_TRUE(queue.publish({.priority = -1}));
  EXPECT_EQ(refused(queue, {.priority = -1}), Errc::shed);
  EXPECT_TRUE(queue.publish({.payload = "as important as most"}));
  EXPECT_EQ(quiet_stats(queue).shed, 1u);
  Consumer consumer = *queue.consumer();
  work_off(consumer);
  EXPECT_TRUE(queue.publish({.priority = -1}));
}

// --- priorities -------------------------------------------------------------------------------

TEST_F(Limits, urgent_messages_overtake_but_never_within_their_key) {
  Queue queue = open({.shards = 1, .priorities = true});
  ASSERT_TRUE(queue.publish({.key = "a", .payload = "a1"}));
  ASSERT_TRUE(queue.publish({.key = "a", .payload = "a2", .priority = 100}));
  ASSERT_TRUE(queue.publish({.key = "b", .payload = "b1", .priority = 5}));
  ASSERT_TRUE(queue.publish({.payload = "c", .priority = -1}));
  Consumer consumer = *queue.consumer();
  Payloads seen;
  for (int i = 0; i < 4; ++i) {
    Lease lease = receive_one(consumer);
    seen.emplace_back(lease.payload().text());
    ASSERT_TRUE(lease.ack());
  }
  EXPECT_EQ(seen, (Payloads{"b1", "a1", "a2", "c"}));
}

TEST_F(Limits, priorities_and_dedup_ids_are_refused_where_they_would_do_nothing) {
  Queue queue = open();
  EXPECT_EQ(refused(queue, {.priority = 1}), Errc::invalid_argument);
  EXPECT_EQ(refused(queue, {.dedup_id = "x"}), Errc::invalid_argument);
}

// --- dedup ------------------------------------------------------------------------------------

TEST_F(Limits, a_second_message_with_a_dedup_id_answers_the_id_of_the_first) {
  Queue queue = open({.shards = 4, .dedup_window = 1h});
  const MessageId first = *queue.publish({.key = "a", .payload = "1", .dedup_id = "order-1"});
  EXPECT_EQ(*queue.publish({.key = "a", .payload = "1", .dedup_id = "order-1"}), first);
  EXPECT_NE(*queue.publish({.key = "a", .payload = "2", .dedup_id = "order-2"}), first);
  const MessageId keyless = *queue.publish({.dedup_id = "mail-1"});
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(*queue.publish({.dedup_id = "mail-1"}), keyless);
  }
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer).size(), 3u);
  EXPECT_EQ(*queue.publish({.key = "a", .dedup_id = "order-1"}), first);  // also when it is done
  EXPECT_EQ(quiet_stats(queue).deduplicated, 10u);
  EXPECT_EQ(quiet_stats(queue).published, 3u);
}

TEST_F(Limits, a_dedup_id_may_come_again_when_its_window_is_over) {
  Queue queue = open({.dedup_window = 1h});
  const MessageId first = *queue.publish({.key = "a", .dedup_id = "x"});
  pass(1h - 1ms);
  EXPECT_EQ(*queue.publish({.key = "a", .dedup_id = "x"}), first);
  pass(1ms);
  EXPECT_NE(*queue.publish({.key = "a", .dedup_id = "x"}), first);
}

TEST_F(Limits, a_batch_marks_its_duplicates_also_within_itself) {
  Queue queue = open({.dedup_window = 1h});
  const Message batch[] = {{.key = "a", .dedup_id = "1"}, {.key = "a", .dedup_id = "1"}};
  std::array<Published, 2> results;
  EXPECT_EQ(*queue.publish(batch, results), 2u);
  EXPECT_FALSE(results[0].duplicate);
  EXPECT_TRUE(results[1].duplicate);
  EXPECT_EQ(results[0].id, results[1].id);
}

TEST_F(Limits,
       of_a_large_batch_over_several_shards_each_key_keeps_a_prefix_and_each_id_counts_once) {
  Queue queue = open({.capacity = 80, .shards = 4, .dedup_window = 1h});
  constexpr std::size_t kMessages = 200;
  std::vector<std::string> keys;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kMessages; ++i) {
    keys.push_back(numbered("key-", i % 10));
    ids.push_back(numbered("id-", i - i % 20 + i % 10));  // each twice: the second ten repeat
  }
  std::vector<Message> batch(kMessages);
  for (std::size_t i = 0; i < kMessages; ++i) {
    batch[i].key = keys[i];
    batch[i].dedup_id = ids[i];
  }
  std::vector<Published> results(kMessages);
  const std::size_t accepted = *queue.publish(batch, results);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(accepted, stats.published + stats.deduplicated);
  EXPECT_EQ(stats.refused_full, kMessages - accepted);
  EXPECT_GT(stats.refused_full, 0u);
  for (std::size_t i = 0; i < kMessages; ++i) {
    EXPECT_EQ(results[i].duplicate, results[i].accepted() && i % 20 >= 10) << i;
    if (i >= 10 && results[i].accepted()) {
      EXPECT_TRUE(results[i - 10].accepted()) << i;  // the one before it in its key
    }
    if (results[i].duplicate) {
      EXPECT_EQ(results[i].id, results[i - 10].id);
    }
  }
}

TEST_F(Limits, a_batch_on_a_queue_with_a_limit_of_each_key_counts_within_itself) {
  Queue queue = open({.shards = 2, .key_messages_max = 3});
  std::vector<Message> batch(100);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i].key = i % 4 == 0 ? "a" : i % 4 == 1 ? "b" : i % 4 == 2 ? "c" : "d";
  }
  EXPECT_EQ(*queue.publish(batch), 12u);
  EXPECT_EQ(quiet_stats(queue).refused_key_full, 88u);
}

TEST_F(Limits, a_refused_message_leaves_no_dedup_id_behind) {
  Queue queue = open({.capacity = 1, .dedup_window = 1h});
  publish(queue, "a");
  EXPECT_EQ(refused(queue, {.key = "b", .dedup_id = "x"}), Errc::queue_full);
  Consumer consumer = *queue.consumer();
  work_off(consumer);
  EXPECT_TRUE(queue.publish({.key = "b", .dedup_id = "x"}));
  EXPECT_EQ(quiet_stats(queue).deduplicated, 0u);
}

TEST_F(Limits, ids_that_go_before_their_time_are_counted) {
  Queue queue = open({.shards = 1, .dedup_window = 1h, .dedup_ids_max = 2});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.publish({.dedup_id = std::to_string(i)}));
  }
  EXPECT_EQ(quiet_stats(queue).dedup_forgotten, 1u);
  EXPECT_EQ(refused(queue, {.dedup_id = std::string(65, 'x')}), Errc::too_large);
}

TEST(Deduplicating, of_many_threads_that_publish_the_same_ids_each_id_is_taken_once) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("q", {.shards = 2, .dedup_window = 1h});
  constexpr int kIds = 500;
  std::vector<std::vector<MessageId>> ids(3);
  std::vector<std::thread> publishers;
  for (auto& mine : ids) {
    publishers.emplace_back([&queue, &mine] {
      for (int i = 0; i < kIds; ++i) {
        mine.push_back(*queue.publish({.dedup_id = std::to_string(i)}));
      }
    });
  }
  for (std::thread& publisher : publishers) {
    publisher.join();
  }
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_EQ((*queue.stats()).published, static_cast<std::uint64_t>(kIds));
}

// --- what workers get -------------------------------------------------------------------------

TEST_F(Limits, no_more_leases_are_out_than_allowed_over_all_shards_and_consumers) {
  Queue queue = open({.shards = 4, .in_flight_max = 3});
  for (int i = 0; i < 12; ++i) {
    publish(queue, numbered("key-", static_cast<std::size_t>(i)));
  }
  Consumer one = *queue.consumer();
  Consumer other = *queue.consumer();
  LeaseBatch first = *one.receive({.max = 2});
  LeaseBatch second = *other.receive({.max = 10});
  EXPECT_EQ(first.size(), 2u);
  EXPECT_EQ(second.size(), 1u);
  EXPECT_TRUE(nothing_to_receive(one));
  EXPECT_EQ(quiet_stats(queue).in_flight, 3u);
  EXPECT_EQ(first.ack(), 2u);
  LeaseBatch third = *one.receive({.max = 10});
  LeaseBatch fourth = *other.receive({.max = 10});  // a shard may have been passed by before
  EXPECT_EQ(third.size() + fourth.size(), 2u);
}

TEST_F(Limits, a_lease_that_nobody_settled_counts_until_its_object_is_gone) {
  Queue queue = open({.in_flight_max = 1});
  publish(queue, "a");
  Consumer consumer = *queue.consumer();
  {
    const Lease zombie = receive_one(consumer, 1s);
    pass(1s);
    pass(1h);
    EXPECT_TRUE(nothing_to_receive(consumer));
  }
  EXPECT_EQ(receive_one(consumer).attempt(), 2u);
}

TEST(InFlight, a_consumer_that_waits_is_woken_by_the_settle_that_frees_a_place) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("q", {.shards = 4, .in_flight_max = 1});
  Consumer holder = *queue.consumer();
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(queue.publish({.payload = "x"}));
  }
  LeaseBatch held = *holder.receive();
  ASSERT_EQ(held.size(), 1u);
  std::thread waiter([&] {
    Consumer consumer = *queue.consumer();
    EXPECT_EQ((*consumer.receive({.wait = 1min})).size(), 1u);
  });
  EXPECT_TRUE(held[0].ack());
  waiter.join();
}

TEST_F(Limits, a_rate_lets_a_burst_through_and_then_so_many_a_second) {
  Queue queue = open({.shards = 1, .rate = {.per_second = 10, .burst = 3}});
  for (int i = 0; i < 20; ++i) {
    publish(queue, "");
  }
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer).size(), 3u);
  clock_->advance(99ms);
  EXPECT_EQ(work_off(consumer).size(), 0u);
  clock_->advance(1ms);
  EXPECT_EQ(work_off(consumer).size(), 1u);
  clock_->advance(250ms);
  EXPECT_EQ(work_off(consumer).size(), 2u);
  clock_->advance(1h);
  EXPECT_EQ(work_off(consumer).size(), 3u);
}

TEST_F(Limits, a_rate_that_is_no_whole_number_of_nanoseconds_lets_no_more_through_than_asked) {
  Queue queue = open({.capacity = 2'048, .shards = 1, .rate = {.per_second = 6e8}});
  for (int i = 0; i < 1'000; ++i) {
    publish(queue, "");
  }
  Consumer consumer = *queue.consumer();
  std::size_t granted = work_off(consumer).size();
  for (int ns = 0; ns < 1'000; ++ns) {
    clock_->advance(1ns);
    granted += work_off(consumer).size();
  }
  EXPECT_LE(granted, 601u);
  EXPECT_GE(granted, 500u);
}

TEST_F(Limits, a_rate_holds_for_take_and_for_the_messages_of_a_run) {
  Queue queue = open({.shards = 1, .rate = {.per_second = 1, .burst = 4}, .run_max = 8});
  for (int i = 0; i < 10; ++i) {
    publish(queue, "a");
  }
  Consumer consumer = *queue.consumer();
  MessageBatch batch;
  EXPECT_EQ(*consumer.take(batch, {.max = 2}), 2u);
  LeaseBatch run = *consumer.receive({.max = 10});
  ASSERT_EQ(run.size(), 1u);
  EXPECT_EQ(run[0].size(), 2u);
}

TEST_F(Limits, poll_says_when_the_rate_lets_the_next_one_through) {
  Queue queue = open({.shards = 1, .rate = {.per_second = 1}});
  publish(queue, "");
  publish(queue, "");
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer).size(), 1u);
  EXPECT_EQ(*engine_.poll(), 1s);
  clock_->advance(1s);
  EXPECT_EQ(work_off(consumer).size(), 1u);
}

TEST(Rate, a_consumer_that_waits_is_given_what_the_rate_allows_in_time) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("q", {.rate = {.per_second = 200, .burst = 1}});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(queue.publish({.payload = "x"}));
  }
  Consumer consumer = *queue.consumer();
  for (int i = 0; i < 5; ++i) {
    LeaseBatch batch = *consumer.receive({.wait = 1min});
    ASSERT_EQ(batch.size(), 1u);
    (void)batch.ack();
  }
}

TEST(Rate, close_wakes_a_consumer_that_the_rate_holds_back) {
  Engine engine = *Engine::open();
  Queue queue = *engine.queue("q", {.rate = {.per_second = 0.001}});
  ASSERT_TRUE(queue.publish({.payload = "1"}));
  ASSERT_TRUE(queue.publish({.payload = "2"}));
  Consumer consumer = *queue.consumer();
  ASSERT_EQ((*consumer.receive()).ack(), 1u);
  std::thread waiter([&] { EXPECT_EQ(code_of(consumer.receive({.wait = 1h})), Errc::closed); });
  queue.close();
  waiter.join();
}

TEST_F(Limits, a_drain_takes_leases_back_and_their_places_are_free_when_the_objects_are_gone) {
  Queue queue = open({.in_flight_max = 1});
  publish(queue, "a");
  Consumer consumer = *queue.consumer();
  {
    const Lease held = receive_one(consumer);
    EXPECT_EQ(queue.drain(0ms)->released, 1u);
    queue.resume_consuming();
    EXPECT_TRUE(nothing_to_receive(consumer));
  }
  EXPECT_EQ(receive_one(consumer).attempt(), 1u);
}

TEST_F(Limits, a_drain_counts_what_waits_for_its_replay_or_behind_a_death) {
  Queue queue = open({.shards = 1, .on_death = OnDeath::hold_key});
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  publish(queue, "a");
  ASSERT_TRUE(receive_one(consumer).reject());
  publish(queue, "b");
  ASSERT_TRUE(receive_one(consumer).reject());
  ASSERT_TRUE(queue.replay_all({.filter = {.key = "b"}, .per_second = 1}));
  const DrainReport report = *queue.drain(0ms);
  EXPECT_EQ(report.waiting, 2u);
  EXPECT_EQ(report.released, 0u);
}

TEST_F(Limits, a_paused_queue_keeps_its_timers_right) {
  Queue queue = open();
  const MessageId delayed = *queue.publish({.key = "a", .delay = 10s});
  const MessageId expiring = *queue.publish({.key = "b", .ttl = 5s});
  queue.pause_consuming();
  pass(10s);
  EXPECT_EQ(state(queue, delayed), MessageState::ready);
  EXPECT_EQ(state(queue, expiring), MessageState::expired);
  Consumer consumer = *queue.consumer();
  EXPECT_TRUE(nothing_to_receive(consumer));
  queue.resume_consuming();
  EXPECT_EQ(receive_one(consumer).id(), delayed);
}

// --- options ----------------------------------------------------------------------------------

struct SenselessQueue {
  QueueOptions options;
  const char* word;  // of the detail
};

TEST_F(Limits, options_that_make_no_sense_are_refused) {
  constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
  const SenselessQueue wrong[] = {
      {{.bytes_max = 1}, "bytes_max"},
      {{.block_max = -1ms}, "block_max"},
      {{.high_watermark = 5, .low_watermark = 5}, "watermark"},
      {{.low_watermark = 5}, "watermark"},
      {{.shed_below = 1}, "shed_below"},
      {{.dedup_window = -1ms}, "dedup_window"},
      {{.dedup_window = 100'000h}, "dedup_window"},
      {{.dedup_ids_max = 0}, "dedup_ids_max"},
      {{.dedup_ids_max = (1u << 27) + 1}, "dedup_ids_max"},
      {{.rate = {.per_second = -1}}, "a rate"},
      {{.rate = {.per_second = 2e9}}, "a rate"},
      {{.rate = {.per_second = kNoNumber}}, "a rate"},
      {{.rate = {.per_second = 1, .burst = 0}}, "burst"},
      {{.rate = {.per_second = 1, .burst = 1'000'001}}, "burst"},
      {{.rate = {.per_second = 1e-6, .burst = 1'000'000}}, "31 years"},
      {{.dead_letters_age_max = -1ms}, "dead_letters_age_max"},
      {{.dead_letters_age_max = 100'000h}, "dead_letters_age_max"},
      {{.results_remembered = (1u << 27) + 1}, "results_remembered"},
      {{.kind = QueueKind::unordered, .key_messages_max = 1}, "key_messages_max"},
      {{.kind = QueueKind::handoff, .overflow = Overflow::block}, "handoff"},
      {{.kind = QueueKind::handoff, .priorities = true}, "handoff"},
      {{.kind = QueueKind::handoff, .in_flight_max = 1}, "handoff"},
      {{.kind = QueueKind::handoff, .rate = {.per_second = 1}}, "handoff"},
  };
  for (const SenselessQueue& each : wrong) {
    const Result<Queue> queue = engine_.queue("wrong", each.options);
    EXPECT_EQ(code_of(queue), Errc::invalid_argument);
    EXPECT_NE(detail_of(queue).find(each.word), std::string::npos) << each.word;
  }
  EXPECT_TRUE(engine_.queues().empty());
}

}  // namespace
}  // namespace laneway::api_test

// Dead letters: the whole story, page by page; replay, discard, retention.
#include "tests/api/manual_engine.hpp"

#include <algorithm>
#include <set>

namespace laneway::api_test {
namespace {

class DeadLetters : public ManualEngine {
 protected:
  // Publishes and rejects so many messages, each on its own key.
  std::vector<MessageId> bury(Queue& queue, int count) {
    Consumer consumer = *queue.consumer();
    std::vector<MessageId> ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(
          publish(queue, numbered("key-", static_cast<std::size_t>(i)), std::to_string(i)));
      EXPECT_TRUE(receive_one(consumer).reject());
    }
    return ids;
  }
};

TEST_F(DeadLetters, tell_the_whole_story) {
  Queue queue = open({.attempts_max = 4, .backoff = {.first = 1ms, .cap = 1ms, .floor = 1ms}});
  Consumer one = *queue.consumer();
  Consumer two = *queue.consumer();
  const auto wall_before = std::chrono::system_clock::now();
  const MessageId id =
      *queue.publish({.key = "a", .payload = "the payload", .type = "invoice.created"});
  (void)queue.stats();
  pass(1s);
  ASSERT_TRUE(receive_one(one).nack({.error = "timed out", .error_class = 5}));
  (void)queue.stats();
  pass(10ms);
  {
    const Lease expires = receive_one(two, 2s);
    pass(2s);
  }
  pass(10ms);
  (void)receive_one(one);  // abandoned
  pass(10ms);
  Lease last = receive_one(two);
  pass(5s);
  ASSERT_TRUE(last.reject({.error = "no such customer", .error_class = 404}));

  const DeadLetter letter = letters(queue).at(0);
  EXPECT_EQ(letter.id, id);
  EXPECT_EQ(letter.key, "a");
  EXPECT_EQ(letter.type, "invoice.created");
  EXPECT_EQ(letter.payload_bytes, 11u);
  EXPECT_TRUE(letter.payload.empty()) << "only when asked for";
  EXPECT_EQ(letter.reason, DeadReason::rejected);
  EXPECT_EQ(letter.attempts, 4u);
  ASSERT_EQ(letter.story.size(), 4u);
  const AttemptEnd ends[] = {AttemptEnd::nacked, AttemptEnd::expired, AttemptEnd::abandoned,
                             AttemptEnd::rejected};
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(letter.story[i].number, i + 1);
    EXPECT_EQ(letter.story[i].end, ends[i]);
    EXPECT_EQ(letter.story[i].consumer, 1 + i % 2);
  }
  EXPECT_EQ(letter.story[0].error, "timed out");
  EXPECT_EQ(letter.story[0].error_class, 5u);
  EXPECT_EQ(letter.story[1].error, "");
  EXPECT_EQ(letter.story[3].error, "no such customer");
  EXPECT_EQ(letter.story[1].ended - letter.story[1].granted, 2s);
  EXPECT_EQ(letter.story[3].ended - letter.story[3].granted, 5s);
  EXPECT_EQ(letter.story[0].granted - letter.published, 1s);
  EXPECT_EQ(letter.died, letter.story[3].ended);
  EXPECT_LT(letter.published - wall_before, 1min);
  EXPECT_GT(letter.published - wall_before, -1min);

  const DeadLetter with_payload = letters(queue, {.payloads = true}).at(0);
  EXPECT_EQ(Bytes(std::span<const std::byte>(with_payload.payload)).text(), "the payload");
}

TEST_F(DeadLetters, keep_the_last_32_attempts) {
  Queue queue = open({.attempts_max = 40, .backoff = {.first = 1ms, .cap = 1ms, .floor = 1ms}});
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(receive_one(consumer).nack({.error = std::to_string(i + 1)}));
    pass(1ms);
  }
  const DeadLetter letter = letters(queue).at(0);
  EXPECT_EQ(letter.attempts, 40u);
  ASSERT_EQ(letter.story.size(), 32u);
  EXPECT_EQ(letter.story.front().number, 9u);
  EXPECT_EQ(letter.story.back().error, "40");
}

// The clock of a machine that has been up for years is far along; a page's end must survive that.
class Pages : public DeadLetters, public testing::WithParamInterface<std::chrono::hours> {};

TEST_P(Pages, go_through_all_dead_letters_once_oldest_first) {
  clock_->set(GetParam());
  Queue queue = open({.shards = 4});
  const std::vector<MessageId> ids = bury(queue, 57);
  for (const unsigned limit : {1u, 10u, 57u, 100u}) {
    std::vector<DeadLetter> seen;
    DeadLetterQuery query{.limit = limit};
    do {
      DeadLetterPage page = *queue.dead_letters(query);
      ASSERT_LE(page.letters.size(), limit);
      ASSERT_FALSE(page.letters.empty());
      ASSERT_LE(seen.size(), ids.size()) << "the pages do not end";
      std::move(page.letters.begin(), page.letters.end(), std::back_inserter(seen));
      query.from = page.next;
    } while (query.from != 0);
    ASSERT_EQ(seen.size(), 57u);
    std::set<std::uint64_t> unique;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      unique.insert(seen[i].id.value);
      if (i > 0 && seen[i].id.shard() == seen[i - 1].id.shard()) {
        EXPECT_LT(seen[i - 1].died, seen[i].died);
      }
    }
    EXPECT_EQ(unique.size(), 57u);
  }
}

TEST_P(Pages, go_on_where_they_were_when_letters_have_gone_in_between) {
  clock_->set(GetParam());
  Queue queue = open();
  const std::vector<MessageId> ids = bury(queue, 10);
  const DeadLetterPage first = *queue.dead_letters({.limit = 4});
  ASSERT_NE(first.next, 0u);
  ASSERT_TRUE(queue.discard(ids[2]));
  ASSERT_TRUE(queue.discard(ids[4]));  // where the next page was to begin
  const DeadLetterPage second = *queue.dead_letters({.from = first.next});
  ASSERT_EQ(second.letters.size(), 5u);
  EXPECT_EQ(second.letters[0].id, ids[5]);
  EXPECT_EQ(second.next, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    DeadLetters, Pages, testing::Values(0h, 1h, 24h * 365, 24h * 365 * 20), [](const auto& tested) {
      return numbered("after_", static_cast<std::size_t>(tested.param.count())) + "_hours";
    });

TEST_F(DeadLetters, a_limit_of_0_or_above_10000_is_a_mistake) {
  Queue queue = open();
  EXPECT_EQ(code_of(queue.dead_letters({.limit = 0})), Errc::invalid_argument);
  EXPECT_EQ(code_of(queue.dead_letters({.limit = 10'001})), Errc::invalid_argument);
  EXPECT_TRUE(queue.dead_letters({.limit = 10'000}));
  EXPECT_TRUE(queue.dead_letters({.from = ~std::uint64_t{0}})->letters.empty());
}

TEST_F(DeadLetters, a_replayed_one_starts_a_new_life_at_the_end_of_its_key) {
  Queue queue = open({.attempts_max = 2});
  Consumer consumer = *queue.consumer();
  const MessageId id = *queue.publish({.key = "a", .payload = "1", .ttl = 1h});
  ASSERT_TRUE(receive_one(consumer).reject({.error = "wrong"}));
  publish(queue, "a", "2");
  pass(2h);
  ASSERT_TRUE(queue.replay(id));
  EXPECT_EQ(queue.status(id)->state, MessageState::blocked);
  EXPECT_EQ(queue.status(id)->attempts, 0u);
  EXPECT_EQ(queue.status(id)->error, "");
  Lease second = receive_one(consumer);
  EXPECT_EQ(second.payload().text(), "2");
  ASSERT_TRUE(second.ack());
  Lease first = receive_one(consumer);
  EXPECT_EQ(first.id(), id);
  EXPECT_EQ(first.attempt(), 1u);
  ASSERT_TRUE(first.ack());
  EXPECT_EQ(quiet_stats(queue).replayed, 1u);
}

TEST_F(DeadLetters, are_replayed_all_at_once_each_key_in_its_old_order) {
  Queue queue = open({.shards = 4});
  Consumer consumer = *queue.consumer();
  constexpr int kMessages = 60;
  for (int i = 0; i < kMessages; ++i) {
    publish(queue, numbered("key-", static_cast<std::size_t>(i % 7)), std::to_string(i));
  }
  // In whatever order they die, also the later ones of a key first: by expiry of their patience.
  std::vector<LeaseBatch> batches;
  while (quiet_stats(queue).dead < kMessages) {
    LeaseBatch batch = *consumer.receive({.max = 64});
    for (std::size_t i = batch.size(); i-- > 0;) {
      ASSERT_TRUE(batch[i].reject());
    }
  }
  EXPECT_EQ(*queue.replay_all(), static_cast<std::size_t>(kMessages));
  EXPECT_EQ(*queue.replay_all(), 0u);
  std::vector<std::vector<int>> seen(7);
  for (const std::string& payload : work_off(consumer)) {
    const int number = std::stoi(payload);
    seen[static_cast<std::size_t>(number % 7)].push_back(number);
  }
  for (const std::vector<int>& numbers : seen) {
    EXPECT_GE(numbers.size(), 8u);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

TEST_F(DeadLetters, a_discarded_one_is_gone_for_good) {
  Queue queue = open();
  const std::vector<MessageId> ids = bury(queue, 2);
  ASSERT_TRUE(queue.discard(ids[0]));
  EXPECT_EQ(state(queue, ids[0]), MessageState::discarded);
  EXPECT_EQ(code_of(queue.discard(ids[0])), Errc::not_found);
  EXPECT_EQ(code_of(queue.replay(ids[0])), Errc::not_found);
  EXPECT_EQ(letters(queue).size(), 1u);
  EXPECT_EQ(quiet_stats(queue).discarded, 1u);
}

TEST_F(DeadLetters, only_dead_ones_can_be_replayed_or_discarded) {
  Queue queue = open({.shards = 2});
  const MessageId ready = publish(queue, "a");
  for (const MessageId id : {ready, MessageId{}, MessageId{~std::uint64_t{0}}}) {
    EXPECT_EQ(code_of(queue.replay(id)), Errc::not_found);
    EXPECT_EQ(code_of(queue.discard(id)), Errc::not_found);
  }
  EXPECT_EQ(state(queue, ready), MessageState::ready);
}

TEST_F(DeadLetters, are_kept_up_to_a_number_and_the_oldest_makes_room) {
  Queue queue = open({.capacity = 4, .dead_letters_max = 3});
  const std::vector<MessageId> ids = bury(queue, 8);
  EXPECT_EQ(letters(queue).size(), 3u);
  EXPECT_EQ(letters(queue).at(0).id, ids[5]);
  EXPECT_EQ(state(queue, ids[4]), MessageState::discarded);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.dead, 3u);
  EXPECT_EQ(stats.discarded, 5u);
  EXPECT_EQ(stats.dead_lettered, 8u);
}

TEST_F(DeadLetters, do_not_take_the_capacity_of_the_queue) {
  Queue queue = open({.capacity = 4, .dead_letters_max = 3});
  bury(queue, 3);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(queue.publish({.key = "a"}));
  }
  EXPECT_EQ(code_of(queue.publish({.key = "a"})), Errc::queue_full);
}

}  // namespace
}  // namespace laneway::api_test

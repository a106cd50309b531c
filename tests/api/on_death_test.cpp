// Dead letters as an operator works with them: chosen by filters, replayed over time, kept for a
// time, and keys that wait for a decision.
#include "tests/api/manual_engine.hpp"

namespace laneway::api_test {
namespace {

class OperatingDeadLetters : public ManualEngine {
 protected:
  // Publishes and rejects one message.
  MessageId bury(Queue& queue, const Message& message, std::uint32_t error_class = 0) {
    const MessageId id = *queue.publish(message);
    Consumer consumer = *queue.consumer();
    EXPECT_TRUE(receive_one(consumer).reject({.error_class = error_class}));
    return id;
  }
  std::vector<MessageId> found(Queue& queue, const DeadLetterFilter& filter) {
    std::vector<MessageId> ids;
    for (const DeadLetter& letter : letters(queue, {.filter = filter})) {
      ids.push_back(letter.id);
    }
    return ids;
  }
};

TEST_F(OperatingDeadLetters, filters_choose_by_key_type_error_class_reason_and_age) {
  Queue queue = open({.shards = 1});
  const MessageId bill = bury(queue, {.key = "a", .type = "bill"}, 7);
  const MessageId mail = bury(queue, {.key = "b", .type = "mail"}, 8);
  pass(61min);
  const MessageId late = bury(queue, {.key = "a", .type = "mail"}, 8);
  using Ids = std::vector<MessageId>;
  EXPECT_EQ(found(queue, {}), (Ids{bill, mail, late}));
  EXPECT_EQ(found(queue, {.key = "a"}), (Ids{bill, late}));
  EXPECT_EQ(found(queue, {.type = "mail"}), (Ids{mail, late}));
  EXPECT_EQ(found(queue, {.error_class = 7}), Ids{bill});
  EXPECT_EQ(found(queue, {.key = "a", .type = "mail", .error_class = 8}), Ids{late});
  EXPECT_EQ(found(queue, {.error_class = 0}), Ids{});
  EXPECT_EQ(found(queue, {.reason = DeadReason::rejected}).size(), 3u);
  EXPECT_EQ(found(queue, {.reason = DeadReason::attempts}), Ids{});
  EXPECT_EQ(found(queue, {.older_than = 1h}), (Ids{bill, mail}));
  EXPECT_EQ(found(queue, {.younger_than = 1h}), Ids{late});
}

TEST_F(OperatingDeadLetters, a_page_counts_only_what_fits) {
  Queue queue = open({.shards = 1});
  for (int i = 0; i < 6; ++i) {
    bury(queue, {.key = i % 2 == 0 ? "a" : "b"});
  }
  const DeadLetterPage first = *queue.dead_letters({.limit = 2, .filter = {.key = "a"}});
  ASSERT_EQ(first.letters.size(), 2u);
  ASSERT_NE(first.next, 0u);
  const DeadLetterPage last =
      *queue.dead_letters({.from = first.next, .limit = 2, .filter = {.key = "a"}});
  EXPECT_EQ(last.letters.size(), 1u);
  EXPECT_EQ(last.next, 0u);
}

TEST_F(OperatingDeadLetters, what_fits_is_replayed_or_discarded_and_the_rest_stays) {
  Queue queue = open({.shards = 2});
  for (int i = 0; i < 6; ++i) {
    bury(queue, {.key = i % 2 == 0 ? "a" : "b"}, i < 2 ? 1 : 2);
  }
  EXPECT_EQ(*queue.discard_all({.key = "a", .error_class = 2}), 2u);
  EXPECT_EQ(*queue.replay_all({.filter = {.key = "b"}}), 3u);
  EXPECT_EQ(letters(queue).size(), 1u);
  EXPECT_EQ(quiet_stats(queue).ready + quiet_stats(queue).blocked, 3u);
}

TEST_F(OperatingDeadLetters, a_replay_with_a_rate_is_spread_over_time_in_the_order_of_the_key) {
  Queue queue = open({.shards = 1});
  for (int i = 0; i < 4; ++i) {
    bury(queue, {.key = "a", .payload = std::to_string(i)});
  }
  EXPECT_EQ(*queue.replay_all({.per_second = 2}), 4u);
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"0"});
  EXPECT_EQ(quiet_stats(queue).delayed, 3u);
  pass(499ms);
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{});
  pass(1ms);
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"1"});
  pass(1s);
  EXPECT_EQ(work_off(consumer), (std::vector<std::string>{"2", "3"}));
}

TEST_F(OperatingDeadLetters, letters_are_discarded_at_their_age_and_counted) {
  Queue queue = open({.dead_letters_age_max = 24h});
  const MessageId id = bury(queue, {.key = "a"});
  pass(24h - 1ms);
  EXPECT_EQ(state(queue, id), MessageState::dead);
  pass(1ms);
  EXPECT_EQ(state(queue, id), MessageState::discarded);
  EXPECT_EQ(quiet_stats(queue).discarded_for_age, 1u);
  EXPECT_EQ(quiet_stats(queue).discarded, 1u);
}

TEST_F(OperatingDeadLetters, a_held_key_waits_for_the_decision_of_an_operator) {
  Queue queue = open({.on_death = OnDeath::hold_key});
  const MessageId dead = bury(queue, {.key = "a", .payload = "1"});
  publish(queue, "a", "2");
  publish(queue, "b", "3");
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"3"});
  EXPECT_EQ(quiet_stats(queue).keys_stopped, 1u);
  EXPECT_EQ(code_of(queue.release_key("b")), Errc::not_found);
  ASSERT_TRUE(queue.release_key("a"));
  EXPECT_EQ(work_off(consumer), std::vector<std::string>{"2"});
  EXPECT_EQ(state(queue, dead), MessageState::dead);
}

TEST_F(OperatingDeadLetters, a_diverted_key_follows_its_dead_message_and_is_replayed_whole) {
  Queue queue = open({.on_death = OnDeath::divert_key});
  for (int i = 0; i < 3; ++i) {
    publish(queue, "a", std::to_string(i));
  }
  Consumer consumer = *queue.consumer();
  ASSERT_TRUE(receive_one(consumer).reject());
  EXPECT_TRUE(nothing_to_receive(consumer));
  EXPECT_EQ(found(queue, {.reason = DeadReason::diverted}).size(), 2u);
  EXPECT_EQ(*queue.replay_all(), 3u);
  EXPECT_EQ(work_off(consumer), (std::vector<std::string>{"0", "1", "2"}));
}

TEST_F(OperatingDeadLetters, stopping_a_key_needs_keys_in_order) {
  const QueueOptions unordered{.kind = QueueKind::unordered, .on_death = OnDeath::hold_key};
  EXPECT_EQ(code_of(engine_.queue("q", unordered)), Errc::invalid_argument);
  EXPECT_EQ(code_of(engine_.queue("q", {.dead_letters_age_max = -1ms})), Errc::invalid_argument);
}

}  // namespace
}  // namespace laneway::api_test

// Publishing: what arrives, what is refused and why, and that a refusal changes nothing.
#include "tests/api/manual_engine.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <tuple>

namespace laneway::api_test {
namespace {

class Publish : public ManualEngine {
 protected:
  static void expect_nothing_happened(Queue& queue) {
    const QueueStats stats = quiet_stats(queue);
    EXPECT_EQ(stats.published, 0u);
    EXPECT_EQ(stats.ready + stats.blocked + stats.delayed, 0u);
    EXPECT_EQ(stats.payload_pool_bytes, 0u);
  }
};

TEST_F(Publish, the_bytes_need_to_live_only_until_publish_returns) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  std::string key = "a key of more than 24 bytes, which is kept elsewhere";
  std::string payload(500, 'p');
  std::string type = "invoice.created";
  ASSERT_TRUE(queue.publish({.key = key, .payload = payload, .type = type}));
  std::fill(key.begin(), key.end(), '-');
  std::fill(payload.begin(), payload.end(), '-');
  std::fill(type.begin(), type.end(), '-');
  const Lease lease = receive_one(consumer);
  EXPECT_EQ(lease.key(), "a key of more than 24 bytes, which is kept elsewhere");
  EXPECT_EQ(lease.payload().text(), std::string(500, 'p'));
  EXPECT_EQ(lease.type(), "invoice.created");
}

TEST_F(Publish, the_time_of_publishing_is_the_wall_time_at_which_its_shard_took_it) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const auto before = std::chrono::system_clock::now();
  clock_->advance(24h);
  publish(queue, "a");
  const auto published = receive_one(consumer).message().published;
  EXPECT_GE(published, before + 24h - 1s);
  EXPECT_LE(published, std::chrono::system_clock::now() + 24h);
}

TEST_F(Publish, ids_are_unique_and_rise_within_a_shard) {
  Queue queue = open({.shards = 4});
  std::set<std::uint64_t> seen;
  std::array<std::uint64_t, 4> last{};
  for (int i = 0; i < 1'000; ++i) {
    const MessageId id = publish(queue, std::to_string(i));
    EXPECT_NE(id.value, 0u);
    EXPECT_TRUE(seen.insert(id.value).second);
    ASSERT_LT(id.shard(), 4u);
    EXPECT_GT(id.position(), std::exchange(last[id.shard()], id.position()));
  }
}

TEST_F(Publish, a_full_queue_refuses_and_takes_again_when_a_message_has_left) {
  Queue queue = open({.capacity = 2});
  Consumer consumer = *queue.consumer();
  publish(queue, "a");
  publish(queue, "b");
  EXPECT_EQ(code_of(queue.publish({.key = "c"})), Errc::queue_full);
  EXPECT_EQ(quiet_stats(queue).refused_full, 1u);
  Lease lease = receive_one(consumer);
  EXPECT_EQ(code_of(queue.publish({.key = "c"})), Errc::queue_full) << "leased ones count";
  ASSERT_TRUE(lease.ack());
  EXPECT_TRUE(queue.publish({.key = "c"})) << "publishing itself sees what has been settled";
  EXPECT_EQ(quiet_stats(queue).published, 3u);
}

TEST_F(Publish, a_capacity_that_is_no_power_of_two_is_exact) {
  Queue queue = open({.capacity = 3});
  for (int i = 0; i < 3; ++i) {
    publish(queue, "");
  }
  EXPECT_EQ(code_of(queue.publish(Message{})), Errc::queue_full);
}

TEST_F(Publish, a_pause_refuses_until_it_is_lifted) {
  Queue queue = open();
  queue.pause_publishing();
  const std::array<Message, 1> batch{};
  EXPECT_EQ(code_of(queue.publish({.key = "a"})), Errc::paused_for_publish);
  EXPECT_EQ(code_of(queue.publish(batch)), Errc::paused_for_publish);
  expect_nothing_happened(queue);
  queue.resume_publishing();
  EXPECT_TRUE(queue.publish({.key = "a"}));
}

TEST_F(Publish, a_used_up_payload_pool_refuses_and_recovers_when_bytes_come_back) {
  Queue queue = open({.payload_bytes_max = 1'000, .payload_pool_bytes = 8 * 1'024});
  Consumer consumer = *queue.consumer();
  const std::string payload(1'000, 'x');
  std::size_t taken = 0;
  Result<MessageId> id = queue.publish({.payload = payload});
  for (; id; id = queue.publish({.payload = payload})) {
    ++taken;
  }
  EXPECT_GE(taken, 2u);
  EXPECT_EQ(id.error().code, Errc::queue_full);
  EXPECT_STREQ(id.error().detail, "the payload pool is used up");
  EXPECT_TRUE(queue.publish({.payload = "small ones need no pool"}));
  EXPECT_EQ(work_off(consumer).size(), taken + 1);
  EXPECT_EQ(quiet_stats(queue).payload_pool_bytes, 0u);
  EXPECT_TRUE(queue.publish({.payload = payload}));
}

// --- mistakes of the caller -------------------------------------------------------------------

struct BadMessage {
  const char* name;
  Message message;
  Errc code;
};

const std::string kLongText(2'000, 'x');

class BadMessages : public Publish, public testing::WithParamInterface<BadMessage> {};

TEST_P(BadMessages, are_refused_alone_and_in_a_batch_and_nothing_happens) {
  Queue queue = open({.payload_bytes_max = 1'000});
  const Result<MessageId> id = queue.publish(GetParam().message);
  EXPECT_EQ(code_of(id), GetParam().code);
  EXPECT_NE(detail_of(id), "");
  const std::array<Message, 3> batch{Message{}, GetParam().message, Message{}};
  std::array<Published, 3> results;
  EXPECT_EQ(code_of(queue.publish(batch, results)), GetParam().code);
  expect_nothing_happened(queue);
}

INSTANTIATE_TEST_SUITE_P(
    Publish,
    BadMessages,
    testing::Values(
        BadMessage{"a_long_key", {.key = {kLongText.data(), 1'025}}, Errc::too_large},
        BadMessage{"a_long_type", {.type = {kLongText.data(), 256}}, Errc::too_large},
        BadMessage{"a_long_dedup_id", {.dedup_id = {kLongText.data(), 65}}, Errc::too_large},
        BadMessage{"a_long_payload", {.payload = {kLongText.data(), 1'001}}, Errc::too_large},
        BadMessage{"a_negative_delay", {.delay = -1ms}, Errc::invalid_argument},
        BadMessage{"an_endless_delay", {.delay = 100'000h}, Errc::invalid_argument},
        BadMessage{"a_negative_ttl", {.ttl = -1ms}, Errc::invalid_argument},
        BadMessage{"an_endless_ttl", {.ttl = 100'000h}, Errc::invalid_argument},
        BadMessage{"too_many_attempts", {.attempts_max = 60'001}, Errc::invalid_argument}),
    [](const auto& tested) { return std::string(tested.param.name); });

// --- round trips ------------------------------------------------------------------------------

using Sizes = std::tuple<std::size_t, std::size_t, std::size_t>;  // key, payload, type

class RoundTrip : public ManualEngine, public testing::WithParamInterface<Sizes> {
 protected:
  static std::string text(std::size_t size, char first) {
    std::string bytes(size, first);
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<char>(first + static_cast<char>(i % 23));
    }
    return bytes;
  }
  void expect_all(const MessageView& message) const {
    EXPECT_EQ(message.key, key_);
    EXPECT_EQ(message.payload.text(), payload_);
    EXPECT_EQ(message.type, type_);
    EXPECT_EQ(message.attempt, 1u);
  }

  const std::string key_ = text(std::get<0>(GetParam()), 'a');
  const std::string payload_ = text(std::get<1>(GetParam()), 'A');
  const std::string type_ = text(std::get<2>(GetParam()), '0');
};

TEST_P(RoundTrip, gives_back_key_payload_and_type_as_published_to_receive_and_to_take) {
  Queue queue = open();
  Consumer consumer = *queue.consumer();
  const Message message{.key = key_, .payload = payload_, .type = type_};
  const MessageId first = *queue.publish(message);
  Lease lease = receive_one(consumer);
  expect_all(lease.message());
  EXPECT_EQ(lease.key(), key_);
  EXPECT_EQ(lease.payload().text(), payload_);
  EXPECT_EQ(lease.type(), type_);
  EXPECT_EQ(lease.id(), first);
  ASSERT_TRUE(lease.ack());

  const MessageId second = *queue.publish(message);
  MessageBatch taken;
  ASSERT_EQ(*consumer.take(taken), 1u);
  expect_all(taken.message(0));
  EXPECT_EQ(taken.message(0).id, second);
  EXPECT_EQ(taken.message(0).fence, 0u);
  taken.clear();
  EXPECT_EQ(quiet_stats(queue).payload_pool_bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(OfSizes,
                         RoundTrip,
                         testing::Combine(testing::Values(0, 1, 24, 25, 1'024),
                                          testing::Values(0, 1, 8, 64, 65, 4'096, 65'536),
                                          testing::Values(0, 1, 255)));

// --- batches ----------------------------------------------------------------------------------

class PublishBatch : public Publish {
 protected:
  // `count` messages whose payload is their number, on so many keys in turn.
  void fill(std::size_t count, std::size_t keys) {
    texts_.clear();
    messages_.clear();
    texts_.reserve(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& key =
          texts_.emplace_back(numbered("k", static_cast<std::size_t>(i % keys)));
      const std::string& payload = texts_.emplace_back(std::to_string(i));
      messages_.push_back({.key = key, .payload = payload});
    }
    results_.assign(count, {MessageId{77}, Errc::system_error});
  }

  // Of each key the accepted ones are a prefix; answers how many there are in all.
  std::size_t expect_prefixes() const {
    std::set<std::string_view> refused_keys;
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      if (results_[i].accepted()) {
        EXPECT_NE(results_[i].id.value, 0u);
        EXPECT_EQ(refused_keys.count(messages_[i].key), 0u) << "after a refusal, message " << i;
        ++accepted;
      } else {
        EXPECT_EQ(results_[i].refused, Errc::queue_full);
        EXPECT_EQ(results_[i].id.value, 0u);
        refused_keys.insert(messages_[i].key);
      }
    }
    return accepted;
  }

  std::vector<std::string> texts_;
  std::vector<Message> messages_;
  std::vector<Published> results_;
};

TEST_F(PublishBatch, an_empty_batch_is_taken_and_does_nothing) {
  Queue queue = open();
  EXPECT_EQ(*queue.publish(std::span<const Message>()), 0u);
  expect_nothing_happened(queue);
}

TEST_F(PublishBatch, is_taken_in_order_with_an_id_for_each_also_beyond_one_chunk) {
  Queue queue = open({.capacity = 1'024, .shards = 4});
  Consumer consumer = *queue.consumer();
  fill(333, 7);
  ASSERT_EQ(*queue.publish(messages_, results_), 333u);
  EXPECT_EQ(expect_prefixes(), 333u);
  std::vector<std::vector<std::size_t>> seen(7);
  for (const std::string& payload : work_off(consumer)) {
    const std::size_t number = std::stoul(payload);
    seen[number % 7].push_back(number);
  }
  for (std::size_t key = 0; key < 7; ++key) {
    EXPECT_EQ(seen[key].size(), (333 - key + 6) / 7);
    EXPECT_TRUE(std::is_sorted(seen[key].begin(), seen[key].end()));
  }
  for (const Published& published : results_) {
    EXPECT_EQ(state(queue, published.id), MessageState::completed);
  }
}

TEST_F(PublishBatch, without_results_answers_the_count_alone) {
  Queue queue = open({.capacity = 100});
  fill(150, 3);
  EXPECT_EQ(*queue.publish(messages_), 100u);
  EXPECT_EQ(quiet_stats(queue).refused_full, 50u);
}

TEST_F(PublishBatch, takes_none_of_a_key_after_a_refusal_when_shards_fill_apart) {
  Queue queue = open({.capacity = 64, .shards = 4});
  fill(150, 11);
  const std::size_t taken = *queue.publish(messages_, results_);
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, 150u);
  EXPECT_EQ(expect_prefixes(), taken);
  const QueueStats stats = quiet_stats(queue);
  EXPECT_EQ(stats.published, taken);
  EXPECT_EQ(stats.refused_full, 150u - taken);
}

TEST_F(PublishBatch, takes_none_of_a_key_after_a_refusal_by_the_payload_pool) {
  Queue queue = open({.shards = 2, .payload_bytes_max = 1'000, .payload_pool_bytes = 8 * 1'024});
  fill(40, 5);
  const std::string large(1'000, 'L');
  for (std::size_t i = 0; i < messages_.size(); i += 3) {
    messages_[i].payload = large;
  }
  const std::size_t taken = *queue.publish(messages_, results_);
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, 40u);
  EXPECT_EQ(expect_prefixes(), taken);
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer).size(), taken);
  EXPECT_EQ(quiet_stats(queue).payload_pool_bytes, 0u) << "refused ones give their bytes back";
}

TEST_F(PublishBatch, messages_that_find_no_room_give_their_bytes_back) {
  Queue queue = open({.capacity = 2, .payload_bytes_max = 1'000});
  const std::string large(1'000, 'L');
  fill(4, 1);
  for (Message& message : messages_) {
    message.payload = large;
  }
  EXPECT_EQ(*queue.publish(messages_, results_), 2u);
  EXPECT_EQ(code_of(queue.publish({.payload = large})), Errc::queue_full);
  Consumer consumer = *queue.consumer();
  EXPECT_EQ(work_off(consumer).size(), 2u);
  EXPECT_EQ(quiet_stats(queue).payload_pool_bytes, 0u);
}

TEST_F(PublishBatch, too_few_results_are_a_mistake_and_none_is_taken) {
  Queue queue = open();
  fill(3, 1);
  EXPECT_EQ(code_of(queue.publish(messages_, std::span(results_).first(2))),
            Errc::invalid_argument);
  expect_nothing_happened(queue);
}

TEST_F(PublishBatch, more_results_than_messages_leave_the_rest_as_it_was) {
  Queue queue = open({.capacity = 2});
  fill(4, 1);
  const std::span<const Message> messages = messages_;
  EXPECT_EQ(*queue.publish(messages.first(3), results_), 2u);
  EXPECT_EQ(results_[2].refused, Errc::queue_full);
  EXPECT_EQ(results_[3].id.value, 77u);
}

}  // namespace
}  // namespace laneway::api_test

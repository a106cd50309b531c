// What the tests of the public API share: an engine whose time moves by hand, and words for what
// nearly every test does.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace laneway {

// How a failed expectation shows them.
inline void PrintTo(MessageState state, std::ostream* out) {
  *out << to_string(state);
}
inline void PrintTo(Errc code, std::ostream* out) {
  *out << to_string(code);
}
inline void PrintTo(MessageId id, std::ostream* out) {
  *out << "shard " << id.shard() << " position " << id.position();
}

namespace api_test {

using namespace std::chrono_literals;

inline constexpr Errc kOk{};

template <class T>
Errc code_of(const Result<T>& result) {
  return result ? kOk : result.error().code;
}

template <class T>
std::string detail_of(const Result<T>& result) {
  return result ? "" : result.error().detail;
}

inline std::string numbered(std::string text, std::size_t number) {
  text.append(std::to_string(number));
  return text;
}

class ManualEngine : public testing::Test {
 protected:
  Queue open(const QueueOptions& options = {}) { return *engine_.queue("mails", options); }

  // The engine sees what has happened so far, time passes, and the engine notices.
  void pass(std::chrono::milliseconds time) {
    ASSERT_TRUE(engine_.poll());
    clock_->advance(time);
    ASSERT_TRUE(engine_.poll());
  }

  static MessageId publish(Queue& queue, std::string_view key, std::string_view payload = "x") {
    return *queue.publish({.key = key, .payload = payload});
  }

  // The one message that can be had; without one the test is over.
  static Lease receive_one(Consumer& consumer, std::chrono::milliseconds lease = 0ms) {
    LeaseBatch batch = *consumer.receive({.max = 1, .lease = lease});
    if (batch.empty()) {
      throw std::runtime_error("there is no message to receive");
    }
    return std::move(batch[0]);
  }
  static bool nothing_to_receive(Consumer& consumer) { return consumer.receive()->empty(); }

  // What can be had now, acknowledged at once.
  static std::vector<std::string> work_off(Consumer& consumer) {
    std::vector<std::string> payloads;
    for (;;) {
      LeaseBatch batch = *consumer.receive({.max = 64});
      if (batch.empty()) {
        return payloads;
      }
      for (Lease& lease : batch) {
        for (std::size_t i = 0; i < lease.size(); ++i) {
          payloads.emplace_back(lease.message(i).payload.text());
        }
      }
      (void)batch.ack();
    }
  }

  static MessageState state(Queue& queue, MessageId id) { return queue.status(id)->state; }

  static std::vector<DeadLetter> letters(Queue& queue, const DeadLetterQuery& query = {}) {
    return (*queue.dead_letters(query)).letters;
  }

  // At a quiet point every accepted message is in exactly one state.
  static QueueStats quiet_stats(Queue& queue) {
    QueueStats stats = *queue.stats();
    EXPECT_TRUE(stats.conserved());
    return stats;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(1h);
  Engine engine_ = *Engine::open({.driver = DriverMode::manual, .clock = clock_});
};

}  // namespace api_test
}  // namespace laneway

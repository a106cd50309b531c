// What a stopped thread costs the others. A thread is stopped at each of the stall points, and
// everybody else goes on as far as the table "A thread that stops" in docs/delivery.md says.
#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include "engine/base/stall_point.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace laneway::engine {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

// A thread that does `work` and stops at the first `point` on its way until it is told to go on.
class StoppedThread {
 public:
  StoppedThread(StallPoint point, std::function<void()> work)
      : thread_([this, point, work = std::move(work)] {
          self_ = this;
          point_ = point;
          work();
        }) {
    stopped_.acquire();
  }
  ~StoppedThread() { go_on(); }
  void go_on() {
    if (thread_.joinable()) {
      go_.release();
      thread_.join();
    }
  }
  static void at(StallPoint point) {
    if (self_ != nullptr && point == point_) {
      StoppedThread* const self = std::exchange(self_, nullptr);
      self->stopped_.release();
      self->go_.acquire();
    }
  }

 private:
  static inline thread_local StoppedThread* self_ = nullptr;
  static inline thread_local StallPoint point_{};
  std::binary_semaphore stopped_{0};
  std::binary_semaphore go_{0};
  std::thread thread_;
};

class Stall : public testing::Test {
 protected:
  Stall() { stall_hook = StoppedThread::at; }
  ~Stall() override { stall_hook = nullptr; }

  // A key of that shard which no other call has answered.
  std::string key_of(std::uint32_t shard) {
    for (;;) {
      const std::string key = "key " + std::to_string(tried_++);
      const MessageId id = *queue_.publish({.key = key});
      while (!receive_all(true).empty()) {
      }
      if (id.shard() == shard) {
        return key;
      }
    }
  }

  bool publish(const std::string& key, const std::string& payload) {
    return queue_.publish({.key = key, .payload = payload}).has_value();
  }

  // What one receive gets, sorted; acknowledged, or kept in held_.
  Texts receive_all(bool ack) {
    Texts texts;
    LeaseBatch batch = *consumer_.receive({.max = 64});
    for (Lease& lease : batch) {
      texts.emplace_back(lease.payload().text());
      if (ack) {
        EXPECT_TRUE(lease.ack());
      } else {
        held_.push_back(std::move(lease));
      }
    }
    std::ranges::sort(texts);
    return texts;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(1h);
  Engine engine_ = *Engine::open({.driver = DriverMode::manual, .clock = clock_});
  Queue queue_ = *engine_.queue("jobs", {.capacity = 64, .shards = 2, .lease = 1s});
  Consumer consumer_ = *queue_.consumer();
  std::vector<Lease> held_;
  int tried_ = 0;
  const std::string here_ = key_of(0);  // where the thread stops
  const std::string there_ = key_of(1);
};

TEST_F(Stall, a_publisher_that_has_claimed_holds_back_what_was_published_after_it_in_its_shard) {
  ASSERT_TRUE(publish(here_, "before"));
  StoppedThread publisher(StallPoint::publish_claimed, [&] { publish(here_, "stopped"); });
  EXPECT_TRUE(publish(here_, "after"));
  EXPECT_TRUE(publish(there_, "elsewhere"));
  EXPECT_EQ(receive_all(true), (Texts{"before", "elsewhere"}));
  EXPECT_EQ(receive_all(true), Texts{});
  publisher.go_on();
  EXPECT_EQ(receive_all(true), Texts{"stopped"});
  EXPECT_EQ(receive_all(true), Texts{"after"});
}

TEST_F(Stall, a_publisher_that_has_claimed_stops_neither_settles_nor_timers) {
  ASSERT_TRUE(publish(here_, "leased"));
  ASSERT_EQ(receive_all(false), Texts{"leased"});
  StoppedThread publisher(StallPoint::publish_claimed, [&] { publish(here_, "stopped"); });
  clock_->advance(1h);
  EXPECT_EQ(receive_all(true), Texts{}) << "a retry after the back-off";
  EXPECT_EQ(held_[0].ack().error().code, Errc::lease_lost);
  clock_->advance(1h);
  EXPECT_EQ(receive_all(true), Texts{"leased"});
}

TEST_F(Stall, publishing_goes_on_behind_a_stopped_publisher_until_the_shard_is_full) {
  StoppedThread publisher(StallPoint::publish_claimed, [&] { publish(here_, "stopped"); });
  int accepted = 0;
  while (publish(here_, "after")) {
    ++accepted;
  }
  EXPECT_EQ(accepted, 32 - 1) << "its part of the capacity";
  EXPECT_TRUE(publish(there_, "elsewhere"));
}

TEST_F(Stall, a_holder_is_passed_by_and_keeps_only_its_shard_from_being_served) {
  ASSERT_TRUE(publish(here_, "leased"));
  ASSERT_EQ(receive_all(false), Texts{"leased"});
  ASSERT_TRUE(publish(here_, "waits"));
  Consumer another = *queue_.consumer();
  StoppedThread holder(StallPoint::hold_taken, [&] {
    for (Lease& lease : *another.receive()) {
      EXPECT_TRUE(lease.release());
    }
  });
  ASSERT_TRUE(publish(there_, "elsewhere"));
  EXPECT_TRUE(publish(here_, "more")) << "publishing does not need the holder";
  EXPECT_TRUE(held_[0].ack()) << "nor does settling";
  LeaseBatch batch = *consumer_.receive({.max = 64});
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].payload().text(), "elsewhere");
  EXPECT_EQ(batch.shards_skipped(), 1u);
  holder.go_on();
  EXPECT_EQ(receive_all(true), Texts{"waits"});
  EXPECT_EQ(receive_all(true), Texts{"more"});
}

TEST_F(Stall, a_holder_holds_up_the_timers_of_its_shard_and_of_no_other) {
  ASSERT_TRUE(publish(here_, "here"));
  ASSERT_EQ(receive_all(false), Texts{"here"});
  ASSERT_TRUE(publish(there_, "there"));
  ASSERT_EQ(receive_all(false), Texts{"there"});
  ASSERT_TRUE(publish(here_, "behind it"));
  Consumer another = *queue_.consumer();
  StoppedThread holder(StallPoint::hold_taken, [&] { (void)another.receive(); });
  clock_->advance(1h);
  EXPECT_EQ(receive_all(true), Texts{}) << "a retry after the back-off";
  EXPECT_EQ(held_[1].ack().error().code, Errc::lease_lost) << "whoever visits fires the timers";
  EXPECT_TRUE(held_[0].ack()) << "nobody has ended it";
}

TEST_F(Stall, a_refusal_that_a_holder_alone_is_to_blame_for_is_counted_apart) {
  ASSERT_TRUE(publish(here_, "leased"));
  ASSERT_EQ(receive_all(false), Texts{"leased"});
  while (publish(here_, "waits")) {
  }
  Consumer another = *queue_.consumer();
  StoppedThread holder(StallPoint::hold_taken, [&] { (void)another.receive(); });
  EXPECT_TRUE(held_[0].ack());
  EXPECT_FALSE(publish(here_, "has room, when somebody runs the shard"));
  holder.go_on();
  EXPECT_TRUE(publish(here_, "has room"));
  EXPECT_EQ(queue_.stats()->ring_busy, 1u) << "the first refusals were rightly so";
}

TEST_F(Stall, a_settler_that_has_decided_holds_its_own_key_only) {
  const std::string other = key_of(0);
  ASSERT_TRUE(publish(here_, "stopped"));
  ASSERT_TRUE(publish(other, "of another key"));
  ASSERT_EQ(receive_all(false), (Texts{"of another key", "stopped"}));
  StoppedThread settler(StallPoint::settle_decided, [&] { EXPECT_TRUE(held_[0].ack()); });
  EXPECT_TRUE(held_[1].ack());
  ASSERT_TRUE(publish(here_, "behind it"));
  ASSERT_TRUE(publish(other, "next of another key"));
  EXPECT_EQ(receive_all(true), Texts{"next of another key"});
  clock_->advance(1h);
  EXPECT_EQ(receive_all(true), Texts{}) << "its lease cannot expire any more";
  settler.go_on();
  EXPECT_EQ(receive_all(true), Texts{"behind it"});
}

TEST_F(Stall, a_settler_that_has_claimed_holds_back_later_settles_of_its_shard) {
  const std::string other = key_of(0);
  const std::string fresh = key_of(0);
  ASSERT_TRUE(publish(here_, "stopped"));
  ASSERT_TRUE(publish(other, "of another key"));
  ASSERT_EQ(receive_all(false), (Texts{"of another key", "stopped"}));
  StoppedThread settler(StallPoint::settle_claimed, [&] { EXPECT_TRUE(held_[0].ack()); });
  EXPECT_TRUE(held_[1].ack()) << "for its holder it is over";
  ASSERT_TRUE(publish(other, "next of another key"));
  ASSERT_TRUE(publish(fresh, "of a key without leases"));
  EXPECT_EQ(receive_all(true), Texts{"of a key without leases"});
  ASSERT_TRUE(publish(there_, "elsewhere"));
  EXPECT_EQ(receive_all(true), Texts{"elsewhere"});
  settler.go_on();
  EXPECT_EQ(receive_all(true), Texts{"next of another key"});
}

}  // namespace
}  // namespace laneway::engine

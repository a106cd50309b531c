// What a shard core does for the limits of a queue: priorities, the oldest message that makes room,
// content in bytes, the length of a lane, the dedup window.
#include "engine/core/dedup_window.hpp"
#include "engine/core/priority_heap.hpp"
#include "tests/unit/core/core_fixture.hpp"

#include <array>
#include <limits>

namespace laneway::engine {
namespace {

class ShardCoreLimits : public CoreFixture {
 protected:
  ShardCoreLimits() { options_.capacity = 8; }

  std::uint64_t publish_ranked(std::string_view key,
                               std::string_view payload,
                               std::int32_t priority) {
    core().set_next_priority(priority);
    return publish(key, payload);
  }
};

class Priorities : public ShardCoreLimits {
 protected:
  Priorities() { options_.priorities = true; }
};

class DropOldest : public ShardCoreLimits {
 protected:
  DropOldest() { options_.drops_oldest = true; }
  std::uint64_t drop() { return core().drop_oldest(now_ns_); }
};

TEST_F(Priorities, higher_ones_are_granted_first_and_equals_in_their_order) {
  publish_ranked("", "low", -5);
  publish_ranked("", "plain-1", 0);
  publish_ranked("", "urgent", std::numeric_limits<std::int32_t>::max());
  publish_ranked("", "plain-2", 0);
  publish_ranked("", "lowest", std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(grant_all(), (Names{"urgent", "plain-1", "plain-2", "low", "lowest"}));
}

TEST_F(Priorities, a_key_ranks_by_its_first_waiting_message) {
  publish_ranked("a", "a1", 1);
  publish_ranked("a", "a2", 100);
  publish_ranked("b", "b1", 50);
  EXPECT_EQ(grant_all(), (Names{"b1", "a1"}));
  publish_ranked("c", "c1", 99);
  ack_all();
  EXPECT_EQ(grant_all(), (Names{"a2", "c1"}));
}

TEST_F(Priorities, a_retried_message_keeps_its_priority_and_a_released_one_its_place) {
  publish_ranked("", "first", 7);
  publish_ranked("", "second", 7);
  const Grant first = granted();
  settle(first, LeaseEnd::released);
  EXPECT_EQ(name(granted()), "first");
  nack(granted());
  publish_ranked("", "low", 6);
  pass(kBackoffMs);
  EXPECT_EQ(grant_all(), (Names{"second", "low"}));
}

TEST_F(Priorities, a_message_whose_deadline_passes_while_it_is_ready_leaves_the_order_whole) {
  core().set_next_priority(9);
  publish({.payload = "late", .ttl_ms = 5});
  publish_ranked("", "on-time", 1);
  pass(5);
  EXPECT_EQ(grant_all(), Names{"on-time"});
  EXPECT_EQ(stats().expired, 1u);
}

TEST(priority_heap, holds_its_order_under_random_pushes_and_removals) {
  constexpr std::uint32_t kSlots = 64;
  std::array<PriorityHeap::Rank, kSlots> ranks{};
  std::array<std::uint32_t, kSlots> places{};
  PriorityHeap heap(ranks, places);
  std::vector<std::uint32_t> in;
  std::uint64_t seed = 42;
  const auto random = [&seed](std::uint64_t below) {
    seed = mix64(seed + 1);
    return static_cast<std::uint32_t>(seed % below);
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t slot = random(kSlots);
    const auto found = std::find(in.begin(), in.end(), slot);
    if (found == in.end()) {
      heap.set_priority(slot, static_cast<std::int32_t>(random(5)) - 2);
      heap.push(slot, random(4) == 0);
      in.push_back(slot);
    } else {
      heap.remove(slot);
      in.erase(found);
    }
    if (!in.empty()) {
      const auto first =
          std::min_element(in.begin(), in.end(), [&](std::uint32_t a, std::uint32_t b) {
            return std::pair(-ranks[a].priority, ranks[a].order) <
                   std::pair(-ranks[b].priority, ranks[b].order);
          });
      ASSERT_EQ(heap.front(), *first) << "step " << step;
    }
  }
}

TEST_F(DropOldest, removes_what_came_first_whether_ready_blocked_or_delayed) {
  const std::uint64_t delayed = publish({.key = "d", .delay_ms = 1'000});
  const std::uint64_t ready = publish("a", "1");
  const std::uint64_t blocked = publish("a", "2");
  EXPECT_EQ(drop(), delayed);
  EXPECT_EQ(drop(), ready);
  EXPECT_EQ(drop(), blocked);
  EXPECT_EQ(drop(), 0u);
  EXPECT_EQ(state(delayed), MessageState::dropped);
  EXPECT_EQ(stats().dropped, 3u);
  EXPECT_EQ(room(), 8u);
}

TEST_F(DropOldest, leaves_leased_ones_alone) {
  publish("a", "1");
  publish("b", "2");
  const std::uint64_t third = publish("c", "3");
  (void)granted();
  (void)granted();
  EXPECT_EQ(drop(), third);
  EXPECT_EQ(drop(), 0u);
}

TEST_F(DropOldest, a_failed_message_is_as_old_as_its_publish_and_a_replayed_one_as_its_replay) {
  const std::uint64_t first = publish("a", "1");
  const std::uint64_t second = publish("b", "2");
  nack(granted());
  EXPECT_EQ(drop(), first);
  kill(second);
  EXPECT_EQ(drop(), 0u);
  const std::uint64_t third = publish("c", "3");
  core().replay(core().find(second), 0, now_ns_);
  EXPECT_EQ(drop(), third);
  EXPECT_EQ(drop(), second);
}

TEST_F(DropOldest, completed_cancelled_and_discarded_ones_are_no_longer_counted_as_old) {
  publish("a", "1");
  const std::uint64_t cancelled = publish("b", "2");
  const std::uint64_t dead = publish("c", "3");
  ack(granted());
  EXPECT_TRUE(core().cancel(core().find(cancelled), now_ns_));
  kill(dead);
  core().discard(core().find(dead), now_ns_);
  const std::uint64_t last = publish("d", "4");
  EXPECT_EQ(drop(), last);
}

TEST_F(ShardCoreLimits, the_length_of_a_lane_counts_what_waits_and_what_is_leased) {
  const auto length = [&](std::string_view key) { return core().lane_length(key, key_hash(key)); };
  publish("a", "1");
  publish("a", "2");
  publish({.key = "a", .delay_ms = 5});
  publish("b", "3");
  EXPECT_EQ(length("a"), 2u);
  ack(granted());
  EXPECT_EQ(length("a"), 1u);
  EXPECT_EQ(length("b"), 1u);
  EXPECT_EQ(length("c"), 0u);
  pass(5);
  EXPECT_EQ(length("a"), 2u);
}

TEST_F(ShardCoreLimits, bytes_are_freed_when_the_message_is_gone_and_nobody_reads_it) {
  options_.counts_bytes = true;
  publish("key", "payload");
  publish({.key = "b", .block = block_of(std::string(100, 'x'), "", "type")});
  const Grant zombie = granted();
  ack(granted());
  EXPECT_EQ(core().take_freed_bytes(), 1 + 100 + 4u);
  EXPECT_EQ(core().take_freed_bytes(), 0u);
  pass(kLeaseMs);
  EXPECT_TRUE(core().cancel(core().find(1), now_ns_));
  EXPECT_EQ(core().take_freed_bytes(), 0u);
  core().unpin(zombie.slot);
  EXPECT_EQ(core().take_freed_bytes(), 10u);
}

TEST_F(ShardCoreLimits, bytes_of_a_taken_message_leave_with_it_or_with_its_block) {
  options_.counts_bytes = true;
  publish("key", "payload");
  publish({.key = "b", .block = block_of(std::string(100, 'x'), "", "")});
  core().finish_taken(core().take(now_ns_), true);
  EXPECT_EQ(core().take_freed_bytes(), 10u);
  core().finish_taken(core().take(now_ns_), true);
  EXPECT_EQ(core().take_freed_bytes(), 101u);
}

class Window : public testing::Test {
 protected:
  static constexpr std::int64_t kWindow = 1'000;

  std::uint64_t find(std::string_view id, std::int64_t now_ns) {
    return window_.find(id, hash_, now_ns);
  }
  bool add(std::string_view id, std::uint64_t position, std::int64_t now_ns) {
    return window_.add(id, hash_, position, now_ns);
  }

  std::array<DedupWindow::Entry, 3> entries_{};
  std::array<ProbeTable::Entry, 8> table_{};
  DedupWindow window_{entries_, table_, kWindow};
  std::uint32_t hash_ = 7;  // of all: they are told apart by their bytes
};

TEST_F(Window, an_id_is_found_until_its_time_is_over) {
  EXPECT_EQ(find("a", 0), 0u);
  EXPECT_FALSE(add("a", 11, 0));
  EXPECT_EQ(find("a", kWindow - 1), 11u);
  EXPECT_EQ(find("a", kWindow), 0u);
}

TEST_F(Window, ids_with_one_hash_are_told_apart) {
  add("a", 11, 0);
  add("ab", 12, 0);
  EXPECT_EQ(find("a", 1), 11u);
  EXPECT_EQ(find("ab", 1), 12u);
  EXPECT_EQ(find("abc", 1), 0u);
}

TEST_F(Window, when_it_is_full_the_oldest_goes_early_and_says_so) {
  add("a", 11, 0);
  add("b", 12, 0);
  add("c", 13, 0);
  EXPECT_TRUE(add("d", 14, 1));
  EXPECT_EQ(find("a", 1), 0u);
  EXPECT_EQ(find("b", 1), 12u);
  EXPECT_EQ(find("d", 1), 14u);
}

TEST_F(Window, old_ids_make_room_without_going_early) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::string id = std::to_string(i);
    const auto now = static_cast<std::int64_t>(i) * kWindow / 2;
    EXPECT_FALSE(add(id, 100 + i, now));
    EXPECT_EQ(find(id, now), 100 + i);
  }
}

TEST_F(Window, an_id_may_come_again_after_its_time) {
  add("a", 11, 0);
  EXPECT_EQ(find("a", kWindow), 0u);
  add("a", 12, kWindow);
  EXPECT_EQ(find("a", kWindow + 1), 12u);
}

}  // namespace
}  // namespace laneway::engine

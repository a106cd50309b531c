// PositionIndex: every live message is found by its position, however old it is.
#include "engine/core/position_index.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <random>

namespace laneway::engine {
namespace {

class PositionIndexTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kSlots = 4;

  void insert(std::uint32_t slot, std::uint64_t position) {
    slots_[slot].position = position;
    index_.insert(slot, position);
  }

  void resolve(std::uint32_t slot) {
    index_.resolve(slot, slots_[slot].position, MessageState::completed);
  }

  std::array<Slot, kSlots> slots_{};
  std::array<std::uint32_t, 2 * kSlots> ring_{};
  std::array<ProbeTable::Entry, 2 * kSlots> overflow_{};
  PositionIndex index_{ring_, overflow_, slots_};
};

TEST_F(PositionIndexTest, a_position_is_found_until_its_message_is_over) {
  EXPECT_EQ(index_.find(5), 0u);
  insert(2, 5);
  EXPECT_EQ(index_.find(5), 3u);
  EXPECT_EQ(index_.find(13), 0u);  // the same place in the ring
  resolve(2);
  EXPECT_EQ(index_.find(5), 0u);
}

TEST_F(PositionIndexTest, a_message_older_than_a_turn_of_the_ring_is_still_found) {
  insert(0, 5);
  insert(1, 13);
  insert(2, 21);
  EXPECT_EQ(index_.find(5), 1u);
  EXPECT_EQ(index_.find(13), 2u);
  EXPECT_EQ(index_.find(21), 3u);
  resolve(1);
  EXPECT_EQ(index_.find(5), 1u);
  EXPECT_EQ(index_.find(13), 0u);
  EXPECT_EQ(index_.find(21), 3u);
  resolve(2);
  EXPECT_EQ(index_.find(5), 1u);
  resolve(0);
  EXPECT_EQ(index_.find(5), 0u);
}

TEST_F(PositionIndexTest, tells_the_outcome_until_a_newer_message_needs_the_place) {
  insert(0, 5);
  index_.resolve(0, 5, MessageState::expired);
  EXPECT_EQ(index_.find(5), 0u);
  EXPECT_EQ(index_.outcome(5), MessageState::expired);
  insert(1, 13);
  EXPECT_EQ(index_.find(13), 2u);
  index_.resolve(1, 13, MessageState::completed);
  EXPECT_EQ(index_.outcome(13), MessageState::completed);
}

TEST_F(PositionIndexTest, positions_that_differ_in_their_high_half_are_told_apart) {
  insert(0, 7);
  insert(1, 7 + (std::uint64_t{1} << 32));
  EXPECT_EQ(index_.find(7), 1u);
  EXPECT_EQ(index_.find(7 + (std::uint64_t{1} << 32)), 2u);
  EXPECT_EQ(index_.find(7 + (std::uint64_t{1} << 33)), 0u);
}

TEST_F(PositionIndexTest, a_long_random_life_agrees_with_a_map) {
  std::mt19937 random(1);
  std::map<std::uint32_t, std::uint64_t> expected;  // slot -> position
  std::uint64_t next = 0xffff'fff0;
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(random()) % kSlots;
    if (expected.count(slot) == 0) {
      next += random() % 8;  // not all positions belong to messages that are still alive
      insert(slot, ++next);
      expected[slot] = next;
    } else if (slot != 0 || random() % 16 == 0) {  // slot 0 holds long lives
      resolve(slot);
      expected.erase(slot);
    }
    for (const auto& [live, position] : expected) {
      ASSERT_EQ(index_.find(position), live + 1) << "step " << step;
    }
    ASSERT_EQ(index_.find(next + 1), 0u);
  }
}

}  // namespace
}  // namespace laneway::engine

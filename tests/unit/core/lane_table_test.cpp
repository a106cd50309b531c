// LaneTable: one chain of slots per active key.
#include "engine/core/lane_table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::engine {
namespace {

class LaneTableTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kSlots = 8;

  bool append(std::uint32_t slot, std::string_view key, std::uint32_t hash = 1) {
    std::memcpy(slots_[slot].key, key.data(), key.size());
    slots_[slot].key_bytes = static_cast<std::uint8_t>(key.size());
    slots_[slot].key_hash = hash;
    return lanes_.append(slot);
  }

  std::array<Slot, kSlots> slots_{};
  std::vector<ProbeTable::Entry> entries_{KeyTable::entries(kSlots)};
  LaneTable lanes_{entries_, slots_};
};

TEST_F(LaneTableTest, the_first_of_a_key_is_alone_and_the_next_is_not) {
  EXPECT_TRUE(append(0, "a"));
  EXPECT_FALSE(append(1, "a"));
  EXPECT_TRUE(append(2, "b"));
  EXPECT_EQ(lanes_.active(), 2u);
  EXPECT_TRUE(lanes_.is_head(0));
  EXPECT_FALSE(lanes_.is_head(1));
}

TEST_F(LaneTableTest, when_the_head_leaves_the_next_is_the_head) {
  append(0, "a");
  append(1, "a");
  append(2, "a");
  EXPECT_EQ(lanes_.remove(0), 1u + 1);
  EXPECT_EQ(lanes_.remove(1), 2u + 1);
  EXPECT_EQ(lanes_.remove(2), 0u);
  EXPECT_EQ(lanes_.active(), 0u);
}

TEST_F(LaneTableTest, when_another_leaves_the_head_stays) {
  append(0, "a");
  append(1, "a");
  append(2, "a");
  EXPECT_EQ(lanes_.remove(1), 0u);
  EXPECT_EQ(lanes_.remove(2), 0u);
  append(3, "a");
  EXPECT_EQ(lanes_.remove(0), 3u + 1);
}

TEST_F(LaneTableTest, a_slot_knows_whether_it_is_in_a_lane) {
  append(0, "a");
  EXPECT_NE(slots_[0].lane_prev, 0u);
  lanes_.remove(0);
  EXPECT_EQ(slots_[0].lane_prev, 0u);
}

TEST_F(LaneTableTest, a_key_that_begins_another_key_is_another_key) {
  append(0, "order");
  EXPECT_TRUE(append(1, "order-1"));
  EXPECT_TRUE(append(2, std::string("order\0", 6)));
  EXPECT_EQ(lanes_.active(), 3u);
}

TEST_F(LaneTableTest, a_key_is_found_by_its_newest_head_when_older_ones_have_left) {
  append(0, "a");
  append(1, "a");
  lanes_.remove(0);
  append(0, "b");  // the old head's slot has another message now
  EXPECT_FALSE(append(2, "a"));
  EXPECT_FALSE(append(3, "b"));
}

TEST_F(LaneTableTest, as_many_keys_as_slots_can_be_active_and_come_back_in_the_same_memory) {
  for (int round = 0; round < 10; ++round) {
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      EXPECT_TRUE(append(slot, std::string(1, static_cast<char>('a' + slot))));
    }
    EXPECT_EQ(lanes_.active(), kSlots);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      EXPECT_EQ(lanes_.remove((slot * 3) % kSlots), 0u);
    }
    EXPECT_EQ(lanes_.active(), 0u);
  }
}

}  // namespace
}  // namespace laneway::engine

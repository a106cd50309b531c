// SlotList: a queue of slots from which any member can leave.
#include "engine/core/slot_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <random>
#include <vector>

namespace laneway::engine {
namespace {

using Members = std::vector<std::uint32_t>;

class SlotListTest : public ::testing::Test {
 protected:
  Members members() const {
    Members all;
    std::uint32_t link = list_.empty() ? 0 : list_.front() + 1;
    for (; link != 0; link = list_.link_after(link - 1)) {
      all.push_back(link - 1);
    }
    EXPECT_EQ(all.size(), list_.size());
    return all;
  }

  std::array<Slot, 8> slots_{};
  SlotList list_{slots_};
};

TEST_F(SlotListTest, members_stand_in_the_order_in_which_they_came) {
  EXPECT_TRUE(list_.empty());
  list_.push_back(3);
  list_.push_back(0);
  list_.push_front(7);
  EXPECT_EQ(members(), (Members{7, 3, 0}));
  EXPECT_EQ(list_.front(), 7u);
}

TEST_F(SlotListTest, the_first_of_an_empty_list_may_come_from_either_side) {
  list_.push_front(1);
  list_.push_back(2);
  EXPECT_EQ(members(), (Members{1, 2}));
}

TEST_F(SlotListTest, first_last_middle_and_only_members_can_leave) {
  for (const std::uint32_t slot : {1u, 2u, 3u, 4u}) {
    list_.push_back(slot);
  }
  list_.remove(2);
  EXPECT_EQ(members(), (Members{1, 3, 4}));
  list_.remove(4);
  EXPECT_EQ(members(), (Members{1, 3}));
  list_.remove(1);
  EXPECT_EQ(members(), (Members{3}));
  list_.remove(3);
  EXPECT_TRUE(list_.empty());
  list_.push_back(4);
  EXPECT_EQ(members(), (Members{4}));
}

TEST_F(SlotListTest, popping_the_front_leaves_the_rest_in_order) {
  list_.push_back(1);
  list_.push_back(2);
  list_.pop_front();
  EXPECT_EQ(members(), (Members{2}));
  list_.pop_front();
  EXPECT_TRUE(list_.empty());
  list_.push_front(3);
  EXPECT_EQ(members(), (Members{3}));
}

TEST_F(SlotListTest, a_long_random_life_agrees_with_a_list) {
  std::mt19937 random(1);
  std::list<std::uint32_t> expected;
  for (int step = 0; step < 5000; ++step) {
    const auto slot = static_cast<std::uint32_t>(random() % slots_.size());
    const auto found = std::find(expected.begin(), expected.end(), slot);
    if (found != expected.end()) {
      list_.remove(slot);
      expected.erase(found);
    } else if (random() % 2 == 0) {
      list_.push_back(slot);
      expected.push_back(slot);
    } else {
      list_.push_front(slot);
      expected.push_front(slot);
    }
    ASSERT_EQ(members(), Members(expected.begin(), expected.end()));
  }
}

}  // namespace
}  // namespace laneway::engine

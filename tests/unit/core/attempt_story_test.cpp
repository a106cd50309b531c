// AttemptStory: the newest attempts of a message, in a pool that all messages share.
#include "engine/core/attempt_story.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace laneway::engine {
namespace {

using Numbers = std::vector<std::uint32_t>;

class AttemptStoryTest : public ::testing::Test {
 protected:
  void add(Slot* slot, std::uint16_t number) {
    slot->attempts = number;
    story_.add(*slot, AttemptEnd::nacked, nullptr, 1000);
  }
  Numbers told(const Slot& slot) const {
    Numbers numbers;
    story_.each(slot,
                [&](const AttemptStory::Record& record) { numbers.push_back(record.number); });
    EXPECT_EQ(numbers.size(), slot.story_length);
    return numbers;
  }

  std::array<AttemptStory::Record, 40> records_{};
  AttemptStory story_{records_};
  Slot first_{};
  Slot second_{};
};

TEST_F(AttemptStoryTest, a_message_that_never_failed_has_no_story) {
  EXPECT_EQ(told(first_), Numbers{});
}

TEST_F(AttemptStoryTest, attempts_are_told_newest_first) {
  add(&first_, 1);
  add(&first_, 2);
  add(&second_, 1);
  EXPECT_EQ(told(first_), (Numbers{2, 1}));
  EXPECT_EQ(told(second_), (Numbers{1}));
  EXPECT_EQ(story_.newest(first_).number, 2u);
}

TEST_F(AttemptStoryTest, a_note_of_full_length_is_kept_whole) {
  FailureNote note = {};
  note.error_class = 9;
  note.text_bytes = kErrorTextBytesMax;
  std::memset(note.text, 'e', sizeof note.text);
  first_.attempts = 1;
  first_.consumer = 3;
  first_.since_ns = 500;
  story_.add(first_, AttemptEnd::rejected, &note, 700);
  const AttemptStory::Record& record = story_.newest(first_);
  EXPECT_EQ(std::string_view(record.text, record.text_bytes), note.text_view());
  EXPECT_EQ(record.error_class, 9u);
  EXPECT_EQ(record.consumer, 3u);
  EXPECT_EQ(record.granted_ns, 500);
  EXPECT_EQ(record.ended_ns, 700);
  EXPECT_EQ(record.end, AttemptEnd::rejected);
}

TEST_F(AttemptStoryTest, a_record_used_before_tells_nothing_of_its_former_owner) {
  const FailureNote note = [] {
    FailureNote made = {};
    made.error_class = 9;
    made.text_bytes = 5;
    std::memcpy(made.text, "error", 5);
    return made;
  }();
  story_.add(first_, AttemptEnd::nacked, &note, 1);
  story_.forget(first_);
  add(&second_, 1);
  EXPECT_EQ(story_.newest(second_).error_class, 0u);
  EXPECT_EQ(story_.newest(second_).text_bytes, 0u);
}

TEST_F(AttemptStoryTest, after_thirty_two_attempts_the_oldest_makes_room) {
  for (std::uint16_t number = 1; number <= 35; ++number) {
    add(&first_, number);
  }
  const Numbers numbers = told(first_);
  ASSERT_EQ(numbers.size(), 32u);
  EXPECT_EQ(numbers.front(), 35u);
  EXPECT_EQ(numbers.back(), 4u);
  for (std::uint16_t number = 1; number <= 8; ++number) {
    add(&second_, number);  // the others were not used for it
  }
  EXPECT_EQ(told(second_).size(), 8u);
}

TEST_F(AttemptStoryTest, when_the_pool_is_used_up_a_message_gives_up_its_own_oldest) {
  for (std::uint16_t number = 1; number <= 32; ++number) {
    add(&first_, number);
  }
  for (std::uint16_t number = 1; number <= 10; ++number) {
    add(&second_, number);
  }
  EXPECT_EQ(told(second_), (Numbers{10, 9, 8, 7, 6, 5, 4, 3}));
  EXPECT_EQ(told(first_).size(), 32u);
}

TEST_F(AttemptStoryTest, a_message_with_one_record_and_no_pool_keeps_its_newest_attempt) {
  AttemptStory tiny(std::span<AttemptStory::Record>(records_.data(), 1));
  first_.attempts = 1;
  tiny.add(first_, AttemptEnd::nacked, nullptr, 1);
  first_.attempts = 2;
  tiny.add(first_, AttemptEnd::expired, nullptr, 2);
  EXPECT_EQ(tiny.newest(first_).number, 2u);
  EXPECT_EQ(first_.story_length, 1u);
}

TEST_F(AttemptStoryTest, a_message_without_a_record_goes_without_when_the_pool_is_used_up) {
  AttemptStory tiny(std::span<AttemptStory::Record>(records_.data(), 1));
  tiny.add(first_, AttemptEnd::nacked, nullptr, 1);
  tiny.add(second_, AttemptEnd::nacked, nullptr, 1);
  EXPECT_EQ(second_.story, 0u);
  EXPECT_EQ(second_.story_length, 0u);
}

TEST_F(AttemptStoryTest, a_forgotten_story_gives_all_its_records_back) {
  for (int round = 0; round < 100; ++round) {
    for (std::uint16_t number = 1; number <= 30; ++number) {
      add(&first_, number);
    }
    EXPECT_EQ(told(first_).size(), 30u);
    story_.forget(first_);
    EXPECT_EQ(told(first_), Numbers{});
  }
}

TEST_F(AttemptStoryTest, forgetting_an_empty_story_does_nothing) {
  story_.forget(first_);
  EXPECT_EQ(told(first_), Numbers{});
}

}  // namespace
}  // namespace laneway::engine

// KeyTable: a table that grows in steps behaves as one that was large from the start.
#include "engine/core/key_table.hpp"

#include "engine/base/hash.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace laneway::engine {
namespace {

using Entry = ProbeTable::Entry;

std::uint32_t hashed(std::uint32_t number) {
  return static_cast<std::uint32_t>(mix64(number));
}

// A table for `values` values and what it should hold.
class KeyTableTest : public ::testing::Test {
 protected:
  void open(std::uint64_t values) {
    values_ = static_cast<std::uint32_t>(values);
    memory_.assign(KeyTable::entries(values), Entry{});
    table_ = std::make_unique<KeyTable>(memory_, values);
  }
  std::uint32_t find_or_insert(std::uint32_t tag, std::uint32_t value) {
    return table_->find_or_insert(tag, value,
                                  [value](std::uint32_t other) { return other == value; });
  }
  void put(std::uint32_t tag, std::uint32_t value) {
    ASSERT_EQ(find_or_insert(tag, value), 0u);
    tags_[value] = tag;
  }
  void erase(std::uint32_t value) {
    table_->erase(tags_[value], value);
    tags_.erase(value);
  }
  // Everything is found again and nothing is put in twice.
  void check() {
    for (const auto& [value, tag] : tags_) {
      ASSERT_EQ(find_or_insert(tag, value), value);
    }
    ASSERT_EQ(table_->size(), tags_.size());
  }

  std::uint32_t values_ = 0;
  std::vector<Entry> memory_;
  std::unique_ptr<KeyTable> table_;
  std::map<std::uint32_t, std::uint32_t> tags_;  // value -> tag
};

TEST_F(KeyTableTest, a_table_for_two_values_holds_two) {
  open(2);
  put(9, 1);
  put(9, 2);
  check();
  erase(1);
  check();
  erase(2);
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(KeyTableTest, what_was_put_in_is_found_before_while_and_after_the_table_grows) {
  open(4096);
  for (std::uint32_t value = 1; value <= 4096; ++value) {
    put(value * 0x9e3779b9u, value);
    if (value % 97 == 0) {
      check();
    }
  }
  check();
}

TEST_F(KeyTableTest, a_few_keys_touch_only_the_first_part_of_the_memory) {
  open(1 << 16);
  for (std::uint32_t round = 0; round < 100; ++round) {
    for (std::uint32_t value = 1; value <= 100; ++value) {
      put(hashed(round * 1000 + value), value);
    }
    for (std::uint32_t value = 1; value <= 100; ++value) {
      erase(value);
    }
  }
  for (std::size_t at = 1024; at < memory_.size(); ++at) {
    ASSERT_EQ(memory_[at].tag, 0u);
  }
}

TEST_F(KeyTableTest, an_emptied_table_starts_anew_and_leaves_nothing_behind) {
  open(4096);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t value = 1; value <= 3000; ++value) {
      put(hashed(value), value);
    }
    for (std::uint32_t value = 3000; value >= 1; --value) {
      erase(value);
    }
    for (const Entry& entry : memory_) {
      ASSERT_EQ(entry.value, 0u);
    }
  }
}

TEST_F(KeyTableTest, a_table_emptied_in_the_middle_of_its_growth_starts_anew) {
  open(4096);
  for (std::uint32_t value = 1; value <= 258; ++value) {
    put(hashed(value), value);  // the growth begins at 256
  }
  while (!tags_.empty()) {
    erase(tags_.begin()->first);
  }
  for (std::uint32_t value = 1; value <= 600; ++value) {
    put(hashed(value + 7), value);
  }
  check();
}

// Tags of all kinds come and go while the table grows again and again; against a map.
TEST_F(KeyTableTest, a_long_random_life_agrees_with_a_map) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    tags_.clear();
    open(1500);
    std::uint32_t goal = 1500;
    for (int step = 0; step < 20'000; ++step) {
      if (step % 4000 == 0) {
        goal = static_cast<std::uint32_t>(random()) % 1501;
      }
      const std::uint32_t value = 1 + static_cast<std::uint32_t>(random()) % 1500;
      const bool known = tags_.count(value) != 0;
      if (!known && tags_.size() < goal) {
        const std::uint32_t tag = static_cast<std::uint32_t>(random()) >> (seed % 3 * 11);
        put(tag, value);
      } else if (known && tags_.size() >= goal) {
        erase(value);
      } else if (known) {
        ASSERT_EQ(find_or_insert(tags_[value], value), value) << "seed " << seed;
      }
      ASSERT_EQ(table_->size(), tags_.size());
    }
    check();
  }
}

}  // namespace
}  // namespace laneway::engine

// ProbeTable: finds what was put in, whatever came and went around it.
#include "engine/core/probe_table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace laneway::engine {
namespace {

using Entry = ProbeTable::Entry;

template <class Table>
std::uint32_t find(const Table& table, std::uint32_t tag, std::uint32_t value) {
  return table.find(tag, [value](std::uint32_t other) { return other == value; });
}

TEST(probe_table, an_empty_table_finds_nothing) {
  std::array<Entry, 4> entries{};
  const ProbeTable table(entries);
  EXPECT_EQ(table.find(7, [](std::uint32_t) { return true; }), 0u);
}

TEST(probe_table, equal_tags_are_told_apart_by_the_caller) {
  std::array<Entry, 8> entries{};
  ProbeTable table(entries);
  table.insert(5, 1);
  table.insert(5, 2);
  EXPECT_EQ(find(table, 5, 1), 1u);
  EXPECT_EQ(find(table, 5, 2), 2u);
  EXPECT_EQ(find(table, 5, 3), 0u);
  EXPECT_EQ(find(table, 13, 1), 0u);  // the same home, another tag
}

TEST(probe_table, find_or_insert_puts_in_only_what_is_not_there) {
  std::array<Entry, 8> entries{};
  ProbeTable table(entries);
  const auto any = [](std::uint32_t) { return true; };
  EXPECT_EQ(table.find_or_insert(5, 1, any), 0u);
  EXPECT_EQ(table.find_or_insert(5, 2, any), 1u);
  EXPECT_EQ(find(table, 5, 2), 0u);
}

TEST(probe_table, erasing_inside_a_run_loses_none_of_its_followers) {
  for (std::uint32_t erased = 1; erased <= 4; ++erased) {
    std::array<Entry, 8> entries{};
    ProbeTable table(entries);
    table.insert(6, 1);  // homes 6, 7, 6 and 0: a run over the end of the table
    table.insert(7, 2);
    table.insert(14, 3);
    table.insert(0, 4);
    const std::array<std::uint32_t, 5> tags{0, 6, 7, 14, 0};
    table.erase(tags[erased], erased);
    for (std::uint32_t value = 1; value <= 4; ++value) {
      EXPECT_EQ(find(table, tags[value], value), value == erased ? 0 : value);
    }
  }
}

TEST(probe_table, a_follower_at_home_stays_where_it_is) {
  std::array<Entry, 8> entries{};
  ProbeTable table(entries);
  table.insert(2, 1);
  table.insert(3, 2);
  table.erase(2, 1);
  EXPECT_EQ(entries[3].value, 2u);
  EXPECT_EQ(entries[2].value, 0u);
}

// Tags that crowd on few homes, against a map.
TEST(probe_table, a_long_random_life_agrees_with_a_map) {
  constexpr std::uint32_t kValues = 16;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::array<Entry, 32> entries{};
    ProbeTable table(entries);
    std::map<std::uint32_t, std::uint32_t> tags;  // value -> tag
    const std::uint32_t spread = 1 + seed % 64;
    for (int step = 0; step < 500; ++step) {
      const std::uint32_t value = 1 + static_cast<std::uint32_t>(random()) % kValues;
      const auto known = tags.find(value);
      if (known == tags.end()) {
        const std::uint32_t tag = (static_cast<std::uint32_t>(random()) % spread) * 7 + 29;
        table.insert(tag, value);
        tags[value] = tag;
      } else {
        table.erase(known->second, value);
        tags.erase(known);
      }
      for (const auto& [other, tag] : tags) {
        ASSERT_EQ(find(table, tag, other), other) << "seed " << seed << " step " << step;
      }
    }
    for (const auto& [value, tag] : tags) {
      table.erase(tag, value);
    }
    for (const Entry& entry : entries) {
      ASSERT_EQ(entry.value, 0u);
    }
  }
}

TEST(probe_table_death_test, a_size_that_is_no_power_of_two_stops_us) {
  std::array<Entry, 6> entries{};
  EXPECT_DEATH(ProbeTable table(entries), "has_single_bit");
}

}  // namespace
}  // namespace laneway::engine

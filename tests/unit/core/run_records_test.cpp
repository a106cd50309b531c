// RunRecords: a pool of records, last in first out, that can be used up.
#include "engine/core/run_records.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>

namespace laneway::engine {
namespace {

TEST(run_records, records_taken_are_empty_and_different) {
  std::array<RunRecord, 3> memory{};
  RunRecords records(memory);
  std::set<std::uint32_t> links;
  for (int i = 0; i < 3; ++i) {
    const std::uint32_t link = records.take();
    ASSERT_NE(link, 0u);
    EXPECT_EQ(records.at(link).size, 0u);
    links.insert(link);
  }
  EXPECT_EQ(links.size(), 3u);
}

TEST(run_records, a_pool_that_is_used_up_says_so_until_one_is_given_back) {
  std::array<RunRecord, 2> memory{};
  RunRecords records(memory);
  const std::uint32_t first = records.take();
  records.take();
  EXPECT_EQ(records.take(), 0u);
  records.give(first);
  EXPECT_EQ(records.take(), first);
  EXPECT_EQ(records.take(), 0u);
}

TEST(run_records, a_record_used_before_is_empty_again) {
  std::array<RunRecord, 1> memory{};
  RunRecords records(memory);
  const std::uint32_t link = records.take();
  records.at(link).members[records.at(link).size++] = {5, 1};
  records.give(link);
  EXPECT_EQ(records.at(records.take()).size, 0u);
}

TEST(run_records, a_shard_without_runs_has_none) {
  RunRecords records({});
  EXPECT_EQ(records.take(), 0u);
}

}  // namespace
}  // namespace laneway::engine

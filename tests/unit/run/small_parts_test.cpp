#include "tools/run/envelope.hpp"
#include "tools/run/fault_injection.hpp"
#include "tools/run/key_counts.hpp"
#include "tools/run/option_values.hpp"
#include "tools/run/pending_records.hpp"
#include "tools/run/reply.hpp"
#include "tools/run/seen_ids.hpp"

#include <gtest/gtest.h>

namespace laneway::tools {
namespace {

TEST(Envelope, a_record_comes_out_as_it_went_in) {
  std::string sealed = "what was there before";
  seal(0xfedcba9876543210u, std::string_view("a\0b", 3), sealed);
  const Opened opened = open_envelope(sealed);
  EXPECT_EQ(opened.number, 0xfedcba9876543210u);
  EXPECT_EQ(opened.record, std::string_view("a\0b", 3));
  seal(1, "", sealed);
  EXPECT_EQ(open_envelope(sealed).record, "");
}

TEST(OptionValues, a_rate_is_a_count_in_a_second_a_minute_or_an_hour) {
  double per_second = 0;
  for (const auto& [text, expected] : {std::pair("4", 4.0), std::pair("1000000/s", 1e6),
                                       std::pair("120/m", 2.0), std::pair("1800/h", 0.5)}) {
    EXPECT_EQ(take_rate(text, per_second), "");
    EXPECT_EQ(per_second, expected) << text;
  }
  for (const char* text : {"", "0", "-1", "fast", "5/d", "5/", "1000001", "1.5"}) {
    EXPECT_NE(take_rate(text, per_second), "") << text;
  }
}

TEST(OptionValues, a_priority_is_a_whole_number_and_what_is_none_is_0) {
  EXPECT_EQ(parse_priority("7"), 7);
  EXPECT_EQ(parse_priority("-2147483648"), INT32_MIN);
  for (const char* text : {"", "0", "high", "7th", "1.5", "2147483648"}) {
    EXPECT_EQ(parse_priority(text), 0) << text;
  }
}

TEST(SeenIds, an_id_is_known_for_the_length_of_the_window_and_no_longer) {
  using std::chrono::seconds;
  SeenIds seen(seconds(10), 100);
  const SeenIds::Time begin{std::chrono::hours(1)};
  EXPECT_FALSE(seen.seen("a", begin));
  EXPECT_TRUE(seen.seen("a", begin + seconds(9)));
  EXPECT_FALSE(seen.seen("b", begin + seconds(9)));
  EXPECT_FALSE(seen.seen("a", begin + seconds(10)));  // the second meeting prolongs nothing
  EXPECT_TRUE(seen.seen("a", begin + seconds(19)));
}

TEST(SeenIds, beyond_the_bound_the_oldest_is_forgotten_first) {
  SeenIds seen(std::chrono::hours(1), 2);
  const SeenIds::Time now{std::chrono::hours(1)};
  for (const char* id : {"a", "b", "c"}) {
    EXPECT_FALSE(seen.seen(id, now));
  }
  EXPECT_TRUE(seen.seen("b", now));
  EXPECT_TRUE(seen.seen("c", now));
  EXPECT_FALSE(seen.seen("a", now));
}

TEST(Reply, is_ok_or_retry_or_reject_with_a_reason) {
  EXPECT_EQ(parse_reply("ok")->kind, Verdict::Kind::ack);
  EXPECT_EQ(parse_reply("ok\r")->kind, Verdict::Kind::ack);
  EXPECT_EQ(parse_reply("retry")->kind, Verdict::Kind::retry);
  EXPECT_EQ(parse_reply("retry")->error, "");
  EXPECT_EQ(parse_reply("retry busy, later")->error, "busy, later");
  EXPECT_EQ(parse_reply("reject no such customer")->kind, Verdict::Kind::reject);
  EXPECT_EQ(parse_reply("reject no such customer")->error, "no such customer");
}

TEST(Reply, is_nothing_else) {
  for (const char* line : {"", "OK", "okay", "ok then", " ok", "retrying", "rejected", "0"}) {
    EXPECT_FALSE(parse_reply(line).has_value()) << line;
  }
}

TEST(KeyCounts, the_most_frequent_come_first_and_ties_by_name) {
  KeyCounts counts(100);
  for (const char* key : {"b", "a", "c", "c", "b", "c"}) {
    counts.add(key);
  }
  counts.add("d");
  const auto top = counts.top(3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].key + top[1].key + top[2].key, "cba");
  EXPECT_EQ(top[0].count, 3u);
  EXPECT_EQ(counts.keys(), 4u);
  EXPECT_EQ(counts.top(99).size(), 4u);
}

TEST(KeyCounts, keys_beyond_the_limit_are_counted_together) {
  KeyCounts counts(2);
  for (const char* key : {"a", "b", "c", "d", "a"}) {
    counts.add(key);
  }
  EXPECT_EQ(counts.keys(), 2u);
  EXPECT_TRUE(counts.overflowed());
  EXPECT_EQ(counts.others(), 2u);
  EXPECT_EQ(counts.top(1)[0].count, 2u);
}

TEST(PendingRecords, the_first_is_the_lowest_that_is_left) {
  PendingRecords pending;
  EXPECT_EQ(pending.first(), 0u);
  for (const std::uint64_t number : {1u, 2u, 3u, 4u}) {
    pending.add(number);
  }
  pending.remove(1);
  pending.remove(3);
  EXPECT_EQ(pending.first(), 2u);
  EXPECT_EQ(pending.count(), 2u);
}

TEST(FaultInjection, a_draw_follows_from_its_arguments_and_hits_its_share) {
  EXPECT_EQ(draw(1, 2, 3), draw(1, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(2, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 2, 4));
  int hits = 0;
  for (std::uint64_t number = 0; number < 10'000; ++number) {
    hits += draw(5, number, 1) < 0.1 ? 1 : 0;
  }
  EXPECT_GT(hits, 900);
  EXPECT_LT(hits, 1100);
}

}  // namespace
}  // namespace laneway::tools

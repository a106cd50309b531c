#include "tools/run/quantity.hpp"

#include "tools/run/option_values.hpp"

#include <gtest/gtest.h>

namespace laneway::tools {
namespace {

using std::chrono::milliseconds;

TEST(Quantity, durations_have_a_unit) {
  EXPECT_EQ(parse_duration("200ms"), milliseconds(200));
  EXPECT_EQ(parse_duration("2s"), milliseconds(2000));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("1000h"), milliseconds(3'600'000'000));
  EXPECT_EQ(parse_duration("0"), milliseconds(0));
}

TEST(Quantity, what_is_no_duration_is_refused) {
  for (const char* text : {"", "2", "s", "-1s", "+1s", " 1s", "1s ", "1.5s", "1d", "1S", "1001h",
                           "99999999999999999999s", "1s:2s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << "'" << text << "'";
  }
}

TEST(Quantity, counts_are_digits_only) {
  EXPECT_EQ(parse_count("0"), 0u);
  EXPECT_EQ(parse_count("9223372036854775807"), 9223372036854775807u);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x10", "1e3", "9223372036854775808"}) {
    EXPECT_FALSE(parse_count(text).has_value()) << "'" << text << "'";
  }
}

TEST(Quantity, sizes_know_kibibytes_and_mebibytes) {
  EXPECT_EQ(parse_bytes("17"), 17u);
  EXPECT_EQ(parse_bytes("64k"), 65'536u);
  EXPECT_EQ(parse_bytes("2M"), 2'097'152u);
  EXPECT_FALSE(parse_bytes("2G").has_value());
}

TEST(Quantity, shares_go_from_zero_to_one) {
  EXPECT_EQ(parse_share("0"), 0.0);
  EXPECT_EQ(parse_share("0.25"), 0.25);
  EXPECT_EQ(parse_share("1"), 1.0);
  for (const char* text : {"", "1.1", "-0.1", "0.1x", "nan", "inf", "10%"}) {
    EXPECT_FALSE(parse_share(text).has_value()) << "'" << text << "'";
  }
}

TEST(Quantity, a_duration_is_written_in_the_unit_that_suits_it) {
  EXPECT_EQ(format_duration(std::chrono::microseconds(0)), "0 ms");
  EXPECT_EQ(format_duration(std::chrono::microseconds(640)), "640 us");
  EXPECT_EQ(format_duration(milliseconds(12)), "12 ms");
  EXPECT_EQ(format_duration(milliseconds(3250)), "3.2 s");
  EXPECT_EQ(format_duration(std::chrono::seconds(245)), "4 min 5 s");
  EXPECT_EQ(format_duration(std::chrono::minutes(123)), "2 h 3 min");
}

TEST(Quantity, a_compact_duration_reads_back_as_itself) {
  for (const char* text : {"0", "1ms", "1500ms", "2s", "90s", "5m", "1h"}) {
    EXPECT_EQ(compact_duration(*parse_duration(text)), text);
  }
}

TEST(Quantity, counts_are_grouped_and_nouns_agree) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_plural(1, "record"), "1 record");
  EXPECT_EQ(format_plural(2000, "record"), "2,000 records");
  EXPECT_EQ(format_rate(3.14), "3.1/s");
  EXPECT_EQ(format_rate(2345.6), "2,346/s");
}

TEST(OptionValues, a_backoff_is_a_first_wait_and_a_longest) {
  Backoff backoff;
  EXPECT_EQ(take_backoff("200ms:5s", backoff), "");
  EXPECT_EQ(backoff.first, milliseconds(200));
  EXPECT_EQ(backoff.cap, milliseconds(5000));
  EXPECT_EQ(take_backoff("20s", backoff), "");
  EXPECT_EQ(backoff.cap, milliseconds(20'000));
}

TEST(OptionValues, no_backoff_is_the_shortest_one) {
  Backoff backoff;
  EXPECT_EQ(take_backoff("0:0", backoff), "");
  EXPECT_EQ(backoff.first, milliseconds(1));
  EXPECT_EQ(backoff.cap, milliseconds(1));
}

TEST(OptionValues, a_wrong_backoff_is_refused) {
  Backoff backoff;
  for (const char* text : {"", ":", "1s:", ":1s", "2s:1s", "1s:2s:3s", "1"}) {
    EXPECT_NE(take_backoff(text, backoff), "") << "'" << text << "'";
  }
}

TEST(OptionValues, exit_codes_are_a_list) {
  std::set<std::uint32_t> codes;
  EXPECT_EQ(take_exit_codes("64,65,64", codes), "");
  EXPECT_EQ(codes, (std::set<std::uint32_t>{64, 65}));
  for (const char* text : {"", ",", "64,", "0", "256", "a", "64 65"}) {
    EXPECT_NE(take_exit_codes(text, codes), "") << "'" << text << "'";
  }
}

}  // namespace
}  // namespace laneway::tools

#include "tools/run/text.hpp"

#include <gtest/gtest.h>

namespace laneway::tools {
namespace {

TEST(Text, utf8_is_told_from_what_only_looks_like_it) {
  for (const char* text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xffz"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Text, base64_as_the_standard_has_it) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64(std::string_view("\xff\x00", 2)), "/wA=");
}

TEST(Text, base64_is_read_back_and_nothing_else) {
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foobar", "\xff\xfe\x01"}) {
    EXPECT_EQ(from_base64(base64(bytes)), bytes);
  }
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zg===", "Z===", "Zm9*", "Zm 9v"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

TEST(Text, cutting_never_splits_a_character) {
  EXPECT_EQ(tail("abc", 2), "bc");
  EXPECT_EQ(tail("a\xc3\xa4z", 2), "z");
  EXPECT_EQ(head("a\xc3\xa4z", 2), "a");
  EXPECT_EQ(head("abc", 5), "abc");
}

TEST(Text, the_last_line_is_the_last_that_says_something) {
  EXPECT_EQ(last_line("one\ntwo\n"), "two");
  EXPECT_EQ(last_line("one\ntwo\r\n \n\n"), "two");
  EXPECT_EQ(last_line("one"), "one");
  EXPECT_EQ(last_line(" \n"), "");
}

TEST(Text, an_error_text_keeps_its_reason_and_the_end_of_the_detail) {
  EXPECT_EQ(error_text("exit 3", ""), "exit 3");
  EXPECT_EQ(error_text("exit 3", "no route"), "exit 3: no route");
  std::string detail(200, 'x');
  detail += " the end";
  const std::string text = error_text("exit 3", detail);
  EXPECT_EQ(text.size(), 96u);
  EXPECT_EQ(text.substr(0, 8), "exit 3: ");
  EXPECT_EQ(text.substr(text.size() - 8), " the end");
}

TEST(Text, control_characters_do_not_reach_the_terminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\x7f"), "a.[2Jb.");
}

}  // namespace
}  // namespace laneway::tools

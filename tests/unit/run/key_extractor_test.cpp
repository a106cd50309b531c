#include "tools/run/key_extractor.hpp"

#include <gtest/gtest.h>

#include <string>

namespace laneway::tools {
namespace {

std::string mistake_of(const std::string& rule, const std::string& delimiter = "") {
  std::string mistake;
  EXPECT_EQ(KeyExtractor::make(rule, delimiter, mistake), nullptr);
  return mistake;
}

// The key, or "! " and what is lacking.
std::string key_of(const std::string& rule,
                   std::string_view record,
                   const std::string& delimiter = "") {
  std::string mistake;
  const auto extractor = KeyExtractor::make(rule, delimiter, mistake);
  if (extractor == nullptr) {
    return "mistake: " + mistake;
  }
  const KeyFound found = extractor->extract(record);
  return found.key.empty() ? "! " + std::string(found.lack) : std::string(found.key);
}

TEST(KeyExtractor, digits_name_a_field_and_the_first_is_one) {
  EXPECT_EQ(key_of("1", "alpha beta gamma"), "alpha");
  EXPECT_EQ(key_of("3", "  alpha \t beta   gamma  "), "gamma");
  EXPECT_EQ(key_of("4", "alpha beta gamma"), "! no such field");
  EXPECT_EQ(key_of("2", "alpha beta\r"), "beta");
}

TEST(KeyExtractor, a_delimiter_keeps_empty_fields) {
  EXPECT_EQ(key_of("3", "a,,c", ","), "c");
  EXPECT_EQ(key_of("2", "a,,c", ","), "! no such field");
  EXPECT_EQ(key_of("4", "a,,c", ","), "! no such field");
  EXPECT_EQ(key_of("2", "a::b c::d", "::"), "b c");
}

TEST(KeyExtractor, a_slash_begins_a_json_pointer) {
  const std::string record =
      R"({"user": {"id": 42, "name": "ada", "a/b": "slash"}, "n": [7, true]})";
  EXPECT_EQ(key_of("/user/name", record), "ada");
  EXPECT_EQ(key_of("/user/id", record), "42");
  EXPECT_EQ(key_of("/user/a~1b", record), "slash");
  EXPECT_EQ(key_of("/n/1", record), "true");
}

TEST(KeyExtractor, json_without_the_member_has_no_key_and_says_why) {
  EXPECT_EQ(key_of("/a", R"({"b": 1})"), "! no such member");
  EXPECT_EQ(key_of("/a/x", R"({"a": [1]})"), "! no such member");
  EXPECT_EQ(key_of("/a/99999999999999999999", R"({"a": [1]})"), "! no such member");
  EXPECT_EQ(key_of("/a", R"({"a": null})"), "! neither text nor number");
  EXPECT_EQ(key_of("/a", R"({"a": {}})"), "! neither text nor number");
  EXPECT_EQ(key_of("/a", R"({"a": ""})"), "! an empty text");
  EXPECT_EQ(key_of("/a", "{broken"), "! not JSON");
}

TEST(KeyExtractor, anything_else_is_an_expression_and_its_group_the_key) {
  EXPECT_EQ(key_of("user=([a-z]+)", "time=1 user=ada x"), "ada");
  EXPECT_EQ(key_of("user=([a-z]+)", "time=1"), "! no match");
  EXPECT_EQ(key_of("user=([a-z]*)", "user= "), "! an empty group");
}

TEST(KeyExtractor, of_several_groups_the_first_that_matched_counts) {
  const std::string rule = "from (a+)|to (b+)";
  EXPECT_EQ(key_of(rule, "from aa"), "aa");
  EXPECT_EQ(key_of(rule, "to bbb"), "bbb");
}

TEST(KeyExtractor, a_nul_byte_does_not_end_the_record) {
  EXPECT_EQ(key_of("user=([a-z]+)", std::string_view("a\0b user=ada", 12)), "ada");
  EXPECT_EQ(key_of("2", std::string_view("a\0b c", 5)), "c");
}

TEST(KeyExtractor, without_a_rule_no_record_has_a_key) {
  EXPECT_EQ(key_of("", "a b"), "! ");
}

TEST(KeyExtractor, a_key_above_the_limit_of_the_engine_is_none) {
  const std::string limit(KeyExtractor::kKeyBytesMax, 'k');
  EXPECT_EQ(key_of("1", limit), limit);
  EXPECT_EQ(key_of("1", limit + "k"), "! a key above 1,024 bytes");
}

TEST(KeyExtractor, an_empty_record_has_no_key_under_any_rule) {
  for (const char* rule : {"1", "/a", "(x)"}) {
    EXPECT_EQ(key_of(rule, {})[0], '!') << rule;
  }
}

TEST(KeyExtractor, mistakes_in_a_rule_are_named) {
  EXPECT_NE(mistake_of("0").find("the first field is 1"), std::string::npos);
  EXPECT_NE(mistake_of("99999999999999999999").find("field number"), std::string::npos);
  EXPECT_NE(mistake_of("abc").find("no group"), std::string::npos);
  EXPECT_NE(mistake_of("(abc").find("Unmatched"), std::string::npos);
  EXPECT_NE(mistake_of("/a~2b").find("JSON pointer"), std::string::npos);
}

TEST(KeyExtractor, spellings_of_perl_are_refused_rather_than_misread) {
  EXPECT_NE(mistake_of("id=(\\d+)").find("[0-9]"), std::string::npos);
  EXPECT_NE(mistake_of("(?:a|b)=(c)").find("(?...)"), std::string::npos);
  EXPECT_EQ(key_of("a\\\\d(x)", "a\\dx"), "x");
}

}  // namespace
}  // namespace laneway::tools

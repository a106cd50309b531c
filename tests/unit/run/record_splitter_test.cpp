#include "tools/run/record_splitter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace laneway::tools {
namespace {

struct Seen {
  std::string bytes;
  std::uint64_t number;
  std::uint64_t offset;
  std::uint64_t size;
  bool too_long;
  bool operator==(const Seen&) const = default;
};

void take_all(RecordSplitter& splitter, std::vector<Seen>& seen) {
  Record record;
  while (splitter.next(record)) {
    seen.push_back(
        {std::string(record.bytes), record.number, record.offset, record.size, record.too_long});
  }
}

// Hands the text over in pieces of the given size, each in memory of its own.
std::vector<Seen> split(const std::string& text,
                        std::size_t piece,
                        char separator = '\n',
                        std::size_t bytes_max = 100) {
  RecordSplitter splitter(separator, bytes_max);
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string chunk = text.substr(at, piece);
    splitter.feed(chunk);
    take_all(splitter, seen);
  }
  splitter.finish();
  take_all(splitter, seen);
  return seen;
}

TEST(RecordSplitter, lines_are_numbered_and_know_their_place) {
  const std::vector<Seen> expected = {{"one", 1, 0, 3, false}, {"three", 2, 4, 5, false}};
  EXPECT_EQ(split("one\nthree\n", 100), expected);
}

TEST(RecordSplitter, a_last_line_needs_no_newline) {
  const std::vector<Seen> expected = {{"a", 1, 0, 1, false}, {"b", 2, 2, 1, false}};
  EXPECT_EQ(split("a\nb", 100), expected);
}

TEST(RecordSplitter, an_empty_stream_has_no_record) {
  EXPECT_TRUE(split("", 1).empty());
}

TEST(RecordSplitter, empty_lines_are_records_that_count) {
  const std::vector<Seen> expected = {
      {"", 1, 0, 0, false}, {"x", 2, 1, 1, false}, {"", 3, 3, 0, false}};
  EXPECT_EQ(split("\nx\n\n", 100), expected);
}

TEST(RecordSplitter, carriage_returns_and_nul_bytes_stay) {
  const std::string text("a\r\nb\0c\n", 7);
  const std::vector<Seen> seen = split(text, 100);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].bytes, "a\r");
  EXPECT_EQ(seen[1].bytes, std::string("b\0c", 3));
}

TEST(RecordSplitter, nul_separated_records_may_hold_newlines) {
  const std::vector<Seen> seen = split(std::string("a\nb\0c\0", 6), 100, '\0');
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].bytes, "a\nb");
  EXPECT_EQ(seen[1].bytes, "c");
}

TEST(RecordSplitter, a_record_at_the_limit_is_whole_and_one_byte_more_is_too_long) {
  const std::vector<Seen> expected = {
      {"12345", 1, 0, 5, false}, {"", 2, 6, 6, true}, {"ok", 3, 13, 2, false}};
  for (const std::size_t piece : {1u, 2u, 3u, 100u}) {
    EXPECT_EQ(split("12345\n123456\nok\n", piece, '\n', 5), expected) << "pieces of " << piece;
  }
}

TEST(RecordSplitter, a_last_record_that_is_too_long_is_told_too) {
  const std::vector<Seen> expected = {{"", 1, 0, 9, true}};
  EXPECT_EQ(split("123456789", 2, '\n', 5), expected);
}

TEST(RecordSplitter, pieces_of_any_size_give_the_same_records) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int byte = 0; byte < 200; ++byte) {
      text += "\nab\0"[random() % 4];
    }
    const std::vector<Seen> whole = split(text, text.size(), '\n', 6);
    const std::size_t piece = 1 + random() % 20;
    ASSERT_EQ(split(text, piece, '\n', 6), whole) << "round " << round << ", pieces of " << piece;
  }
}

}  // namespace
}  // namespace laneway::tools

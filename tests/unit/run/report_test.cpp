#include "tools/run/report.hpp"

#include "tools/run/dead_letter_json.hpp"
#include "tools/run/envelope.hpp"
#include "tools/run/progress.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace laneway::tools {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

Report finished_report() {
  Report report;
  report.read = 10;
  report.acked = 10;
  report.input_ended = true;
  return report;
}

TEST(Report, the_gravest_thing_decides_the_status) {
  Report report = finished_report();
  EXPECT_EQ(report.status(), ExitStatus::all_acknowledged);
  report.refused_long = 1;
  EXPECT_EQ(report.status(), ExitStatus::dead_lettered);
  report.interrupted = true;
  EXPECT_EQ(report.status(), ExitStatus::dead_lettered) << "nothing was left";
  report.left = 1;
  EXPECT_EQ(report.status(), ExitStatus::interrupted);
  report.failure = "cannot write dead.jsonl";
  EXPECT_EQ(report.status(), ExitStatus::failed);
  report.handler.passed = false;
  EXPECT_EQ(report.status(), ExitStatus::verify_failed);
}

TEST(Report, an_interruption_before_the_end_of_the_input_leaves_work) {
  Report report = finished_report();
  report.interrupted = true;
  report.input_ended = false;
  report.first_unread = 11;
  EXPECT_EQ(report.status(), ExitStatus::interrupted);
  EXPECT_NE(report_table(report).find("--from 11"), std::string::npos);
}

TEST(Report, going_on_starts_at_the_first_record_that_is_not_finished) {
  Report report = finished_report();
  report.interrupted = true;
  report.input_ended = false;
  report.left = 3;
  report.left_blocked = 2;
  report.first_left = 5;
  report.first_unread = 11;
  const std::string table = report_table(report);
  EXPECT_NE(table.find("--from 5"), std::string::npos) << table;
  EXPECT_NE(table.find("Records 5 to 10 were read; those finished already"), std::string::npos);
  EXPECT_NE(table.find("2 behind an earlier one"), std::string::npos);
  EXPECT_EQ(Json::parse(report_json(report))["resume_from"], 5);
}

TEST(Report, json_says_what_the_table_says_and_survives_any_byte) {
  Report report = finished_report();
  report.dead_attempts = 2;
  report.dead_samples = {{.number = 4, .key = "\xff", .attempts = 5, .error = "exit 3"}};
  report.handler.json = R"({"name":"count"})";
  const Json json = Json::parse(report_json(report));
  EXPECT_EQ(json["status"], 1);
  EXPECT_EQ(json["acked"], 10);
  EXPECT_EQ(json["dead"]["attempts"], 2);
  EXPECT_EQ(json["handler"]["name"], "count");
  EXPECT_TRUE(json["resume_from"].is_null());
  EXPECT_EQ(report_table(report).find('\xff'), std::string::npos);
}

TEST(DeadLetterJson, tells_the_story_of_the_record) {
  std::string sealed;
  seal(12, "the record", sealed);
  DeadLetter letter{};
  letter.id = {77};
  letter.key = "k";
  letter.reason = DeadReason::attempts;
  letter.attempts = 2;
  letter.published = std::chrono::system_clock::time_point(milliseconds(1'700'000'000'123));
  letter.story = {{.number = 2,
                   .end = AttemptEnd::nacked,
                   .error_class = 3,
                   .granted = letter.published,
                   .ended = letter.published,
                   .consumer = 1,
                   .error = "exit 3"}};
  for (const char byte : sealed) {
    letter.payload.push_back(static_cast<std::byte>(byte));
  }
  const std::string line = dead_letter_json(letter);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json json = Json::parse(line);
  EXPECT_EQ(json["number"], 12);
  EXPECT_EQ(json["id"], 77);
  EXPECT_EQ(json["key"], "k");
  EXPECT_EQ(json["reason"], "attempts");
  EXPECT_EQ(json["published"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json["record"], "the record");
  EXPECT_EQ(json["attempts"][0]["number"], 2);
  EXPECT_EQ(json["attempts"][0]["end"], "nacked");
  EXPECT_EQ(json["attempts"][0]["error"], "exit 3");
  EXPECT_EQ(json["attempts"][0]["error_class"], 3);
}

TEST(DeadLetterJson, bytes_that_are_no_text_are_kept_as_base64) {
  const Json json =
      Json::parse(refused_record_json({.record = "\xff\xfe", .error = "no key: no such field"}));
  EXPECT_EQ(json["record_base64"], "//4=");
  EXPECT_FALSE(json.contains("record"));
  EXPECT_EQ(json["type"], "unkeyed");
}

TEST(DeadLetterJson, a_record_that_is_too_long_is_named_by_its_place) {
  const Json json =
      Json::parse(refused_record_json({.number = 3, .offset = 99, .size = 1000, .too_long = true}));
  EXPECT_TRUE(json["record"].is_null());
  EXPECT_EQ(json["offset"], 99);
  EXPECT_EQ(json["bytes"], 1000);
  EXPECT_EQ(json["type"], "too_long");
}

TEST(Progress, the_share_counts_what_is_finished_of_what_was_read) {
  EXPECT_FALSE(finished_share(10, std::nullopt, {}).has_value());
  EXPECT_FALSE(finished_share(0, 0, {}).has_value());
  EXPECT_DOUBLE_EQ(*finished_share(50, 100, {.read = 10, .finished = 5}), 0.25);
  EXPECT_DOUBLE_EQ(*finished_share(100, 100, {.read = 10, .finished = 10}), 1.0);
  EXPECT_DOUBLE_EQ(*finished_share(200, 100, {.read = 1, .finished = 1}), 1.0) << "it has grown";
}

TEST(Progress, a_bar_fits_its_width_and_goes_when_there_is_no_room) {
  ProgressState state{.read = 2000, .finished = 1000, .in_flight = 4, .retries = 1, .dead = 2};
  state.share = 0.5;
  state.oldest_ready = std::chrono::milliseconds(2'500);
  state.per_second = 250;
  EXPECT_EQ(progress_bar(state, 120).find("[###"), 0u);
  EXPECT_NE(progress_bar(state, 120).find("250/s  4 in flight  1 retry  2 dead  oldest 2.5 s"),
            std::string::npos);
  EXPECT_NE(progress_bar(state, 120).find(" 50% 1,000/2,000"), std::string::npos);
  EXPECT_EQ(progress_bar(state, 60).find('['), std::string::npos);
  for (const std::size_t width : {10u, 40u, 80u, 100u, 200u}) {
    EXPECT_LE(progress_bar(state, width).size(), width);
  }
}

TEST(Progress, a_rate_looks_back_a_few_seconds_only) {
  RateMeter meter;
  const RateMeter::Time start{};
  using std::chrono::seconds;
  EXPECT_DOUBLE_EQ(meter.measure(start, 0), 0.0);
  EXPECT_DOUBLE_EQ(meter.measure(start + seconds(1), 100), 100.0);
  for (int second = 2; second <= 20; ++second) {
    meter.measure(start + seconds(second), 100);
  }
  EXPECT_DOUBLE_EQ(meter.measure(start + seconds(21), 100), 0.0);
}

}  // namespace
}  // namespace laneway::tools

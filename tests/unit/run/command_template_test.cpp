#include "tools/run/command_template.hpp"

#include "tools/run/command_handler.hpp"

#include <gtest/gtest.h>

namespace laneway::tools {
namespace {

using Kind = Verdict::Kind;
using Words = std::vector<std::string>;

const Delivery kDelivery{
    .record = "a {key} b", .key = "k", .number = 7, .id = 42, .fence = 9, .attempt = 3};

TEST(CommandTemplate, places_are_filled_wherever_they_stand) {
  const CommandTemplate command({"put", "--of={key}/{id}", "{}", "{attempt}{attempt}", "{other}"});
  EXPECT_EQ(command.arguments(kDelivery),
            (Words{"put", "--of=k/42", "a {key} b", "33", "{other}"}));
}

TEST(CommandTemplate, has_places_of_five_kinds) {
  for (const char* word : {"{}", "x{key}", "{attempt}", "{id}", "{fence}y"}) {
    EXPECT_TRUE(CommandTemplate({"put", word}).has_places()) << word;
  }
  EXPECT_FALSE(CommandTemplate({"put", "{other}", "{", "}"}).has_places());
  EXPECT_EQ(CommandTemplate({"{fence}"}).arguments(kDelivery), Words{"9"});
}

TEST(CommandTemplate, what_was_filled_in_is_not_filled_again) {
  const CommandTemplate command({"echo", "{}"});
  EXPECT_EQ(command.arguments(kDelivery)[1], "a {key} b");
}

TEST(CommandTemplate, the_record_goes_to_standard_input_when_no_word_takes_it) {
  EXPECT_TRUE(CommandTemplate({"wc", "{key}"}).record_on_input());
  EXPECT_FALSE(CommandTemplate({"echo", "x{}"}).record_on_input());
}

TEST(CommandTemplate, the_environment_tells_key_attempt_id_and_fence) {
  EXPECT_EQ(CommandTemplate::environment(kDelivery),
            (Words{"LANEWAY_KEY=k", "LANEWAY_ATTEMPT=3", "LANEWAY_ID=42", "LANEWAY_FENCE=9"}));
}

TEST(CommandTemplate, a_nul_byte_cannot_be_an_argument_and_is_never_cut_off) {
  Delivery delivery = kDelivery;
  delivery.record = std::string_view("a\0b", 3);
  EXPECT_NE(CommandTemplate({"echo", "{}"}).obstacle(delivery), "");
  EXPECT_EQ(CommandTemplate({"wc"}).obstacle(delivery), "");
  delivery.key = std::string_view("\0", 1);
  EXPECT_NE(CommandTemplate({"wc"}).obstacle(delivery), "");
}

TEST(Judge, an_exit_code_decides_between_ack_reject_and_retry) {
  HandlerOptions options;
  options.reject_codes = {65};
  EXPECT_EQ(judge({.how = ChildEnd::How::exited, .code = 0}, options, "").kind, Kind::ack);
  EXPECT_EQ(judge({.how = ChildEnd::How::exited, .code = 65}, options, "").kind, Kind::reject);
  const Verdict retry = judge({.how = ChildEnd::How::exited, .code = 3}, options, "no route");
  EXPECT_EQ(retry.kind, Kind::retry);
  EXPECT_EQ(retry.error, "exit 3: no route");
  EXPECT_EQ(retry.error_class, 3u);
}

TEST(Judge, with_retry_codes_no_other_code_is_tried_again_but_signals_are) {
  HandlerOptions options;
  options.retry_codes = {75};
  EXPECT_EQ(judge({.how = ChildEnd::How::exited, .code = 75}, options, "").kind, Kind::retry);
  EXPECT_EQ(judge({.how = ChildEnd::How::exited, .code = 1}, options, "").kind, Kind::reject);
  EXPECT_EQ(judge({.how = ChildEnd::How::signalled, .code = 9}, options, "").kind, Kind::retry);
}

TEST(Judge, a_signal_and_a_timeout_are_retries_with_classes_of_their_own) {
  HandlerOptions options;
  options.timeout = std::chrono::seconds(2);
  options.reject_codes = {9, 124, 137};
  const Verdict killed = judge({.how = ChildEnd::How::signalled, .code = 9}, options, "");
  EXPECT_EQ(killed.kind, Kind::retry);
  EXPECT_EQ(killed.error, "signal 9 (Killed)");
  EXPECT_EQ(killed.error_class, 137u);
  const Verdict late = judge({.how = ChildEnd::How::timed_out, .code = 15}, options, "");
  EXPECT_EQ(late.kind, Kind::retry);
  EXPECT_EQ(late.error, "timeout after 2s");
  EXPECT_EQ(late.error_class, 124u);
}

}  // namespace
}  // namespace laneway::tools

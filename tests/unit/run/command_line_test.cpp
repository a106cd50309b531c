#include "tools/run/command_line.hpp"

#include <gtest/gtest.h>

namespace laneway::tools {
namespace {

using Words = std::vector<std::string>;
using std::chrono::milliseconds;

std::string mistake_of(const Words& arguments) {
  const CommandLine line = parse_run_arguments(arguments);
  EXPECT_FALSE(line.options.has_value());
  return line.error;
}

TEST(CommandLine, the_defaults_are_the_documented_ones) {
  const auto options = parse_run_arguments({"--", "cat"}).options;
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->input.path, "-");
  EXPECT_EQ(options->input.separator, '\n');
  EXPECT_EQ(options->input.record_bytes_max, 65'536u);
  EXPECT_EQ(options->input.read_ahead, 10'000u);
  EXPECT_EQ(options->queueing.attempts, 5u);
  EXPECT_EQ(options->queueing.backoff.first, milliseconds(200));
  EXPECT_EQ(options->queueing.backoff.cap, milliseconds(10'000));
  EXPECT_EQ(options->handler.kill_after, milliseconds(2000));
  EXPECT_EQ(options->result.grace, milliseconds(10'000));
}

TEST(CommandLine, everything_after_the_dashes_is_the_command) {
  const auto options =
      parse_run_arguments({"-0", "--", "tool", "--workers", "x", "--", "-q", ""}).options;
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->handler.command, (Words{"tool", "--workers", "x", "--", "-q", ""}));
  EXPECT_EQ(options->input.separator, '\0');
  EXPECT_FALSE(options->result.quiet);
}

TEST(CommandLine, options_reach_their_places) {
  const auto options = parse_run_arguments({"--input",
                                            "in",
                                            "--key",
                                            "3",
                                            "--delimiter",
                                            "\\t",
                                            "-w",
                                            "7",
                                            "--attempts=9",
                                            "--backoff",
                                            "1s:2s",
                                            "--on-failure",
                                            "detach",
                                            "--timeout",
                                            "3s",
                                            "--kill-after",
                                            "0",
                                            "--reject-codes",
                                            "64,65",
                                            "--dead-letters",
                                            "dead",
                                            "--append",
                                            "--json",
                                            "-",
                                            "--grace",
                                            "1m",
                                            "--from",
                                            "12",
                                            "--",
                                            "cat"})
                           .options;
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->input.path, "in");
  EXPECT_EQ(options->input.delimiter, "\t");
  EXPECT_EQ(options->input.from, 12u);
  EXPECT_EQ(options->queueing.workers, 7u);
  EXPECT_EQ(options->queueing.attempts, 9u);
  EXPECT_EQ(options->queueing.backoff.cap, milliseconds(2000));
  EXPECT_EQ(options->queueing.on_failure, OnFailure::detach);
  EXPECT_EQ(options->handler.timeout, milliseconds(3000));
  EXPECT_EQ(options->handler.reject_codes.size(), 2u);
  EXPECT_TRUE(options->result.append);
  EXPECT_EQ(options->result.json, "-");
  EXPECT_EQ(options->result.grace, milliseconds(60'000));
}

TEST(CommandLine, help_goes_to_standard_output_and_names_the_exit_statuses) {
  const CommandLine line = parse_run_arguments({"--help"});
  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.error, "");
  for (const char* text : {"Exit status", "130", "--dead-letters FILE", "verify", "Examples"}) {
    EXPECT_NE(line.output.find(text), std::string::npos) << text;
  }
}

struct Mistake {
  Words arguments;
  const char* named;
};

class CommandLineMistake : public testing::TestWithParam<Mistake> {};

TEST_P(CommandLineMistake, is_refused_and_named) {
  const std::string mistake = mistake_of(GetParam().arguments);
  EXPECT_NE(mistake.find(GetParam().named), std::string::npos) << mistake;
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    CommandLineMistake,
    testing::Values(Mistake{{}, "say what to do"},
                    Mistake{{"--"}, "say what to do"},
                    Mistake{{"--handler", "count", "--", "cat"}, "not both"},
                    Mistake{{"--handler", "cuont"}, "no handler"},
                    Mistake{{"--handler", "sleep:"}, "no handler"},
                    Mistake{{"--frobnicate", "--handler", "count"}, "--frobnicate"},
                    Mistake{{"gzip", "--handler", "count"}, "a command goes after --"},
                    Mistake{{"--workers", "0", "--", "cat"}, "1 to 1,024"},
                    Mistake{{"--workers", "two", "--", "cat"}, "'two'"},
                    Mistake{{"--workers"}, "--workers needs a value"},
                    Mistake{{"--key", "1", "--key", "2", "--", "cat"}, "more than once"},
                    Mistake{{"--timeout", "5", "--", "cat"}, "no duration"},
                    Mistake{{"--timeout", "5s", "--handler", "count"}, "for commands"},
                    Mistake{{"--fail-share", "0.5", "--", "cat"}, "built-in"},
                    Mistake{{"--fail-share", "0.6", "--lose-share", "0.6", "--handler", "count"},
                            "more than 1"},
                    Mistake{{"--on-failure", "panic", "--", "cat"}, "neither hold nor detach"},
                    Mistake{{"--on-failure", "detach", "--handler", "verify"}, "order"},
                    Mistake{{"--strict-key", "--", "cat"}, "--strict-key needs --key"},
                    Mistake{{"--append", "--", "cat"}, "--append needs"},
                    Mistake{{"--dead-letters", "-", "--", "cat"}, "needs a file"},
                    Mistake{{"--record-bytes-max", "17m", "--", "cat"}, "16m"},
                    Mistake{{"--record-bytes-max", "0", "--", "cat"}, "no size"},
                    Mistake{{"--reject-codes", "0", "--", "cat"}, "exit codes"},
                    Mistake{{"--retry-codes", "3", "--reject-codes", "3,4", "--", "cat"}, "same"},
                    Mistake{{"--retry-codes", "3", "--handler", "count"}, "for commands"},
                    Mistake{{"--each-worker", "--handler", "count"}, "needs a command"},
                    Mistake{{"--each-worker", "--", "cat", "{}"}, "no places"},
                    Mistake{{"--line", "x {}", "--", "cat"}, "needs --each-worker"},
                    Mistake{{"--line", "x", "--each-worker", "--", "cat"}, "has no {}"},
                    Mistake{{"--replay", "dead", "--input", "in", "--", "cat"}, "--input"},
                    Mistake{{"--key", "(", "--", "cat"}, "--key"},
                    Mistake{{"--rate", "fast", "--", "cat"}, "no rate"},
                    Mistake{{"--dedup", "(", "--", "cat"}, "--dedup"},
                    Mistake{{"--priority", "(", "--", "cat"}, "--priority"},
                    Mistake{{"--max-in-flight", "0", "--", "cat"}, "1 to"},
                    Mistake{{"--dedup-window", "1s", "--", "cat"}, "needs --dedup"},
                    Mistake{{"--delimiter", ",", "--key", "x=(.)", "--", "cat"}, "field number"},
                    Mistake{{"--delimiter", ",", "--", "cat"}, "delimiter"}));

}  // namespace
}  // namespace laneway::tools

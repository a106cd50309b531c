#include "tools/run/command_line.hpp"

#include "tools/run/builtin_handlers.hpp"
#include "tools/run/option_values.hpp"
#include "tools/run/run_help.hpp"
#include "tools/run/typed_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace laneway::tools {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kNumberMax = UINT64_MAX >> 1u;
constexpr std::uint64_t kWorkersMax = 1024;
constexpr std::uint64_t kAttemptsMax = 60'000;
constexpr std::uint64_t kReadAheadMax = 1'000'000;

void add_input(CLI::App& app, InputOptions& to) {
  TypedOptions options(app, "Input");
  options.add_path(
      {"-i,--input", "FILE", "Where records come from; - is standard input, the default"}, to.path);
  options.add_path({"--replay", "FILE",
                    "Instead: the records of a file of dead letters, with the keys they had; with "
                    "--key they get new ones"},
                   to.replay);
  options.add_flag(
      "-0,--null", [&to] { to.separator = '\0'; }, "Records end with NUL instead of a newline");
  options.add({"-k,--key", "RULE",
               "What keeps records in order. Digits: the field of that number, 1 is the first. "
               "Begins with /: a JSON pointer. Anything else: an extended regular expression, of "
               "which the first group that matched is the key. Not given: records have no order"},
              [&to](const std::string& text) {
                to.key = text;
                return std::string(text.empty() ? "is empty" : "");
              });
  options.add({"-d,--delimiter", "TEXT", "What parts fields, instead of white space; \\t is a tab"},
              [&to](const std::string& text) { return take_delimiter(text, to.delimiter); });
  options.add({"--dedup", "RULE",
               "As --key: an id. A record is passed over when one of its id was read a short while "
               "before"},
              [&to](const std::string& text) {
                to.dedup = text;
                return std::string(text.empty() ? "is empty" : "");
              });
  options.add_duration({"--dedup-window", "DURATION", "How short (default 10m)"}, to.dedup_window,
                       milliseconds(1));
  options.add({"--priority", "RULE",
               "As --key: a whole number, higher ones first; 0 without one. Never past an earlier "
               "record of the same key"},
              [&to](const std::string& text) {
                to.priority = text;
                return std::string(text.empty() ? "is empty" : "");
              });
  options.add_flag(
      "--strict-key", [&to] { to.strict_key = true; },
      "A record without a key is a dead letter; otherwise it is worked on in no order");
  options.add(
      {"--record-bytes-max", "SIZE", "Longer records are dead letters (default 64k)"},
      [&to](const std::string& text) { return take_record_bytes(text, to.record_bytes_max); });
  options.add_count({"--from", "NUMBER", "Passes over the records before this one"}, to.from, 1,
                    kNumberMax);
  options.add_count(
      {"--read-ahead", "COUNT", "So many records are read and not finished (default 10000)"},
      to.read_ahead, 1, kReadAheadMax);
}

void add_work(CLI::App& app, RunOptions& to) {
  TypedOptions options(app, "Work");
  options.add(
      {"--handler", "NAME", "A built-in handler instead of a command"},
      [&to](const std::string& text) {
        to.handler.handler = text;
        return std::string(is_builtin_handler(text)
                               ? ""
                               : "is no handler: count, echo, verify, sleep:DURATION, fail");
      });
  options.add_flag(
      "--each-worker", [&to] { to.handler.each_worker = true; },
      "The command runs once for each worker and answers each line with one line");
  options.add({"--line", "TEXT",
               "What it then reads for each record, with {}, {key}, {attempt}, {id} and {fence} "
               "(default {})"},
              [&to](const std::string& text) {
                to.handler.line = text;
                return std::string(text.find("{}") == std::string::npos ? "has no {}" : "");
              });
  options.add_count(
      {"-w,--workers", "COUNT", "Records worked on at the same time (default: as many as cores)"},
      to.queueing.workers, 1, kWorkersMax);
  options.add({"--rate", "RATE",
               "At most so many deliveries, retries included, such as 100/s, 90/m or 5/h"},
              [&to](const std::string& text) { return take_rate(text, to.queueing.per_second); });
  options.add_count(
      {"--max-in-flight", "COUNT",
       "Records in the hands of all workers together, those that wait there included"},
      to.queueing.max_in_flight, 1, UINT32_MAX);
  options.add_count(
      {"-a,--attempts", "COUNT", "Deliveries of a record before it is a dead letter (default 5)"},
      to.queueing.attempts, 1, kAttemptsMax);
  options.add({"--backoff", "FIRST[:LONGEST]",
               "Before a retry. Doubles from the first to the longest; of that a random part is "
               "waited (default 200ms:10s)"},
              [&to](const std::string& text) { return take_backoff(text, to.queueing.backoff); });
  options.add(
      {"--on-failure", "WHAT",
       "What the rest of a key does while one of its records waits for a retry: hold (it "
       "waits, the default) or detach (it goes on; order is given up)"},
      [&to](const std::string& text) { return take_on_failure(text, to.queueing.on_failure); });
  options.add_duration({"--timeout", "DURATION", "A longer run of the command is a failed attempt"},
                       to.handler.timeout, milliseconds(1));
  options.add_duration(
      {"--kill-after", "DURATION", "Then: from SIGTERM to SIGKILL, for all of it (default 2s)"},
      to.handler.kill_after, milliseconds(0));
  options.add(
      {"--reject-codes", "CODES", "Exit codes that are not tried again, such as 64,65"},
      [&to](const std::string& text) { return take_exit_codes(text, to.handler.reject_codes); });
  options.add(
      {"--retry-codes", "CODES", "The exit codes that are; no other one is then tried again"},
      [&to](const std::string& text) { return take_exit_codes(text, to.handler.retry_codes); });
}

void add_trying_out(CLI::App& app, RunOptions& to) {
  TypedOptions options(app, "Trying things out, with built-in handlers");
  options.add_share({"--fail-share", "SHARE", "This share of the deliveries fails, such as 0.1"},
                    to.handler.fail_share);
  options.add_share(
      {"--lose-share", "SHARE",
       "This share is lost as if its worker had died: the lease runs out, and it comes again"},
      to.handler.lose_share);
  options.add_duration(
      {"--lease", "DURATION", "Length of a lease (default 1h; with --lose-share 1s)"},
      to.queueing.lease, milliseconds(100));
  options.add_count({"--seed", "NUMBER", "Draws other failures and other back-offs (default 1)"},
                    to.handler.seed, 0, kNumberMax);
}

void add_results(CLI::App& app, ResultOptions& to) {
  TypedOptions options(app, "Results");
  options.add_path({"--dead-letters", "FILE",
                    "Where records that failed for good are written, as JSON, one a line; a new or "
                    "empty file"},
                   to.dead_letters);
  options.add_flag(
      "--append", [&to] { to.append = true; }, "The file of dead letters may hold some already");
  options.add_path(
      {"--journal", "DIR",
       "Keeps the run on disk: killed at any time, the same command goes on where it was. Needs "
       "--input with a file"},
      to.journal);
  options.add_path(
      {"--json", "FILE", "The report as JSON; - is standard output, instead of the table"},
      to.json);
  options.add_flag(
      "-q,--quiet", [&to] { to.quiet = true; }, "No progress while it runs");
  options.add_duration(
      {"--grace", "DURATION", "After Ctrl-C, to finish what was read (default 10s)"}, to.grace,
      milliseconds(0));
}

void add_options(CLI::App& app, RunOptions& to) {
  add_input(app, to.input);
  add_work(app, to);
  add_trying_out(app, to);
  add_results(app, to.result);
  app.set_help_flag("-h,--help", "Prints this");
  app.get_help_ptr()->group("Results");
}

// CLI11 parts groups by two empty lines; one is enough.
std::string help_of(const CLI::App& app) {
  std::string text = app.help();
  for (std::size_t at = 0; (at = text.find("\n\n\n")) != std::string::npos;) {
    text.erase(at, 1);
  }
  return text;
}

CommandLine wrong_line(std::string error) {
  return {.options = {}, .output = {}, .error = std::move(error)};
}

}  // namespace

CommandLine parse_run_arguments(const std::vector<std::string>& arguments) {
  RunOptions options;
  CLI::App app(kRunDescription, "laneway run");
  app.set_help_flag();
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(kRunFooter);
  add_options(app, options);

  // Everything after "--" is the command's, also what looks like an option of ours.
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  if (mark != arguments.end()) {
    options.handler.command.assign(mark + 1, arguments.end());
  }
  std::vector<std::string> ours(arguments.begin(), mark);
  std::reverse(ours.begin(), ours.end());  // CLI11 takes them last first
  try {
    app.parse(ours);
  } catch (const CLI::CallForHelp&) {
    return {.options = {}, .output = help_of(app), .error = {}};
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extras = app.remaining();
    return wrong_line(fmt::format("'{}' is not understood; a command goes after --",
                                  extras.empty() ? "" : extras.front()));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view text = error.what();
    const bool twice = text.find("At Most") != std::string_view::npos;
    return wrong_line(fmt::format("{} {}", text.substr(0, text.find(':')),
                                  twice ? "is given more than once" : "needs a value"));
  } catch (const CLI::ParseError& error) {
    return wrong_line(error.what());
  }
  std::string wrong = contradiction(options);
  if (!wrong.empty()) {
    return wrong_line(std::move(wrong));
  }
  return {.options = std::move(options), .output = {}, .error = {}};
}

}  // namespace laneway::tools

#include "tools/run/command_line.hpp"

#include "tools/run/builtin_handlers.hpp"
#include "tools/run/key_extractor.hpp"
#include "tools/run/quantity.hpp"
#include "tools/run/run_help.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

namespace laneway::tools {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kWorkersMax = 1024;
constexpr std::uint64_t kAttemptsMax = 60'000;
constexpr std::uint64_t kRecordBytesMax = 16 * 1024 * 1024;
constexpr std::uint64_t kReadAheadMax = 1'000'000;
constexpr milliseconds kLeaseMin{100};

struct Range {
  std::uint64_t min;
  std::uint64_t max;
};

[[noreturn]] void mistake(const std::string& text) {
  throw CLI::ValidationError(text);
}

// An option whose text is handed to `take`, which answers what is wrong with it, or nothing.
CLI::Option* add_text(CLI::App& app,
                      const std::string& name,
                      const std::string& help,
                      std::function<std::string(const std::string&)> take) {
  const auto check = [name, take = std::move(take)](const std::string& text) {
    const std::string wrong = take(text);
    if (!wrong.empty()) {
      mistake(fmt::format("{}: '{}' {}", name.substr(name.find("--")), text, wrong));
    }
  };
  return app.add_option_function<std::string>(name, check, help);
}

template <class Integer>
CLI::Option* add_count(
    CLI::App& app, const std::string& name, Integer& to, Range range, const std::string& help) {
  return add_text(app, name, help, [&to, range](const std::string& text) -> std::string {
    const auto value = parse_count(text);
    if (!value || *value < range.min || *value > range.max) {
      return fmt::format("is no number from {} to {}", format_count(range.min),
                         format_count(range.max));
    }
    to = static_cast<Integer>(*value);
    return {};
  });
}

CLI::Option* add_duration(CLI::App& app,
                          const std::string& name,
                          milliseconds& to,
                          milliseconds min,
                          const std::string& help) {
  return add_text(app, name, help, [&to, min](const std::string& text) -> std::string {
    const auto value = parse_duration(text);
    if (!value) {
      return "is no duration, such as 200ms, 2s, 5m or 1h";
    }
    to = *value;
    return *value < min ? fmt::format("is less than {}", format_duration(min)) : std::string();
  });
}

CLI::Option* add_share(CLI::App& app,
                       const std::string& name,
                       double& to,
                       const std::string& help) {
  return add_text(app, name, help, [&to](const std::string& text) -> std::string {
    const auto value = parse_share(text);
    to = value.value_or(0.0);
    return value ? "" : "is no share from 0 to 1, such as 0.1";
  });
}

std::string take_delimiter(const std::string& text, std::string& to) {
  to = text == "\\t" ? "\t" : text;
  return text.empty() ? "is empty" : "";
}

std::string take_backoff(const std::string& text, Backoff& to) {
  const std::size_t colon = text.find(':');
  const auto first = parse_duration(std::string_view(text).substr(0, colon));
  if (!first) {
    return "is no back-off, such as 200ms or 200ms:10s (the first, and the longest)";
  }
  to.first = *first;
  to.cap = std::max(*first, Backoff(QueueingOptions().backoff).cap);
  if (colon != std::string::npos) {
    const auto cap = parse_duration(std::string_view(text).substr(colon + 1));
    if (!cap) {
      return "has no duration after the colon";
    }
    to.cap = *cap;
  }
  to.floor = std::min(to.floor, to.first);
  return to.cap < to.first ? "has its longest below its first" : "";
}

std::string take_codes(const std::string& text, std::set<std::uint32_t>& to) {
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    const auto code = parse_count(rest.substr(0, comma));
    if (!code || *code == 0 || *code > 255) {
      return "is no list of exit codes from 1 to 255, such as 64,65";
    }
    to.insert(static_cast<std::uint32_t>(*code));
    if (comma == std::string_view::npos) {
      return {};
    }
    rest.remove_prefix(comma + 1);
  }
}

std::string take_on_failure(const std::string& text, OnFailure& to) {
  to = text == "detach" ? OnFailure::detach : OnFailure::hold;
  return text == "hold" || text == "detach" ? "" : "is neither hold nor detach";
}

void add_input_options(CLI::App& app, InputOptions& to) {
  app.add_option("-i,--input", to.path,
                 "Where the records come from; - is standard input, and the default")
      ->type_name("FILE")
      ->group("Input");
  app.add_flag_callback(
         "-0,--null", [&to] { to.separator = '\0'; },
         "Records end with a NUL byte instead of a newline")
      ->group("Input");
  add_text(app, "-k,--key",
           "What keeps records in order. Digits: the field of that number. Begins with /: a JSON "
           "pointer. Anything else: an extended regular expression; its first group that matched "
           "is the key. Without it records have no order",
           [&to](const std::string& text) {
             to.key = text;
             return std::string(text.empty() ? "is empty" : "");
           })
      ->type_name("RULE")
      ->group("Input");
  add_text(app, "-d,--delimiter", "What parts the fields, instead of white space; \\t is a tab",
           [&to](const std::string& text) { return take_delimiter(text, to.delimiter); })
      ->type_name("TEXT")
      ->group("Input");
  app.add_flag(
         "--strict-key", to.strict_key,
         "A record without a key becomes a dead letter; otherwise it is worked on without order")
      ->group("Input");
  add_text(app, "--record-bytes-max", "Longer records become dead letters (default 64k)",
           [&to](const std::string& text) -> std::string {
             const auto value = parse_bytes(text);
             to.record_bytes_max = value.value_or(0);
             return value && *value >= 1 && *value <= kRecordBytesMax ? ""
                                                                      : "is no size from 1 to 16m";
           })
      ->type_name("SIZE")
      ->group("Input");
  add_count(app, "--from", to.from, {1, UINT64_MAX >> 1}, "Passes over the records before this one")
      ->type_name("NUMBER")
      ->group("Input");
  add_count(app, "--read-ahead", to.read_ahead, {1, kReadAheadMax},
            "At most so many records are read and not finished (default 10000)")
      ->type_name("COUNT")
      ->group("Input");
}

void add_handler_options(CLI::App& app, HandlerOptions& to) {
  add_text(app, "--handler",
           "A built-in handler instead of a command: count, echo, verify, sleep:DURATION, fail",
           [&to](const std::string& text) {
             to.handler = text;
             return is_builtin_handler(text)
                        ? std::string()
                        : "is no handler: count, echo, verify, sleep:DURATION, fail";
           })
      ->type_name("NAME")
      ->group("Work");
  add_duration(app, "--timeout", to.timeout, milliseconds(1),
               "A command that runs longer is ended and tried again")
      ->type_name("DURATION")
      ->group("Work");
  add_duration(app, "--kill-after", to.kill_after, milliseconds(0),
               "From SIGTERM to SIGKILL for the process group of such a command (default 2s)")
      ->type_name("DURATION")
      ->group("Work");
  add_text(app, "--reject-codes", "Exit codes that make a dead letter at once, such as 64,65",
           [&to](const std::string& text) { return take_codes(text, to.reject_codes); })
      ->type_name("CODES")
      ->group("Work");
  add_share(app, "--fail-share", to.fail_share,
            "A built-in handler fails this share of its deliveries")
      ->type_name("SHARE")
      ->group("Trying things out");
  add_share(app, "--lose-share", to.lose_share,
            "A built-in handler loses this share of its deliveries as if its worker had died: the "
            "lease runs out")
      ->type_name("SHARE")
      ->group("Trying things out");
  add_count(app, "--seed", to.seed, {0, UINT64_MAX >> 1},
            "Draws other failures and other jitter (default 1)")
      ->type_name("NUMBER")
      ->group("Trying things out");
}

void add_queueing_options(CLI::App& app, QueueingOptions& to) {
  add_count(app, "-w,--workers", to.workers, {1, kWorkersMax},
            "Records worked on at the same time (default: the number of cores)")
      ->type_name("COUNT")
      ->group("Work");
  add_count(app, "-a,--attempts", to.attempts, {1, kAttemptsMax},
            "Deliveries of a record before it is a dead letter (default 5)")
      ->type_name("COUNT")
      ->group("Work");
  add_text(app, "--backoff",
           "Wait before a retry: doubles from the first to the longest, of which a random part is "
           "waited (default 200ms:10s)",
           [&to](const std::string& text) { return take_backoff(text, to.backoff); })
      ->type_name("FIRST[:LONGEST]")
      ->group("Work");
  add_text(
      app, "--on-failure",
      "What the rest of a key does while one of its records waits for a retry: hold (wait, the "
      "default) or detach (go on; order is given up)",
      [&to](const std::string& text) { return take_on_failure(text, to.on_failure); })
      ->type_name("WHAT")
      ->group("Work");
  add_duration(app, "--lease", to.lease, kLeaseMin,
               "Length of a lease; it is extended while a worker is at work (default 1h; 1s with "
               "--lose-share)")
      ->type_name("DURATION")
      ->group("Work");
}

void add_result_options(CLI::App& app, ResultOptions& to) {
  app.add_option("--dead-letters", to.dead_letters,
                 "Writes what failed for good as JSON, one a line; the file must be new or empty")
      ->type_name("FILE")
      ->group("Results");
  app.add_flag("--append", to.append, "Adds to a file of dead letters that is there already")
      ->group("Results");
  app.add_option("--json", to.json,
                 "Writes the report as JSON too; - is standard output, instead of the table")
      ->type_name("FILE")
      ->group("Results");
  app.add_flag("-q,--quiet", to.quiet, "No progress while it runs")->group("Results");
  add_duration(app, "--grace", to.grace, milliseconds(0),
               "After Ctrl-C: time to finish what was read (default 10s)")
      ->type_name("DURATION")
      ->group("Results");
}

// What no single option can tell.
std::string contradiction(const RunOptions& options) {
  const HandlerOptions& handler = options.handler;
  const bool command = !handler.command.empty();
  if (command && !handler.handler.empty()) {
    return "give a command or --handler, not both";
  }
  if (!command && handler.handler.empty()) {
    return "say what to do: a command after --, or --handler (count, echo, verify, ...)";
  }
  if (command && handler.command[0].empty()) {
    return "the command is empty";
  }
  if (command && (handler.fail_share > 0 || handler.lose_share > 0)) {
    return "--fail-share and --lose-share are for built-in handlers";
  }
  if (handler.fail_share + handler.lose_share > 1.0) {
    return "--fail-share and --lose-share add up to more than 1";
  }
  if (!command && (handler.timeout.count() > 0 || !handler.reject_codes.empty())) {
    return "--timeout and --reject-codes are for commands";
  }
  if (handler.handler == "verify" && options.queueing.on_failure == OnFailure::detach) {
    return "--handler verify checks the order, which --on-failure detach gives up";
  }
  if (options.input.strict_key && options.input.key.empty()) {
    return "--strict-key needs --key";
  }
  if (options.result.append && options.result.dead_letters.empty()) {
    return "--append needs --dead-letters";
  }
  if (options.result.dead_letters == "-") {
    return "--dead-letters needs a file";
  }
  std::string wrong;
  if (!KeyExtractor::make(options.input.key, options.input.delimiter, wrong)) {
    return "--key: " + wrong;
  }
  return {};
}

}  // namespace

CommandLine parse_run_arguments(const std::vector<std::string>& arguments) {
  RunOptions options;
  CLI::App app(kRunDescription, "laneway run");
  app.set_help_flag("-h,--help", "Prints this");
  app.get_help_ptr()->group("Results");
  app.footer(kRunFooter);
  app.get_formatter()->column_width(32);
  add_input_options(app, options.input);
  add_handler_options(app, options.handler);
  add_queueing_options(app, options.queueing);
  add_result_options(app, options.result);

  // Everything after "--" is the command's, also what looks like an option of ours.
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> ours(std::make_reverse_iterator(mark),
                                std::make_reverse_iterator(arguments.begin()));
  if (mark != arguments.end()) {
    options.handler.command.assign(mark + 1, arguments.end());
  }
  try {
    app.parse(ours);  // takes them last first
  } catch (const CLI::CallForHelp&) {
    return {.options = {}, .output = app.help(), .error = {}};
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extras = app.remaining();
    return {.options = {},
            .output = {},
            .error = fmt::format("'{}' is not understood; a command goes after --",
                                 extras.empty() ? "" : extras.front())};
  } catch (const CLI::ParseError& error) {
    return {.options = {}, .output = {}, .error = error.what()};
  }
  std::string wrong = contradiction(options);
  if (!wrong.empty()) {
    return {.options = {}, .output = {}, .error = std::move(wrong)};
  }
  return {.options = std::move(options), .output = {}, .error = {}};
}

}  // namespace laneway::tools

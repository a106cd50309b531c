#include "tools/run/run_options.hpp"

#include "tools/run/command_template.hpp"
#include "tools/run/key_extractor.hpp"

namespace laneway::tools {

namespace {

std::string about_each_worker(const HandlerOptions& options) {
  if (!options.each_worker) {
    return options.line == HandlerOptions().line ? "" : "--line needs --each-worker";
  }
  if (options.command.empty()) {
    return "--each-worker needs a command";
  }
  if (CommandTemplate(options.command).has_places()) {
    return "with --each-worker the command gets each record on its standard input, see --line; its "
           "words have no places";
  }
  return "";
}

std::string about_rules(const InputOptions& options) {
  if (!options.delimiter.empty() && !KeyExtractor::is_field(options.key) &&
      !KeyExtractor::is_field(options.dedup) && !KeyExtractor::is_field(options.priority)) {
    return "--delimiter needs --key, --dedup or --priority with a field number";
  }
  if (options.dedup.empty() && options.dedup_window != InputOptions().dedup_window) {
    return "--dedup-window needs --dedup";
  }
  std::string wrong;
  if (!KeyExtractor::make(options.key, options.delimiter, wrong)) {
    return "--key: " + wrong;
  }
  if (!KeyExtractor::make(options.dedup, options.delimiter, wrong)) {
    return "--dedup: " + wrong;
  }
  if (!KeyExtractor::make(options.priority, options.delimiter, wrong)) {
    return "--priority: " + wrong;
  }
  return {};
}

std::string about_handler(const HandlerOptions& options) {
  const bool command = !options.command.empty();
  if (command && !options.handler.empty()) {
    return "give a command or --handler, not both";
  }
  if (!command && options.handler.empty()) {
    return "say what to do: a command after --, or --handler (count, echo, verify, ...)";
  }
  if (command && options.command[0].empty()) {
    return "the command is empty";
  }
  if (command && (options.fail_share > 0 || options.lose_share > 0)) {
    return "--fail-share and --lose-share are for built-in handlers";
  }
  if (options.fail_share + options.lose_share > 1.0) {
    return "--fail-share and --lose-share add up to more than 1";
  }
  if (!command && (options.timeout.count() > 0 || !options.reject_codes.empty() ||
                   !options.retry_codes.empty())) {
    return "--timeout, --reject-codes and --retry-codes are for commands";
  }
  for (const std::uint32_t code : options.retry_codes) {
    if (options.reject_codes.count(code) != 0) {
      return "--retry-codes and --reject-codes name the same code";
    }
  }
  return about_each_worker(options);
}

}  // namespace

std::string contradiction(const RunOptions& options) {
  std::string wrong = about_handler(options.handler);
  if (!wrong.empty()) {
    return wrong;
  }
  if (options.handler.handler == "verify" && options.queueing.on_failure == OnFailure::detach) {
    return "--handler verify checks the order, which --on-failure detach gives up";
  }
  if (!options.input.replay.empty() && options.input.path != "-") {
    return "--replay takes the place of --input";
  }
  if (options.input.strict_key && !options.input.has_keys()) {
    return "--strict-key needs --key";
  }
  if (options.result.append && options.result.dead_letters.empty()) {
    return "--append needs --dead-letters";
  }
  if (!options.result.journal.empty()) {
    if (options.input.path == "-") {
      return "--journal needs --input with a file, which is read again when the run goes on";
    }
    if (!options.input.dedup.empty() || !options.input.priority.empty()) {
      return "--journal does not go with --dedup and --priority";
    }
  }
  if (options.result.dead_letters == "-") {
    return "--dead-letters needs a file";
  }
  return about_rules(options.input);
}

}  // namespace laneway::tools

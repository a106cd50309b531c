#include "tools/run/run_options.hpp"

#include "tools/run/key_extractor.hpp"

namespace laneway::tools {

namespace {

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
  if (!command && (options.timeout.count() > 0 || !options.reject_codes.empty())) {
    return "--timeout and --reject-codes are for commands";
  }
  return {};
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
  if (options.input.strict_key && options.input.key.empty()) {
    return "--strict-key needs --key";
  }
  if (options.result.append && options.result.dead_letters.empty()) {
    return "--append needs --dead-letters";
  }
  if (options.result.dead_letters == "-") {
    return "--dead-letters needs a file";
  }
  if (!KeyExtractor::make(options.input.key, options.input.delimiter, wrong)) {
    return "--key: " + wrong;
  }
  return {};
}

}  // namespace laneway::tools

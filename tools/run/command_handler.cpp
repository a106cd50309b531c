#include "tools/run/command_handler.hpp"

#include "tools/run/child_spawn.hpp"
#include "tools/run/command_template.hpp"
#include "tools/run/command_watch.hpp"
#include "tools/run/quantity.hpp"
#include "tools/run/text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace laneway::tools {

namespace {

using Kind = Verdict::Kind;

constexpr std::uint32_t kTimeoutClass = 124;  // as timeout(1) answers
constexpr std::uint32_t kSignalClass = 128;   // plus the signal, as a shell answers

class CommandHandler final : public Handler {
 public:
  CommandHandler(const HandlerOptions& options,
                 char separator,
                 Console& console,
                 RunControl& control)
      : options_(options),
        template_(options.command),
        separator_(separator),
        console_(console),
        control_(control) {}

  Verdict handle(const Delivery& delivery, LeaseKeeper& lease) override {
    const std::string_view obstacle = template_.obstacle(delivery);
    if (!obstacle.empty()) {
      return {.kind = Kind::reject, .error = std::string(obstacle)};
    }
    CommandWatch watch(console_, control_, lease);
    const ChildEnd end = run_child(command_for(delivery), watch);
    const bool whole = watch.finish();
    if (end.how == ChildEnd::How::not_started) {
      return not_started(end.code, options_, control_);
    }
    if (!whole || (end.how == ChildEnd::How::stopped && watch.has_lease())) {
      return {.kind = Kind::give_back};
    }
    return judge(end, options_, watch.last_error());
  }

 private:
  ChildCommand command_for(const Delivery& delivery) const {
    ChildCommand command{.arguments = template_.arguments(delivery),
                         .environment = CommandTemplate::environment(delivery),
                         .has_input = template_.record_on_input(),
                         .input = {},
                         .timeout = options_.timeout,
                         .kill_after = options_.kill_after};
    if (command.has_input) {
      command.input.assign(delivery.record);
      command.input += separator_;
    }
    return command;
  }

  const HandlerOptions options_;
  const CommandTemplate template_;
  const char separator_;
  Console& console_;
  RunControl& control_;
};

}  // namespace

Verdict not_started(int failed, const HandlerOptions& options, RunControl& control) {
  const std::string reason = std::strerror(failed);
  if (failed == E2BIG) {
    return {.kind = Kind::reject, .error = error_text("not started", reason), .error_class = 126};
  }
  if (failed == EAGAIN || failed == ENOMEM || failed == EMFILE || failed == ENFILE) {
    return {.kind = Kind::retry, .error = error_text("not started", reason), .error_class = 126};
  }
  control.fail(fmt::format("cannot run '{}': {}", options.command[0], reason));
  return {.kind = Kind::give_back};
}

std::string lacking_program(const std::string& name) {
  if (find_program(name).empty()) {
    return fmt::format("cannot run '{}': no such program, or it cannot be executed", name);
  }
  return {};
}

Verdict judge(const ChildEnd& end, const HandlerOptions& options, std::string_view last_line) {
  const auto code = static_cast<std::uint32_t>(end.code);
  switch (end.how) {
    case ChildEnd::How::exited:
      if (code == 0) {
        return {};
      }
      return {.kind = options.is_permanent(code) ? Kind::reject : Kind::retry,
              .error = error_text(fmt::format("exit {}", code), last_line),
              .error_class = code};
    case ChildEnd::How::signalled:
      return {.kind = Kind::retry,
              .error = error_text(fmt::format("signal {} ({})", end.code, strsignal(end.code)),
                                  last_line),
              .error_class = kSignalClass + code};
    case ChildEnd::How::timed_out:
      return {.kind = Kind::retry,
              .error = error_text("timeout after " + compact_duration(options.timeout), last_line),
              .error_class = kTimeoutClass};
    case ChildEnd::How::stopped:
    case ChildEnd::How::not_started:
      break;
  }
  return {.kind = Kind::retry, .error = "the lease was lost"};
}

std::unique_ptr<Handler> make_command_handler(const HandlerOptions& options,
                                              char separator,
                                              Console& console,
                                              RunControl& control,
                                              std::string& mistake) {
  const std::string& name = options.command[0];
  if (name.find('{') == std::string::npos) {
    mistake = lacking_program(name);
  }
  if (!mistake.empty()) {
    return nullptr;
  }
  return std::make_unique<CommandHandler>(options, separator, console, control);
}

}  // namespace laneway::tools

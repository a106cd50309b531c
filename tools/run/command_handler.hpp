// The handler that runs a command for each delivery.
#pragma once

#include "tools/run/child_process.hpp"
#include "tools/run/console.hpp"
#include "tools/run/handler.hpp"
#include "tools/run/run_options.hpp"

#include <memory>
#include <string>

namespace laneway::tools {

// `options.command` is not empty. Null, and `mistake` says why, when there is no such program.
std::unique_ptr<Handler> make_command_handler(const HandlerOptions& options,
                                              char separator,
                                              Console& console,
                                              RunControl& control,
                                              std::string& mistake);

// Why it will not run: there is no such program. Empty when there is.
std::string lacking_program(const std::string& name);

// A command could not be started, `failed` is the errno. What would fail for every record ends the
// run.
Verdict not_started(int failed, const HandlerOptions& options, RunControl& control);

// What the end of a command means: exit 0 acknowledges, a permanent code rejects, all else is a
// retry.
// `last_line` is what the command said last on standard error.
Verdict judge(const ChildEnd& end, const HandlerOptions& options, std::string_view last_line);

}  // namespace laneway::tools

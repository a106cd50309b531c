// The handler of --each-worker: one long-lived command for each worker, which reads records line by
// line and answers each with one line. docs/run.md tells the protocol.
#pragma once

#include "tools/run/console.hpp"
#include "tools/run/handler.hpp"
#include "tools/run/run_options.hpp"

#include <memory>
#include <string>

namespace laneway::tools {

// `options.handler.command` is not empty, the number of workers is filled in. Null, and `mistake`
// says why, when there is no such program.
std::unique_ptr<Handler> make_line_handler(const RunOptions& options,
                                           Console& console,
                                           RunControl& control,
                                           std::string& mistake);

}  // namespace laneway::tools

// The job of `laneway run`, from its options to its exit status.
#pragma once

#include "tools/run/run_options.hpp"

namespace laneway::tools {

ExitStatus run(const RunOptions& options);

}  // namespace laneway::tools

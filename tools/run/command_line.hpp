// The command line of `laneway run`: text in, RunOptions out.
#pragma once

#include "tools/run/run_options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace laneway::tools {

// What a command line came to: options, or something to print and a status to leave with.
struct CommandLine {
  std::optional<RunOptions> options;
  std::string output;  // help, for standard output
  std::string error;   // the mistake, for standard error
};

// `arguments` are those after `laneway run`. Everything after the first "--" is the command.
CommandLine parse_run_arguments(const std::vector<std::string>& arguments);

}  // namespace laneway::tools

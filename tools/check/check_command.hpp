// The command `laneway check`.
#pragma once

#include <string>
#include <vector>

namespace laneway::check {

// Answers the exit status: 0 the history holds, 1 it is violated, 2 it cannot be read.
int check_command(const std::vector<std::string>& arguments);

}  // namespace laneway::check

// The command `laneway journal`.
#pragma once

#include <string>
#include <vector>

namespace laneway::journal_tool {

// Answers the exit status: 0 sound, 1 torn tail, 2 corrupt, 3 not to be judged or wrong arguments.
int journal_command(const std::vector<std::string>& arguments);

}  // namespace laneway::journal_tool

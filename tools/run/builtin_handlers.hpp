// The handlers that need no command: count, echo, verify, sleep:DURATION, fail.
#pragma once

#include "tools/run/console.hpp"
#include "tools/run/handler.hpp"

#include <memory>
#include <string_view>

namespace laneway::tools {

bool is_builtin_handler(std::string_view name);

// The records of this handler go to standard output.
bool prints_records(std::string_view name);

// `name` is one; `separator` ends what echo prints.
std::unique_ptr<Handler> make_builtin_handler(std::string_view name,
                                              char separator,
                                              Console& console,
                                              const RunControl& control);

}  // namespace laneway::tools

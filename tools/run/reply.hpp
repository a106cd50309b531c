// Reply: the one line with which a command of --each-worker answers a record.
//
//   ok
//   retry [REASON]
//   reject [REASON]
#pragma once

#include "tools/run/handler.hpp"

#include <optional>
#include <string_view>

namespace laneway::tools {

// `line` without its end, a CR before it is passed over. Nothing: it is no reply. Pure.
std::optional<Verdict> parse_reply(std::string_view line);

}  // namespace laneway::tools

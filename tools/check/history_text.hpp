// Histories as text, one line an event, in any order: docs/history.md. Programs append lines to
// one file, also several at a time.
#pragma once

#include "tools/check/event.hpp"

#include <istream>
#include <string>

namespace laneway::check {

inline constexpr const char* kFirstLine = "laneway-history 1";

// Lines end in a newline.
std::string rules_line(const Rules& rules);
std::string event_line(const Event& event);

// False: it cannot be read, and `why` says where and why.
bool read_history(std::istream& text, History* history, std::string* why);

}  // namespace laneway::check

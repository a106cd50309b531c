// Floor 0. What the system says about an errno.
#pragma once

#include <string>
#include <system_error>

namespace laneway::engine {

inline std::string errno_text(int number) {
  return std::generic_category().message(number);
}

}  // namespace laneway::engine

// How a random test says that a rule is broken: by an exception that names the rule.
#pragma once

#include <stdexcept>

namespace laneway::engine {

struct BrokenRule : std::logic_error {
  using std::logic_error::logic_error;
};

inline void require(bool holds, const char* rule) {
  if (!holds) [[unlikely]] {
    throw BrokenRule(rule);
  }
}

}  // namespace laneway::engine

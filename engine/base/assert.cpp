#include "engine/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace laneway::engine {

void assertion_failed(const char* file, int line, const char* expression) noexcept {
  std::fprintf(stderr, "laneway: %s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace laneway::engine

// Floor 0. Assertions about our own code; input of users is never asserted.
//
// LANEWAY_CHECK(condition) is always on: cold paths and cheap guards of memory. LANEWAY_ASSERT is
// on in every build but release (LANEWAY_RELEASE), where its condition is compiled and not
// evaluated.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace laneway::engine {

#if defined(LANEWAY_MODEL) && LANEWAY_MODEL == 1
[[noreturn]] inline void assertion_failed(const char* file, int line, const char* condition);
#else
// Out of the way of the hot code that calls it. Ends the program: what failed is a mistake of ours,
// and going on would spread it.
[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* file,
                                                                    int line,
                                                                    const char* condition) {
  std::fprintf(stderr, "%s:%d: laneway: this must hold: %s\n", file, line, condition);
  std::abort();
}
#endif

}  // namespace laneway::engine

#define LANEWAY_CHECK(condition) \
  (static_cast<bool>(condition)  \
       ? static_cast<void>(0)    \
       : ::laneway::engine::assertion_failed(__FILE__, __LINE__, #condition))

#ifdef LANEWAY_RELEASE
#define LANEWAY_ASSERT(condition) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define LANEWAY_ASSERT(condition) LANEWAY_CHECK(condition)
#endif

// Floor 0. Prefetches that the compiler's own would weaken.
#pragma once

namespace laneway::engine {

// Asks for the line as its only owner. Without -mprfchw the builtin asks for a shared copy, and the
// write that follows waits for the other core a second time. Processors without it ignore it.
inline void prefetch_for_writing(const void* line) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(line)));
#else
  __builtin_prefetch(line, 1);
#endif
}

}  // namespace laneway::engine

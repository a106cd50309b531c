// Floor 3. no_memory: the answer of a verb that allocates when the system refuses memory. Only what
// is copied for a caller is allocated, so nothing is lost by it.
#pragma once

#include <laneway/result.hpp>

#include <new>

namespace laneway::engine {

// What the verb answers, or no_memory.
template <class Verb>
auto unless_no_memory(Verb verb) -> decltype(verb()) {
  try {
    return verb();
  } catch (const std::bad_alloc&) {
    return Error{Errc::no_memory, 0, "the system refused memory"};
  }
}

}  // namespace laneway::engine

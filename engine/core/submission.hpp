// Floor 2. Submission: a message as it travels through the inbox ring. Times are absolute, so that
// a message that lies in the ring for a while is not late for that.
#pragma once

#include "engine/core/message_body.hpp"

#include <cstdint>

namespace laneway::engine {

struct Submission : MessageBody {
  std::uint64_t due_tick;  // not before this tick; 0: at once
};
static_assert(sizeof(Submission) + sizeof(std::uint64_t) == 2 * kCacheLine,
              "with its sequence, one hand-off moves one ring slot of two lines");

}  // namespace laneway::engine

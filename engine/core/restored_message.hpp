// Floor 2. RestoredMessage: a message of an earlier life on its way back into a shard.
#pragma once

#include <laneway/dead_letter.hpp>

#include "engine/core/submission.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace laneway::engine {

struct RestoredAttempt {
  std::uint16_t number = 0;
  AttemptEnd end = AttemptEnd::nacked;
  std::uint32_t error_class = 0;
  std::uint32_t consumer = 0;
  std::int64_t granted_ns = 0;
  std::int64_t ended_ns = 0;
  std::string_view text = {};
};
struct RestoredMessage {
  Submission submission = {};
  std::uint64_t position = 0;
  std::int64_t published_ns = 0;
  std::uint16_t attempts = 0;
  std::int32_t priority = 0;
  std::span<const RestoredAttempt> story = {};
};

}  // namespace laneway::engine

// Scenario of Watermark: threads that see a level rise and fall, each in its own turn.
//
//   two threads tell at once, or one does not see what was told before   forbidden: plain data
//   the same edge is told twice                                          forbidden
//   at the end something else has been told than what is                 forbidden
//   a rise and its fall are never told                                   allowed: they cancel out
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/concurrent/watermark.hpp"

#include <cstdint>

namespace laneway::engine {

template <unsigned kLookers, std::uint64_t kTimes = 1>
class WatermarkEdges {
 public:
  static constexpr unsigned kThreads = kLookers;
  static constexpr std::uint64_t kOperations = kLookers * kTimes;

  void run(unsigned thread) {
    for (std::uint64_t i = 0; i < kTimes; ++i) {
      mark_.set((thread + i) % 2 == 0, [this](bool above) {
        LANEWAY_CHECK(told_.get() != (above ? 1u : 0u));
        told_.set(above ? 1 : 0);
      });
    }
  }

  void after() { LANEWAY_CHECK(told_.get() == (mark_.above() ? 1u : 0u)); }

 private:
  Watermark mark_;
  handoff<std::uint32_t> told_;
};

}  // namespace laneway::engine

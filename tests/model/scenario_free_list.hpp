// Scenarios of FreeList.
//
//   a block belongs to two threads at the same time                   forbidden: plain data shows
//   it a taker sees less of a block than its last owner left             forbidden a thread is told
//   that there is no block though one was free all the time     forbidden a block taken is not the
//   one given back last                      allowed
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/concurrent/free_list.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

// Each thread takes kHeld blocks, writes to them, and gives them back, kTurns times. There is a
// block for everybody at any time.
template <unsigned kThreadCount, std::uint32_t kHeld, unsigned kTurns>
class FreeListTurns {
 public:
  static constexpr unsigned kThreads = kThreadCount;
  static constexpr std::uint64_t kOperations = std::uint64_t{kThreads} * kHeld * kTurns;

  FreeListTurns() : list_(links_) {}

  void run(unsigned) {
    for (unsigned turn = 0; turn < kTurns; ++turn) {
      std::array<std::uint32_t, kHeld> held;
      for (std::uint32_t& block : held) {
        block = list_.pop();
        LANEWAY_CHECK(block < kBlocks);
        uses_[block].set(uses_[block].get() + 1);
      }
      for (const std::uint32_t block : held) {
        list_.push(block);
      }
    }
  }

  // All blocks are there, each once, and no use was lost.
  void after() {
    std::uint64_t uses = 0;
    std::array<bool, kBlocks> seen{};
    for (std::size_t i = 0; i < kBlocks; ++i) {
      const std::uint32_t block = list_.pop();
      LANEWAY_CHECK(block < kBlocks);
      LANEWAY_CHECK(!seen[block]);
      seen[block] = true;
      uses += uses_[block].get();
    }
    LANEWAY_CHECK(list_.pop() == FreeList::kNone);
    LANEWAY_CHECK(uses == kOperations);
  }

 private:
  static constexpr std::size_t kBlocks = std::size_t{kThreads} * kHeld;

  std::array<FreeList::Link, kBlocks> links_{};
  FreeList list_;
  std::array<handoff<std::uint64_t>, kBlocks> uses_;
};

}  // namespace laneway::engine

// Scenario of OutboxRing: frames from a holder to the journal's writer. Holders change, one at a
// time, as their token says; here one thread stands for all of them.
//
//   a word is read before it is written, or after it is overwritten    forbidden
//   a frame is lost, taken twice, cut, or taken before it is published  forbidden
//   a frame appended and not yet published is not seen                  allowed
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/concurrent/outbox_ring.hpp"
#include "tests/model/give_way.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace laneway::engine {

struct OutboxShape {
  static constexpr std::uint64_t kFrames = 3;
  static constexpr std::uint64_t kWords = 4;  // of the ring: two frames of two words
  static constexpr std::uint64_t kPublishEach = 1;
};

template <class Shape>
class OutboxFrames {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = Shape::kFrames;

  OutboxFrames() : ring_(words_) {}

  void run(unsigned thread) { thread == 0 ? append() : take(); }

  void after() { LANEWAY_CHECK(ring_.room() == Shape::kWords); }

 private:
  void append() {
    std::uint64_t unpublished = 0;
    for (std::uint64_t number = 0; number < Shape::kFrames;) {
      if (ring_.room() < 2) {
        ring_.publish();
        unpublished = 0;
        give_way();
        continue;
      }
      ring_.append(std::span(&number, 1), {});
      ++number;
      if (++unpublished == Shape::kPublishEach || number == Shape::kFrames) {
        ring_.publish();
        unpublished = 0;
      }
    }
  }

  void take() {
    for (std::uint64_t number = 0; number < Shape::kFrames;) {
      const std::uint64_t size = ring_.next();
      if (size == 0) {
        give_way();
        continue;
      }
      LANEWAY_CHECK(size == 1);
      LANEWAY_CHECK(ring_.word(0) == number);
      ++number;
      ring_.pass(size);
      ring_.release();
    }
  }

  std::array<OutboxRing::Word, Shape::kWords> words_;
  OutboxRing ring_;
};

}  // namespace laneway::engine

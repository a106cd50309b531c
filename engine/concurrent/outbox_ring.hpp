// Floor 1. OutboxRing: frames of bytes on their way from the holder of a shard's token to the
// journal's writer. One producer at a time (whoever holds the token), one consumer.
//
// Append writes a frame behind the last one, publish shows all appended frames at once. A frame is
// a word with its size, then its words; it may wrap around the end. The consumer reads from its
// head and gives the space back with release.
// Progress: every operation is wait-free.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/limits.hpp"

#include <bit>
#include <cstdint>
#include <span>

namespace laneway::engine {

class OutboxRing {
 public:
  using Word = handoff<std::uint64_t>;

  // The number of words is a power of two.
  explicit OutboxRing(std::span<Word> words) : words_(words.data()), mask_(words.size() - 1) {
    LANEWAY_CHECK(std::has_single_bit(words.size()));
  }

  // --- producer ----------------------------------------------------------------------------------
  // Words that can be appended now, the size word of each frame included.
  std::uint64_t room() const noexcept {
    // (O3) acquire, pairs with (O4): the consumer has read what we are going to overwrite.
    const std::uint64_t head = head_.load(std::memory_order_acquire);  // (O3)
    return mask_ + 1 - (appended_ - head);
  }
  // A frame of these words one after the other; there must be room for them and one more.
  void append(std::span<const std::uint64_t> head, std::span<const std::uint64_t> rest) noexcept {
    put(head.size() + rest.size());
    for (const std::uint64_t word : head) {
      put(word);
    }
    for (const std::uint64_t word : rest) {
      put(word);
    }
  }
  void publish() noexcept {
    // Writer: the holder. Reader: the journal's writer.
    // (O1) release, pairs with (O2): the words of the frames.
    tail_.store(appended_, std::memory_order_release);  // (O1)
  }

  // --- consumer ----------------------------------------------------------------------------------
  // Words of the frame at the head, its size word not counted; 0: there is none.
  std::uint64_t next() noexcept {
    if (taken_ == seen_) {
      seen_ = tail_.load(std::memory_order_acquire);  // (O2) acquire, pairs with (O1)
    }
    return taken_ == seen_ ? 0 : words_[taken_ & mask_].get();
  }
  std::uint64_t word(std::uint64_t index) const noexcept {
    return words_[(taken_ + 1 + index) & mask_].get();
  }
  // Behind the frame at the head. Its space is still taken.
  void pass(std::uint64_t frame_words) noexcept { taken_ += frame_words + 1; }
  void release() noexcept {
    // Writer: the journal's writer. Reader: the holder.
    // (O4) release, pairs with (O3): the words have been read.
    head_.store(taken_, std::memory_order_release);  // (O4)
  }

 private:
  void put(std::uint64_t word) noexcept { words_[appended_++ & mask_].set(word); }

  // The holder's, guarded by the token, but for the tail.
  alignas(kDestructive) std::uint64_t appended_ = 0;
  atomic<std::uint64_t> tail_{0};
  Word* const words_;
  const std::uint64_t mask_;
  // The writer's.
  alignas(kDestructive) std::uint64_t taken_ = 0;
  std::uint64_t seen_ = 0;
  atomic<std::uint64_t> head_{0};
};

}  // namespace laneway::engine

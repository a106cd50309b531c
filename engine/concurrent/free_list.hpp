// Floor 1. FreeList: a lock-free stack of block numbers; the payload pool's list of free blocks.
//
// A block number is taken from the top of the stack, or, when that is empty, from the numbers never
// used so far: memory is touched only when it is needed. The head carries a tag that changes with
// every pop, so that a block popped and pushed again in between is not mistaken for the old one
// (ABA). Source: Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986.
// Progress: lock-free.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/limits.hpp"

#include <cstdint>
#include <span>

namespace laneway::engine {

class FreeList {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  using Link = atomic<std::uint32_t>;  // all-zero: never used

  explicit FreeList(std::span<Link> links)
      : links_(links.data()), size_(static_cast<std::uint32_t>(links.size())) {}

  // A free block, or kNone.
  std::uint32_t pop() noexcept {
    for (;;) {
      // Writers: any popper and pusher. Reader: a popper.
      // (F1) acquire, pairs with (F2): the link of the top block, and the end of its last use. The
      // exchange below succeeds only on what was read here, so it can be relaxed.
      std::uint64_t head = head_.load(std::memory_order_acquire);
      if (top(head) == 0) {
        return pop_fresh();
      }
      const std::uint32_t below = links_[top(head) - 1].load(std::memory_order_relaxed);
      const std::uint32_t block = top(head) - 1;
      if (head_.compare_exchange_weak(head, with_tag(tag(head) + 1, below),
                                      std::memory_order_relaxed, std::memory_order_relaxed)) {
        return block;
      }
    }
  }

  void push(std::uint32_t block) noexcept {
    LANEWAY_ASSERT(block < size_);
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    for (;;) {
      links_[block].store(top(head), std::memory_order_relaxed);
      // (F2) release, pairs with (F1): the link, and the end of all use of the block. Poppers only
      // exchange the head, so whoever reads a later one has this release behind it too.
      if (head_.compare_exchange_weak(head, with_tag(tag(head), block + 1),
                                      std::memory_order_release, std::memory_order_relaxed)) {
        return;
      }
    }
  }

 private:
  std::uint32_t pop_fresh() noexcept {
    std::uint32_t fresh = fresh_.load(std::memory_order_relaxed);
    while (fresh < size_) {
      if (fresh_.compare_exchange_weak(fresh, fresh + 1, std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
        return fresh;
      }
    }
    return kNone;
  }

  static std::uint32_t top(std::uint64_t head) noexcept { return static_cast<std::uint32_t>(head); }
  static std::uint32_t tag(std::uint64_t head) noexcept {
    return static_cast<std::uint32_t>(head >> 32);
  }
  static std::uint64_t with_tag(std::uint32_t tag, std::uint32_t top) noexcept {
    return std::uint64_t{tag} << 32 | top;
  }

  Link* const links_;
  const std::uint32_t size_;
  alignas(kDestructive) atomic<std::uint64_t> head_{0};  // tag, block + 1
  atomic<std::uint32_t> fresh_{0};
};

}  // namespace laneway::engine

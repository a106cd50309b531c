// Floor 1. ReturnsRing: settlers hand finished leases back to the holder of the shard's token.
//
// Push: one fetch_add claims a cell, one store fills it. It cannot be full: every Lease pushes
// exactly one final entry in its life, the shard grants no more leases than there are cells
// (credits), and a credit comes back only when its entry has been drained. A cell claimed and not
// yet filled stops the drain at that cell.
//
// Closing: close() sets a bit in the tail. Every push after that answers that it came late, so that
// close and the last lease agree on who frees the shard.
// Progress: push is wait-free but for the cost of fetch_add; drain never waits and stops at a hole.
// End of the path of a message that began in include/laneway/queue.hpp.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/limits.hpp"
#include "engine/base/stall_point.hpp"

#include <bit>
#include <cstdint>
#include <span>

namespace laneway::engine {

class ReturnsRing {
 public:
  // What a cell carries: a kind and an index, 40 bits in all.
  static constexpr unsigned kEntryBits = 40;
  using Cell = atomic<std::uint64_t>;  // all-zero: never filled

  struct Claim {
    std::uint64_t position;
    bool closed;  // the ring had been closed before
  };

  // The number of cells is a power of two and at least the number of credits.
  explicit ReturnsRing(std::span<Cell> cells)
      : cells_(cells.data()),
        mask_(cells.size() - 1),
        shift_(static_cast<unsigned>(std::countr_zero(cells.size()))) {
    LANEWAY_CHECK(std::has_single_bit(cells.size()));
  }

  // By settlers. Claims n cells at once; each must then be filled by put().
  Claim claim(std::uint32_t count) noexcept {
    // Writer: any settler. Readers: settlers, and threads about to sleep.
    // (S1) sequentially consistent, pairs with (S2) through EventCount: the claim, then the look
    // for waiters. Also orders itself against close (S5).
    const std::uint64_t tail = tail_.fetch_add(count, std::memory_order_seq_cst);  // (S1)
    return {tail & ~kClosed, (tail & kClosed) != 0};
  }

  void put(std::uint64_t position, std::uint64_t entry) noexcept {
    LANEWAY_ASSERT(entry >> kEntryBits == 0);
    // Writer: the claimant of the cell. Reader: the holder of the token.
    // (S3) release, pairs with (S4): the settle's arguments, and everything the handler did.
    cells_[position & mask_].store(lap(position) << kEntryBits | entry, std::memory_order_release);
  }

  // Everything claimed so far. For a thread about to sleep: a claim counts as work.
  std::uint64_t claimed() const noexcept {
    return tail_.load(std::memory_order_seq_cst) & ~kClosed;  // (S2) pairs with (S1)
  }

  // By the holder, or as a hint by anyone.
  bool filled(std::uint64_t position) const noexcept {
    return cells_[position & mask_].load(std::memory_order_relaxed) >> kEntryBits == lap(position);
  }

  // By the holder. True and the entry, when the cell at `position` has been filled.
  bool take(std::uint64_t position, std::uint64_t* entry) const noexcept {
    // (S4) acquire, pairs with (S3).
    const std::uint64_t cell = cells_[position & mask_].load(std::memory_order_acquire);
    *entry = cell & ((std::uint64_t{1} << kEntryBits) - 1);
    return cell >> kEntryBits == lap(position);
  }

  // By the holder, once. Answers how many cells were claimed before.
  std::uint64_t close() noexcept {
    // (S5) release, pairs with (S1): a claim that sees the bit sees what was written before close.
    return tail_.fetch_or(kClosed, std::memory_order_release) & ~kClosed;
  }

 private:
  static constexpr std::uint64_t kClosed = std::uint64_t{1} << 63;

  // Never 0, so that a zeroed cell is not taken for a filled one; 24 bits tell neighbours apart,
  // and a cell is at most one lap behind.
  std::uint64_t lap(std::uint64_t position) const noexcept {
    return ((position >> shift_) & 0x7fffff) + 1;
  }

  Cell* const cells_;
  const std::uint64_t mask_;
  const unsigned shift_;
  alignas(kDestructive) atomic<std::uint64_t> tail_{0};
};

}  // namespace laneway::engine

// Floor 1. LeaseWord: one word per slot that decides at once between a settler and the holder who
// wants to expire the lease. The core stays free of atomics and only hears the verdict.
//
//   from                    who                   to
//   free, expired, settled  holder, grant         LEASED, generation + 1, deadline, nothing acked
//   LEASED g                settler, settle       ACKED, NACKED, RELEASED, REJECTED or ABANDONED
//   LEASED g                settler, ack_through  same, more messages of the run acked
//   LEASED g                settler, extend       same, later deadline
//   LEASED g                holder, mark          same, marked as cancelled; it settles as before
//   LEASED g                holder, end           EXPIRED; a change in between makes it look again
//   any other               any settler           unchanged: lease_lost
//
// Bits: state 3, acked prefix of the run 6, generation 16, mark 1, deadline tick 38. A generation
// may wrap: a Lease pins its slot, and the core refuses the grant that would wrap while pins exist.
// Progress: every verb is lock-free (one compare-exchange, repeated only when the word changed).
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"

#include <cstdint>

namespace laneway::engine {

enum class LeaseState : std::uint8_t {
  free,
  leased,
  acked,
  nacked,
  released,
  rejected,
  abandoned,
  expired,
};

class LeaseWord {
 public:
  static constexpr std::uint32_t kGenerations = 1u << 16;
  static constexpr std::uint32_t kPrefixMax = 63;

  struct View {
    LeaseState state;
    std::uint32_t prefix;
    std::uint32_t generation;
    std::uint64_t deadline_tick;
    bool marked = false;
    bool operator==(const View&) const = default;
  };

  // By the holder, for a slot that is not leased. Answers the generation of the new lease.
  std::uint32_t grant(std::uint64_t deadline_tick) noexcept {
    // Relaxed: the word orders nothing by itself. A Lease reaches other threads by its owner's own
    // means, and slots are handed over by the returns ring.
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    LANEWAY_ASSERT(unpack(word).state != LeaseState::leased);
    const std::uint32_t generation = (unpack(word).generation + 1) % kGenerations;
    word_.store(pack({LeaseState::leased, 0, generation, deadline_tick}),
                std::memory_order_relaxed);
    return generation;
  }

  // By the holder, of a lease whose generation has come round: as if it had never been granted, and
  // so will be the next one.
  void refuse() noexcept {
    word_.store(pack({LeaseState::rejected, 0, kGenerations - 1, 0}), std::memory_order_relaxed);
  }

  // By anyone, as information; by the holder of a settled or expired slot, as fact.
  View view() const noexcept { return unpack(word_.load(std::memory_order_relaxed)); }

  // By a settler. False: lease_lost, nothing changed. Touches the state alone: prefix and deadline
  // stay.
  bool settle(std::uint32_t generation, LeaseState verdict) noexcept {
    const std::uint64_t leased = pack({LeaseState::leased, 0, generation, 0});
    const std::uint64_t change = pack({LeaseState::leased, 0, 0, 0}) ^ pack({verdict, 0, 0, 0});
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while ((word & kLeaseMask) == leased) {
      if (word_.compare_exchange_weak(word, word ^ change, std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // The first `count` messages of the run are done. False: lease_lost.
  bool ack_through(std::uint32_t generation, std::uint32_t count) noexcept {
    // (L1) release, pairs with (L2): what the handler did for these messages is seen by whoever is
    // granted the next ones after an expiry.
    return change(generation, std::memory_order_release,
                  [count](View& view) { view.prefix = count > view.prefix ? count : view.prefix; });
  }

  // Later, never earlier. False: lease_lost.
  bool extend(std::uint32_t generation, std::uint64_t deadline_tick) noexcept {
    return change(generation, std::memory_order_relaxed, [deadline_tick](View& view) {
      view.deadline_tick = deadline_tick > view.deadline_tick ? deadline_tick : view.deadline_tick;
    });
  }

  // By the holder: somebody wants the message cancelled. Nothing when the lease is over.
  void mark() noexcept {
    change(view().generation, std::memory_order_relaxed, [](View& view) { view.marked = true; });
  }

  // By the holder. Ends the lease if its deadline is not after `now_tick`. The answer is what the
  // word showed: `state` is expired when this call ended the lease; leased with a later deadline
  // when it was extended; anything else when a settler was first.
  View end(std::uint64_t now_tick) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
      View view = unpack(word);
      if (view.state != LeaseState::leased || view.deadline_tick > now_tick) {
        return view;
      }
      view.state = LeaseState::expired;
      // (L2) acquire, pairs with (L1).
      if (word_.compare_exchange_weak(word, pack(view), std::memory_order_acquire,  // (L2)
                                      std::memory_order_relaxed)) {
        return view;
      }
    }
  }

 private:
  static constexpr std::uint64_t kLeaseMask = 7 | std::uint64_t{kGenerations - 1} << 9;

  template <class Change>
  bool change(std::uint32_t generation, std::memory_order order, Change apply) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
      View view = unpack(word);
      if (view.state != LeaseState::leased || view.generation != generation) {
        return false;
      }
      apply(view);
      if (word_.compare_exchange_weak(word, pack(view), order, std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  static std::uint64_t pack(const View& view) noexcept {
    return static_cast<std::uint64_t>(view.state) | std::uint64_t{view.prefix} << 3 |
           std::uint64_t{view.generation} << 9 | std::uint64_t{view.marked} << 25 |
           view.deadline_tick << 26;
  }
  static View unpack(std::uint64_t word) noexcept {
    return {static_cast<LeaseState>(word & 7), static_cast<std::uint32_t>(word >> 3 & kPrefixMax),
            static_cast<std::uint32_t>(word >> 9) % kGenerations, word >> 26,
            (word >> 25 & 1) != 0};
  }

  atomic<std::uint64_t> word_;
};

}  // namespace laneway::engine

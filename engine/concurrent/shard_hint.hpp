// Floor 1. ShardHint: one line that the holder writes before each release, so that a poller can
// pass by a shard without taking its token.
//
// Who sees how far the rings have been drained also sees what became ready by that, so that a shard
// does not look idle while its messages are on their way from one to the other. A sleeper reads the
// hint after Token::want(), whose acquire shows it what the last holder wrote.
#pragma once

#include "engine/base/atomic.hpp"

#include <cstdint>

namespace laneway::engine {

class ShardHint {
 public:
  struct View {
    std::uint64_t inbox_drained;    // position up to which the inbox has been read
    std::uint64_t returns_drained;  // position up to which the returns have been read
    std::uint64_t next_due;         // tick: may be early, never late
    std::uint64_t ready;            // grantable messages
    std::uint64_t core_limit;       // claims that the core has room for, whatever the ring has
    std::uint64_t holds;            // how often the token has been taken
  };

  // By the holder.
  void show(const View& view) noexcept {
    next_due_.store(view.next_due, std::memory_order_relaxed);
    ready_.store(view.ready, std::memory_order_relaxed);
    core_limit_.store(view.core_limit, std::memory_order_relaxed);
    holds_.store(view.holds, std::memory_order_relaxed);
    // (N1) release, pairs with (N2): what the returns have led to.
    returns_drained_.store(view.returns_drained, std::memory_order_release);  // (N1)
    // (N3) release, pairs with (N4): what the inbox has led to.
    inbox_drained_.store(view.inbox_drained, std::memory_order_release);  // (N3)
  }

  View read() const noexcept {
    const std::uint64_t inbox_drained = inbox_drained_.load(std::memory_order_acquire);      // (N4)
    const std::uint64_t returns_drained = returns_drained_.load(std::memory_order_acquire);  // (N2)
    return {inbox_drained,
            returns_drained,
            next_due_.load(std::memory_order_relaxed),
            ready_.load(std::memory_order_relaxed),
            core_limit_.load(std::memory_order_relaxed),
            holds()};
  }

  // The deadline that the driver has been told: it runs the shard no later, and is told again only
  // of earlier ones, whatever becomes of this one.
  void tell(std::uint64_t tick) noexcept { told_.store(tick, std::memory_order_relaxed); }
  std::uint64_t told() const noexcept { return told_.load(std::memory_order_relaxed); }

  std::uint64_t holds() const noexcept { return holds_.load(std::memory_order_relaxed); }

 private:
  atomic<std::uint64_t> inbox_drained_{0};
  atomic<std::uint64_t> returns_drained_{0};
  atomic<std::uint64_t> next_due_{~std::uint64_t{0}};
  atomic<std::uint64_t> ready_{0};
  atomic<std::uint64_t> core_limit_{0};
  atomic<std::uint64_t> holds_{0};
  atomic<std::uint64_t> told_{~std::uint64_t{0}};
};

}  // namespace laneway::engine

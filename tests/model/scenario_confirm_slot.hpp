// Scenarios of ConfirmSlot: a publisher waits for the holder's answer, or gives up.
//
//   the publisher sleeps though the answer is there                    forbidden
//   it reads an answer without the value that came with it             forbidden: plain data
//   both recycle the slot, or neither                                  forbidden
//   a publisher that gives up is answered first                        allowed: it reads the answer
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/concurrent/confirm_slot.hpp"
#include "tests/model/give_way.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::engine {

// kRounds publishes over one slot. The ticket travels as through the inbox ring: stored, then a
// release that the holder acquires. In the last round of kGivesUp the publisher may abandon.
template <unsigned kRounds, bool kTwoSteps, bool kGivesUp>
class ConfirmRounds {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = kRounds;

  void run(unsigned thread) {
    for (std::uint32_t round = 1; round <= kRounds; ++round) {
      if (thread == 0) {
        publish(round);
      } else {
        drain(round);
      }
    }
  }

  void after() { LANEWAY_CHECK(recycled_.load(std::memory_order_relaxed) == kRounds); }

 private:
  static constexpr std::chrono::nanoseconds kLong = std::chrono::seconds(5);

  void publish(std::uint32_t round) {
    // The slot is taken again only when it has been recycled, as from the pool's free list.
    while (recycled_.load(std::memory_order_acquire) != round - 1) {
      give_way();
    }
    ticket_.set(slot_.open());
    published_.store(round, std::memory_order_release);
    if (kGivesUp && slot_.abandon(ticket_.get())) {
      return;  // the holder recycles
    }
    ConfirmSlot::Answer answer = slot_.wait(true, kLong);
    while (answer.confirm <= Confirm::accepted) {
      answer = slot_.wait(true, kLong);
    }
    LANEWAY_CHECK(answer.confirm == Confirm::duplicate);
    LANEWAY_CHECK(answer.value == round);
    slot_.close(ticket_.get());
    recycled_.fetch_add(1, std::memory_order_release);
  }

  void drain(std::uint32_t round) {
    while (published_.load(std::memory_order_acquire) != round) {
      give_way();
    }
    const ConfirmSlot::Ticket ticket = ticket_.get();
    const bool waiting = !kTwoSteps || slot_.answer(ticket, {Confirm::accepted, 0});
    if (!waiting || !slot_.answer(ticket, {Confirm::duplicate, round})) {
      recycled_.fetch_add(1, std::memory_order_release);
    }
  }

  ConfirmSlot slot_;
  handoff<ConfirmSlot::Ticket> ticket_;
  atomic<std::uint32_t> published_{0};
  atomic<std::uint32_t> recycled_{0};
};

}  // namespace laneway::engine

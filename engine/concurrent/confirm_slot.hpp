// Floor 1. ConfirmSlot: where a publisher waits for an answer that only the core knows.
//
//   from               who                 to
//   FREE               publisher, open     PENDING, generation + 1; the ticket goes into its cell
//   PENDING            holder, answer      ACCEPTED, DUPLICATE, REFUSED, DURABLE or IO_ERROR
//   ACCEPTED           holder, answer      DURABLE or IO_ERROR
//   PENDING, ACCEPTED  publisher, abandon  ABANDONED; fails when a final answer was first
//   ABANDONED          holder, answer      FREE: the holder recycles the slot
//   any other          publisher, close    FREE: the publisher recycles the slot
//
// Exactly one of the two recycles it. The ticket carries the generation, so that an answer meant
// for an earlier use is a mistake that is found. The publisher helps once (takes the token if it is
// free and drains) before it waits; whoever drains its cell answers. Progress: open, abandon and
// close are wait-free; answer is lock-free, and makes a system call only after its
// compare-exchange, to wake the one waiter.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::engine {

enum class Confirm : std::uint8_t {
  free,
  pending,
  abandoned,
  accepted,
  duplicate,  // value: the first message's position
  refused,    // value: why
  durable,
  io_error,
};

class ConfirmSlot {
 public:
  using Ticket = std::uint32_t;  // the generation

  struct Answer {
    Confirm confirm;
    std::uint64_t value;
  };

  // By the publisher that took the free slot.
  Ticket open() noexcept {
    // Relaxed: the ticket reaches the holder through the inbox ring, which publishes this store.
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    LANEWAY_CHECK(confirm_of(word) == Confirm::free);
    const Ticket ticket = (ticket_of(word) + 1) % kTickets;
    change(word, pack(ticket, Confirm::pending), std::memory_order_relaxed);
    return ticket;
  }

  // By the holder that drained the ticket, once, or twice when the first answer is accepted. False:
  // nobody waits any more, and the slot is the caller's to recycle.
  bool answer(Ticket ticket, Answer answer) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    LANEWAY_CHECK(ticket_of(word) == ticket);
    if (answer.confirm != Confirm::accepted) {
      value_.set(answer.value);  // nobody reads it before the word says so
    }
    while (confirm_of(word) != Confirm::abandoned) {
      LANEWAY_ASSERT(confirm_of(word) == Confirm::pending || confirm_of(word) == Confirm::accepted);
      // Writer: the holder. Reader: the publisher.
      // (C1) release, pairs with (C2): publishes the value.
      if (word_.compare_exchange_weak(word, pack(ticket, answer.confirm),
                                      std::memory_order_release,  // (C1)
                                      std::memory_order_relaxed)) {
        word_.wake(1);
        return true;
      }
    }
    change(word, pack(ticket, Confirm::free), std::memory_order_relaxed);
    return false;
  }

  // By the publisher: sleeps until there is an answer (a final one when `final`), at most
  // `timeout`. Confirm::pending or accepted: not yet.
  Answer wait(bool final, std::chrono::nanoseconds timeout) noexcept {
    std::uint64_t word = look();
    if (!enough(confirm_of(word), final)) {
      word_.wait(upper(word), timeout);  // until it is no longer what we saw
      word = look();
    }
    return {confirm_of(word), enough(confirm_of(word), true) ? value_.get() : 0};
  }

  // By the publisher, instead of waiting on. False: the answer was first, read it and close.
  bool abandon(Ticket ticket) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while (confirm_of(word) == Confirm::pending || confirm_of(word) == Confirm::accepted) {
      if (word_.compare_exchange_weak(word, pack(ticket, Confirm::abandoned),
                                      std::memory_order_relaxed, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // By the publisher that has read a final answer. Afterwards the slot is free to recycle.
  void close(Ticket ticket) noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    LANEWAY_ASSERT(enough(confirm_of(word), true));
    change(word, pack(ticket, Confirm::free), std::memory_order_relaxed);
  }

 private:
  // In the upper half, which sleepers watch: 8 bits of state below 24 bits of generation.
  static constexpr std::uint32_t kTickets = 1u << 24;

  static std::uint64_t pack(Ticket ticket, Confirm confirm) noexcept {
    return std::uint64_t{ticket} << 40 | std::uint64_t{static_cast<std::uint8_t>(confirm)} << 32;
  }
  static std::uint32_t upper(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word >> 32);
  }
  static Ticket ticket_of(std::uint64_t word) noexcept { return static_cast<Ticket>(word >> 40); }
  static Confirm confirm_of(std::uint64_t word) noexcept {
    return static_cast<Confirm>(word >> 32 & 0xff);
  }
  static bool enough(Confirm confirm, bool final) noexcept {
    return confirm > Confirm::accepted || (!final && confirm == Confirm::accepted);
  }

  std::uint64_t look() const noexcept {
    return word_.load(std::memory_order_acquire);  // (C2) acquire, pairs with (C1)
  }

  // Where nobody else changes the word.
  void change(std::uint64_t from, std::uint64_t to, std::memory_order order) noexcept {
    while (!word_.compare_exchange_weak(from, to, order, std::memory_order_relaxed)) {
    }
  }

  FutexWord word_;
  handoff<std::uint64_t> value_;
};

}  // namespace laneway::engine

// Floor 1. Mailbox: shards tell the driver that they have an earlier deadline. Each is in the box
// at most once; what it has to say is read from its hint when the box is emptied. Progress: post is
// lock-free; collect is wait-free but for one exchange.
#pragma once

#include "engine/base/atomic.hpp"

namespace laneway::engine {

// To derive from. All-zero is a valid letter that is in no box.
struct Letter {
  // Set by the poster that puts it in, cleared by the collector before it reads what is said.
  atomic<bool> posted{false};
  handoff<Letter*> next;
};

class Mailbox {
 public:
  void post(Letter& letter) noexcept {
    // (M1) acq_rel, pairs with (M2): a letter is linked again only after the collector has read
    // `next`; a poster that finds it posted has its news seen by the collector, which clears first.
    if (letter.posted.exchange(true, std::memory_order_acq_rel)) {
      return;
    }
    Letter* top = top_.load(std::memory_order_relaxed);
    do {
      letter.next.set(top);
      // (M3) sequentially consistent, pairs with (M5): the letter, then the look whether the driver
      // sleeps. Its release, pairs with (M4), publishes `next`.
    } while (!top_.compare_exchange_weak(top, &letter, std::memory_order_seq_cst,  // (M3)
                                         std::memory_order_relaxed));
  }

  // By the driver: hands every letter to `read`, which may post it again.
  template <class Read>
  void collect(Read read) noexcept {
    // (M4) acquire, pairs with (M3).
    Letter* letter = top_.exchange(nullptr, std::memory_order_acquire);
    while (letter != nullptr) {
      Letter* next = letter->next.get();
      // (M2) acq_rel, pairs with (M1).
      letter->posted.exchange(false, std::memory_order_acq_rel);
      read(*letter);
      letter = next;
    }
  }

  // For the driver about to sleep.
  bool anything() const noexcept {
    return top_.load(std::memory_order_seq_cst) !=
           nullptr;  // (M5) the second look, pairs with (M3)
  }

 private:
  atomic<Letter*> top_{nullptr};
};

}  // namespace laneway::engine

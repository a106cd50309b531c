// Scenarios of Mailbox, and of Level, with which the driver says until when it sleeps.
//
//   a letter is posted and its news is not seen by a later collect    forbidden
//   a letter is in the box twice, or linked while it is being read    forbidden
//   a letter is read and says nothing new                             allowed
//   the driver sleeps while a letter lies in the box that was not there when it looked    forbidden
//   the driver sleeps beyond a deadline that it was told before       forbidden
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/mailbox.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

// Each poster tells its news of each letter, which the collector reads while it empties the box. It
// ends when it has seen all of them.
template <unsigned kPosters, unsigned kLetters, std::uint64_t kNews>
class MailboxNews {
 public:
  static constexpr unsigned kThreads = kPosters + 1;
  static constexpr std::uint64_t kOperations = kPosters * kLetters * kNews;

  void run(unsigned thread) {
    if (thread < kPosters) {
      post(thread);
    } else {
      collect();
    }
  }

  // A letter posted again after its news had been seen is in the box once.
  void after() {
    unsigned letters = 0;
    box_.collect([&](Letter&) { ++letters; });
    LANEWAY_CHECK(letters <= kLetters);
    LANEWAY_CHECK(!box_.anything());
  }

 private:
  struct TestLetter : Letter {
    std::array<atomic<std::uint64_t>, kPosters> news;  // as the hint of a shard
  };

  void post(unsigned poster) {
    for (std::uint64_t news = 1; news <= kNews; ++news) {
      for (TestLetter& letter : letters_) {
        letter.news[poster].store(news, std::memory_order_relaxed);
        box_.post(letter);
        event_.notify_one();
      }
    }
  }

  void collect() {
    for (;;) {
      unsigned letters_complete = 0;
      box_.collect([&](Letter& letter) { read(static_cast<TestLetter&>(letter)); });
      for (const auto& seen : seen_) {
        letters_complete += complete(seen) ? 1 : 0;
      }
      if (letters_complete == kLetters) {
        return;
      }
      const EventCount::Key key = event_.prepare();
      if (box_.anything()) {
        event_.cancel();
      } else {
        event_.wait(key, std::chrono::hours(1));
      }
    }
  }

  using Seen = std::array<std::uint64_t, kPosters>;

  void read(TestLetter& letter) {
    Seen& seen = seen_[static_cast<std::size_t>(&letter - letters_.data())];
    for (unsigned poster = 0; poster < kPosters; ++poster) {
      const std::uint64_t news = letter.news[poster].load(std::memory_order_relaxed);
      LANEWAY_CHECK(news >= seen[poster]);
      seen[poster] = news;
    }
  }

  static bool complete(const Seen& seen) {
    for (const std::uint64_t news : seen) {
      if (news != kNews) {
        return false;
      }
    }
    return true;
  }

  Mailbox box_;
  EventCount event_;
  std::array<TestLetter, kLetters> letters_;
  std::array<Seen, kLetters> seen_{};  // the collector's own
};

// The driver says until when it sleeps. Posters wake it only when their deadline is before that. It
// must see the earliest deadline of all.
template <unsigned kPosters>
class MailboxDeadlines {
 public:
  static constexpr unsigned kThreads = kPosters + 1;
  static constexpr std::uint64_t kOperations = kPosters;

  void run(unsigned thread) {
    if (thread < kPosters) {
      const std::uint64_t tick = 10 + thread;
      letters_[thread].tick.store(tick, std::memory_order_relaxed);
      box_.post(letters_[thread]);
      if (tick < sleeps_until_.read()) {
        event_.notify_one();
      }
      return;
    }
    std::uint64_t earliest = kNever;
    while (earliest != 10) {
      box_.collect([&](Letter& letter) {
        const std::uint64_t tick =
            static_cast<TestLetter&>(letter).tick.load(std::memory_order_relaxed);
        earliest = tick < earliest ? tick : earliest;
      });
      sleeps_until_.set(earliest);
      const EventCount::Key key = event_.prepare();
      if (earliest == 10 || box_.anything()) {
        event_.cancel();
      } else {
        event_.wait(key, std::chrono::hours(1));
      }
    }
  }

  void after() {}

 private:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  struct TestLetter : Letter {
    atomic<std::uint64_t> tick;
  };

  Mailbox box_;
  EventCount event_;
  Level sleeps_until_{0};
  std::array<TestLetter, kPosters> letters_;
};

}  // namespace laneway::engine

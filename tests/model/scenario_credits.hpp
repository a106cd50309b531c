// Scenario of Credits: each thread takes one, gives it back, and sleeps while there is none.
//
//   more credits are out than the limit                forbidden
//   a thread sleeps on after a credit came back        forbidden: a deadlock
//   a thread is refused while a credit is on its way   allowed: it looks again before it sleeps
#pragma once

#include "engine/base/assert.hpp"
#include "engine/concurrent/credits.hpp"
#include "engine/concurrent/event_count.hpp"
#include "tests/model/give_way.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::engine {

template <unsigned kTakers, std::uint32_t kLimit, std::uint64_t kTimes = 1>
class CreditsSleep {
 public:
  static constexpr unsigned kThreads = kTakers;
  static constexpr std::uint64_t kOperations = kTakers * kTimes;

  void run(unsigned) {
    for (std::uint64_t i = 0; i < kTimes; ++i) {
      sleep_until_taken();
      LANEWAY_CHECK(credits_.out() <= kLimit);
      credits_.give(1);
      event_.notify_one();
    }
  }

  void after() {
    LANEWAY_CHECK(credits_.out() == 0);
    LANEWAY_CHECK(!event_.anybody_waits());
  }

 private:
  void sleep_until_taken() {
    while (credits_.take(1) == 0) {
      const EventCount::Key key = event_.prepare();
      if (credits_.any()) {
        event_.cancel();
        give_way();
      } else {
        event_.wait(key, std::chrono::hours(1));
      }
    }
  }

  Credits credits_{kLimit};
  EventCount event_;
};

}  // namespace laneway::engine

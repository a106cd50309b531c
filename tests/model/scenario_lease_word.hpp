// Scenarios of LeaseWord: settlers against each other, and against the holder who expires the
// lease.
//
//   two of ack, nack, release, reject and expiry win                     forbidden
//   none of them wins, though one was tried                              forbidden
//   a settler of an old generation changes the word of a new one         forbidden
//   an extend is answered with yes, and the lease ends before the later deadline   forbidden
//   an extend is lost to a settle or an expiry                           allowed: lease_lost
//   messages acknowledged by ack_through are granted again after an expiry   forbidden
//   the next grantee does not see what was done for them                 forbidden: plain data
//   an ack_through is lost to an expiry                                  allowed: lease_lost
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/concurrent/lease_word.hpp"
#include "tests/model/give_way.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace laneway::engine {

// kSettlers settle the same lease with different verdicts while the holder expires it. Again for
// kRounds leases: each round begins when all have ended the one before.
template <unsigned kSettlers, unsigned kRounds>
class LeaseSettleRace {
 public:
  static constexpr unsigned kThreads = kSettlers + 1;
  static constexpr std::uint64_t kOperations = std::uint64_t{kThreads} * kRounds;

  LeaseSettleRace() { generation_.set(word_.grant(kDeadline)); }

  void run(unsigned thread) {
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      while (round_.load(std::memory_order_acquire) != round) {
        give_way();
      }
      const bool won = thread < kSettlers ? settle(thread) : expire();
      if (won) {
        winners_.fetch_add(1, std::memory_order_relaxed);
      }
      stall_point(StallPoint::settle_decided);
      if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == (round + 1) * kThreads) {
        judge_and_grant(round);
      }
    }
  }

  void after() { LANEWAY_CHECK(round_.load(std::memory_order_relaxed) == kRounds); }

 private:
  static constexpr std::uint64_t kDeadline = 10;

  static LeaseState verdict(unsigned settler) {
    constexpr std::array kVerdicts = {LeaseState::acked, LeaseState::nacked, LeaseState::released,
                                      LeaseState::rejected, LeaseState::abandoned};
    return kVerdicts[settler % kVerdicts.size()];
  }

  bool settle(unsigned settler) { return word_.settle(generation_.get(), verdict(settler)); }

  bool expire() {
    LANEWAY_CHECK(word_.end(kDeadline - 1).state != LeaseState::expired);
    const LeaseState state = word_.end(kDeadline).state;
    LANEWAY_CHECK(state != LeaseState::leased);
    return state == LeaseState::expired;
  }

  // By the last thread of a round.
  void judge_and_grant(std::uint32_t round) {
    const LeaseWord::View view = word_.view();
    LANEWAY_CHECK(view.state != LeaseState::leased);
    LANEWAY_CHECK(view.generation == generation_.get());
    LANEWAY_CHECK(winners_.load(std::memory_order_relaxed) == round + 1);
    if (round + 1 < kRounds) {
      const std::uint32_t next = word_.grant(kDeadline);
      LANEWAY_CHECK(next == generation_.get() + 1);
      generation_.set(next);
    }
    round_.store(round + 1, std::memory_order_release);
  }

  LeaseWord word_{};
  handoff<std::uint32_t> generation_;
  atomic<std::uint32_t> round_{0};
  atomic<std::uint32_t> done_{0};
  atomic<std::uint32_t> winners_{0};
};

// A worker does the first message of its run, says so, extends its lease and settles. Meanwhile the
// holder ends the lease as soon as it may, and grants again to a second worker, which finds what
// the first one has done, or does it itself.
class LeaseHandOver {
 public:
  static constexpr unsigned kThreads = 3;
  static constexpr std::uint64_t kOperations = 3;

  LeaseHandOver() { first_ = word_.grant(kFirstDeadline); }

  void run(unsigned thread) {
    switch (thread) {
      case 0:
        work();
        return;
      case 1:
        hold();
        return;
      default:
        work_again();
    }
  }

  void after() {
    LANEWAY_CHECK(settled_ != expired_);
    LANEWAY_CHECK(word_.view().state == (expired_ ? LeaseState::nacked : LeaseState::acked));
  }

 private:
  static constexpr std::uint64_t kFirstDeadline = 10;
  static constexpr std::uint64_t kLaterDeadline = 20;
  static constexpr std::uint64_t kNobody = 1;
  static constexpr std::uint64_t kRegranted = 2;

  void work() {
    done_.set(1);
    const bool told = word_.ack_through(first_, 1);
    const bool extended = word_.extend(first_, kLaterDeadline);
    LANEWAY_CHECK(told || !extended);
    stall_point(StallPoint::settle_decided);
    settled_ = word_.settle(first_, LeaseState::acked);
    LANEWAY_CHECK(extended || !settled_);
  }

  void hold() {
    LeaseWord::View view{LeaseState::leased, 0, first_, kFirstDeadline};
    while (view.state == LeaseState::leased) {
      view = word_.end(view.deadline_tick);
    }
    LANEWAY_CHECK(view.generation == first_);
    expired_ = view.state == LeaseState::expired;
    if (!expired_) {
      next_.store(kNobody, std::memory_order_release);
      return;
    }
    const std::uint32_t second = word_.grant(kLaterDeadline);
    LANEWAY_CHECK(second == first_ + 1);
    next_.store(kRegranted | std::uint64_t{view.prefix} << 8, std::memory_order_release);
  }

  void work_again() {
    std::uint64_t next = 0;
    while (next == 0) {
      give_way();
      next = next_.load(std::memory_order_acquire);
    }
    if (next == kNobody) {
      return;
    }
    if (next >> 8 == 1) {
      LANEWAY_CHECK(done_.get() == 1);
    }
    const LeaseWord::View view = word_.view();
    LANEWAY_CHECK(view.state == LeaseState::leased);
    LANEWAY_CHECK(view.prefix == 0);
    LANEWAY_CHECK(word_.settle(first_ + 1, LeaseState::nacked));
  }

  LeaseWord word_{};
  std::uint32_t first_ = 0;  // generation
  handoff<std::uint64_t> done_;
  atomic<std::uint64_t> next_{0};
  bool settled_ = false;  // the worker's
  bool expired_ = false;  // the holder's
};

// An extend that was answered with yes holds: the lease does not end before the later deadline.
class LeaseExtend {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = 2;

  LeaseExtend() { generation_ = word_.grant(10); }

  void run(unsigned thread) {
    if (thread == 0) {
      extended_ = word_.extend(generation_, 20);
      // Never earlier.
      LANEWAY_CHECK(word_.extend(generation_, 5) == extended_);
    } else {
      expired_ = word_.end(19).state == LeaseState::expired;
    }
  }

  void after() {
    LANEWAY_CHECK(extended_ != expired_);
    const LeaseWord::View view = word_.view();
    LANEWAY_CHECK(view.deadline_tick == (extended_ ? 20 : 10));
    LANEWAY_CHECK(view.state == (extended_ ? LeaseState::leased : LeaseState::expired));
  }

 private:
  LeaseWord word_{};
  std::uint32_t generation_ = 0;
  bool extended_ = false;
  bool expired_ = false;
};

}  // namespace laneway::engine

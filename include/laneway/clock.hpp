// Clock: where an engine reads the time, so that tests can move it by hand.
//
//   auto clock = std::make_shared<laneway::ManualClock>();
//   auto engine = *laneway::Engine::open({.driver = laneway::DriverMode::manual, .clock = clock});
//   clock->advance(30s);   // leases of 30 seconds are over ...
//   (void)engine.poll();   // ... and this is where the engine notices
#pragma once

#include <laneway/export.h>

#include <chrono>
#include <mutex>

namespace laneway {

// An engine reads its clock from every thread that calls it, on every receive: now() must be
// thread-safe and quick, and may not call the engine. Delays, retries and lease deadlines follow it
// in steps of a millisecond.
class LANEWAY_EXPORT Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  // Time since an origin that stays the same for the life of the clock; not negative. It should not
  // go back: an engine treats a time that does as time that stands still.
  virtual std::chrono::nanoseconds now() const noexcept = 0;
};

// The system's monotonic clock (CLOCK_MONOTONIC): not set by anybody, and standing still while the
// machine sleeps. What an engine uses unless told otherwise. Thread-safe, stateless.
class LANEWAY_EXPORT SteadyClock final : public Clock {
 public:
  std::chrono::nanoseconds now() const noexcept override;
};

// Stands still until it is told to move. Moving it does no work by itself: the engine notices at
// its next poll or receive. Thread-safe: whoever reads it sees the last move made.
class LANEWAY_EXPORT ManualClock final : public Clock {
 public:
  explicit ManualClock(std::chrono::nanoseconds start = std::chrono::nanoseconds{0}) noexcept;

  std::chrono::nanoseconds now() const noexcept override;

  // Forward by this much from wherever it stands; concurrent moves add up. Negative: back.
  void advance(std::chrono::nanoseconds by) noexcept;

  // To this time, which may be an earlier one: so a test can show what a broken clock does.
  void set(std::chrono::nanoseconds to) noexcept;

 private:
  mutable std::mutex mutex_;  // guards now_
  std::chrono::nanoseconds now_;
};

}  // namespace laneway

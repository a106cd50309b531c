// Recorder: writes the history of a simulated run. Stamps are exact: each is given out once.
#pragma once

#include <laneway/result.hpp>

#include "tests/simulation/scheduler.hpp"
#include "tools/check/event.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

namespace laneway::simulation {

class Recorder {
 public:
  Recorder(Scheduler& scheduler, std::function<std::int64_t()> clock_ns, bool trace)
      : scheduler_(scheduler), clock_ns_(std::move(clock_ns)), trace_(trace) {}

  check::History& history() { return history_; }
  std::uint64_t stamp() { return ++stamp_; }
  std::int64_t clock_ns() const { return clock_ns_(); }

  check::Event begin(check::Kind kind) {
    ++calls_;
    return moment(kind);
  }
  // Not a call of its own: finish() is not for it.
  check::Event moment(check::Kind kind) {
    check::Event event;
    event.kind = kind;
    event.thread = scheduler_.self();
    event.invoke = stamp();
    event.began_ns = clock_ns();
    return event;
  }
  std::uint32_t calls() const { return calls_; }
  // The clock may step back, but an engine's time does not.
  void finish(check::Event* event) {
    --calls_;
    event->returned = stamp();
    highest_ns_ = std::max(highest_ns_, clock_ns());
    event->ended_ns = highest_ns_;
  }
  // Returns its place.
  std::size_t write(check::Event event);
  // The power goes: nobody hears of what returns from now on.
  void stop() { stopped_ = stamp(); }
  // Another life begins, with a history of its own. Answers the one so far.
  check::History begin_again() {
    if (stopped_ != 0) {
      // A receive that was cut off may have granted.
      history_.rules.all_grants = false;
      history_.rules.capacity = history_.rules.key_capacity = 0;
    }
    stopped_ = 0;
    calls_ = 0;
    return std::exchange(history_, {});
  }
  bool stopped() const { return stopped_ != 0; }
  void write_finished(check::Event event) {
    finish(&event);
    write(event);
  }

 private:
  Scheduler& scheduler_;
  const std::function<std::int64_t()> clock_ns_;
  const bool trace_;
  check::History history_;
  std::uint64_t stamp_ = 0;
  std::int64_t highest_ns_ = 0;
  std::uint64_t stopped_ = 0;
  std::uint32_t calls_ = 0;  // that have begun and not returned
};

inline check::Answer answer_of(Errc code) {
  switch (code) {
    case Errc::queue_full:
      return check::Answer::full;
    case Errc::lease_lost:
      return check::Answer::lost;
    case Errc::closed:
      return check::Answer::closed;
    case Errc::io_error:
      return check::Answer::unknown;  // a later life may find it
    default:
      return check::Answer::refused;
  }
}
template <class T>
check::Answer answer_of(const Result<T>& result) {
  return result ? check::Answer::ok : answer_of(result.error().code);
}

}  // namespace laneway::simulation

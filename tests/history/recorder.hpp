// Recorder: one thread's part of a history, in a buffer of its own.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/message.hpp>

#include "tools/check/event.hpp"

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace laneway::history {

// One counter gives all stamps: what returned before another call began has the lower one.
class Stamps {
 public:
  static std::uint64_t next() { return last_.fetch_add(1, kOrder) + 1; }

 private:
#ifdef __SANITIZE_THREAD__
  // Orders nothing, so that it hides no race; where this sanitizer runs it is a fence all the same.
  static constexpr std::memory_order kOrder = std::memory_order_relaxed;
#else
  static constexpr std::memory_order kOrder = std::memory_order_seq_cst;
#endif
  static inline std::atomic<std::uint64_t> last_{0};
};

class Recorder {
 public:
  explicit Recorder(std::uint32_t thread) : thread_(thread) {}

  check::Event begin(check::Kind kind) const {
    check::Event event;
    event.kind = kind;
    event.thread = thread_;
    event.began_ns = clock_.now().count();
    event.invoke = Stamps::next();
    return event;
  }
  void finish(check::Event* event) const {
    event->returned = Stamps::next();
    event->ended_ns = clock_.now().count();
  }
  void write(const check::Event& event) { events_.push_back(event); }
  // Of a message known by its id alone: `lease`, which such events do not use, keeps it until the
  // round is over.
  void write(check::Event event, MessageId id) {
    event.lease = id.value;
    write(event);
  }

  const std::vector<check::Event>& events() const { return events_; }

 private:
  const std::uint32_t thread_;
  const SteadyClock clock_;
  std::vector<check::Event> events_;
};

}  // namespace laneway::history

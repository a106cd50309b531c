// What is told as it happens. QueueObserver, by a queue: give it to Queue::observe. EngineObserver,
// by an engine about its journal: give it to EngineOptions::observer.
#pragma once

#include <laneway/message.hpp>
#include <laneway/stats.hpp>

#include <cstdint>
#include <string_view>

namespace laneway {

// Called by whichever thread noticed: a publisher, a receiver, or the driver; never while a shard
// is held. A call should be short. It may publish, receive and look, but must not open or close
// queues. Calls about the watermarks come one at a time and in order; everything else may come from
// several threads at once. Every member does nothing unless it is overridden.
class LANEWAY_EXPORT QueueObserver {
 public:
  QueueObserver() = default;
  QueueObserver(const QueueObserver&) = delete;
  QueueObserver& operator=(const QueueObserver&) = delete;
  virtual ~QueueObserver() = default;

  // The queue holds at least QueueOptions::high_watermark messages. Not told again before it has
  // been down at the low one.
  virtual void rose_to_high() noexcept {}
  // Having been there, it holds no more than QueueOptions::low_watermark.
  virtual void fell_to_low() noexcept {}
  // Overflow::drop_oldest has removed this message.
  virtual void dropped(MessageId /*id*/) noexcept {}
};

// Calls come from the thread that opens the engine, and from the one that writes the journal; they
// should be short, since nothing is written meanwhile. They may look at queues and publish with
// publish_async, but must not open, close, flush or wait.
class LANEWAY_EXPORT EngineObserver {
 public:
  EngineObserver() = default;
  EngineObserver(const EngineObserver&) = delete;
  EngineObserver& operator=(const EngineObserver&) = delete;
  virtual ~EngineObserver() = default;

  // A line for the log, without an end: how the journal was found, that it fell back to plainer
  // system calls, that it is full or has failed. Goes to standard error unless overridden; without
  // an observer, too.
  virtual void log(std::string_view line) noexcept;
  // While a long journal is read: every 64 MiB or so.
  virtual void recovering(const JournalRecovery& /*so_far*/) noexcept {}
  // It has been read, or is refused; then Engine::open answers the error.
  virtual void recovered(const JournalRecovery& /*found*/) noexcept {}
  // Some records have become durable; so many are, as Engine::durable answers. Tickets of
  // publish_async may be looked at now: those of a shard become durable in the order of their ids.
  virtual void committed(std::uint64_t /*durable_records*/) noexcept {}
};

}  // namespace laneway

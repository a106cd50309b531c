// QueueObserver: what a queue tells its owner as it happens. Give it to Queue::observe.
#pragma once

#include <laneway/message.hpp>

#include <cstdint>

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

}  // namespace laneway

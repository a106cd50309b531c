// WorkerPool: threads that receive from a queue, call a handler and settle by its Outcome.
//
//   laneway::WorkerPool pool = *laneway::WorkerPool::start(
//       mails, {.workers = 4}, [](const laneway::MessageView& mail) {
//         send(mail.payload.text());
//         return laneway::Outcome::ack();
//       });
//   ...
//   laneway::PoolReport report = pool.drain(10s);
//
// Built on the public headers alone.
#pragma once

#include <laneway/outcome.hpp>
#include <laneway/queue.hpp>
#include <laneway/stats.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace laneway {

struct WorkerPoolOptions {
  std::uint32_t workers = 4;
  // Messages a worker receives at once. They wait in its hand, so keep it small for slow handlers.
  std::uint32_t batch = 1;
  // Length of the leases; extended automatically while the handler runs. 0: as the queue says.
  std::chrono::milliseconds lease{0};
  // Stop extending after a handler has run this long; its lease then expires. 0: never stop.
  std::chrono::milliseconds handler_time_max{0};
};

struct PoolReport {
  std::uint64_t finished = 0;  // handlers that ended during the drain
  std::uint64_t released = 0;  // messages in hand given back unworked
  std::uint64_t abandoned =
      0;  // handlers still running when the grace was over; their leases expire
};

struct PoolStats {
  std::uint32_t workers = 0;
  std::uint32_t busy = 0;  // workers inside a handler now
  std::uint64_t handled = 0;
  std::uint64_t acked = 0;
  std::uint64_t retried = 0;
  std::uint64_t rejected = 0;
  std::uint64_t threw = 0;       // of retried: the handler threw
  std::uint64_t lease_lost = 0;  // the settle came too late
  std::uint64_t extended = 0;
  // Saturation is the ratio of their rates.
  std::chrono::nanoseconds busy_time{0};
  std::chrono::nanoseconds available_time{0};
  DurationHistogram processing;  // time inside the handler
};

// Move-only; verbs from any thread.
class LANEWAY_EXPORT WorkerPool {
 public:
  // Called on a worker thread, for one message at a time per worker. An exception is a retry with
  // its what() kept as the error text.
  using Handler = std::function<Outcome(const MessageView&)>;

  // invalid_argument: no workers or above 1,024, batch of 0 or above 64, no handler, negative
  // times, a handoff queue; system_error: a thread could not be started; no_memory.
  static Result<WorkerPool> start(Queue queue, const WorkerPoolOptions& options, Handler handler);

  WorkerPool(WorkerPool&&) noexcept;
  WorkerPool& operator=(WorkerPool&&) noexcept;
  ~WorkerPool();  // drain(0), then waits for running handlers

  PoolStats stats() const;

  // Stops taking work, waits at most `grace` for running handlers, gives back what is in hand and
  // not yet started. Idempotent: a second call waits again for what is still running.
  PoolReport drain(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit WorkerPool(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace laneway

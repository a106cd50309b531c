// Engine: owns the driver thread, the clock and the named queues. Opened once, closed once.
//
//   laneway::Engine engine = *laneway::Engine::open();
//   laneway::Queue mails = *engine.queue("mails");
#pragma once

#include <laneway/options.hpp>
#include <laneway/queue.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace laneway {

namespace engine {
class EngineState;
}

// Move-only. Every verb may be called from any thread. Two engines in one process know nothing of
// each other. fork after open is not supported.
class LANEWAY_EXPORT Engine {
 public:
  // With a journal it reads that first; each journal is open in one engine at a time.
  // Errors: no_memory, system_error (the driver thread could not be started), invalid_argument (a
  // clock that is not the system's needs DriverMode::manual); of the journal io_error, locked,
  // version, and corrupt: confirmed records are damaged, and nothing was changed.
  // What is wrong with a journal that is refused, and where, is told to EngineOptions::observer.
  static Result<Engine> open(const EngineOptions& options = {});

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();  // close()

  // Opens the queue of this name, creating it with these options if it is not there. Names are 1 to
  // 128 bytes. invalid_argument: a bad name or option, or the queue exists with other options;
  // closed; no_memory.
  Result<Queue> queue(std::string_view name, const QueueOptions& options = {});
  // not_found: no such queue.
  Result<Queue> find(std::string_view name) const;
  std::vector<Queue> queues() const;

  // Address space that a queue with these options maps at open. Pages are used when touched.
  static Result<std::uint64_t> queue_bytes(const QueueOptions& options);

  // With DriverMode::manual: does what is due now (delays, retries, lease expiries) in every queue,
  // in bounded steps until nothing is due. Answers the time until the next deadline, or
  // milliseconds::max() when there is none. invalid_argument when a driver thread runs; no_memory,
  // here and below: another call goes on.
  Result<std::chrono::milliseconds> poll();

  // Waits until everything published or settled before the call, in queues that survive, is on
  // stable storage: true. False: not within the timeout. not_durable: there is no journal;
  // journal_full: some of it has no room; io_error; invalid_argument: a negative timeout.
  Result<bool> flush(std::chrono::milliseconds timeout = std::chrono::hours(1));
  // How many records (publishes, settles ...) are on stable storage. It rises, and while it stays
  // the same no ticket of publish_async has become durable. not_durable: there is no journal.
  Result<std::uint64_t> durable() const;
  // not_durable: there is no journal.
  Result<JournalStats> journal_stats() const;

  // Closes every queue and stops the driver. Handles and leases may outlive it. Idempotent.
  void close() noexcept;

 private:
  explicit Engine(std::shared_ptr<engine::EngineState> state) noexcept;

  std::shared_ptr<engine::EngineState> state_;
};

}  // namespace laneway

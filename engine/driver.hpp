// Floor 3. Driver: the timekeeper of an engine. Knows the earliest deadline of each shard that told
// it one, sleeps until the first of them, and runs that shard. Never scans all shards.
//
// A shard posts when its earliest deadline becomes earlier than what the driver was last told.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/result.hpp>

#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/mailbox.hpp"
#include "engine/due_heap.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

namespace laneway::engine {

class Shard;

class Driver {
 public:
  explicit Driver(std::shared_ptr<const Clock> clock);
  ~Driver();

  const Clock& clock() const { return *clock_; }

  Result<> start();
  void stop() noexcept;
  bool running() const { return thread_.joinable(); }

  // By a holder whose shard has an earlier deadline than it was last posted with. Lock-free, no
  // system call.
  void post(Shard& shard) noexcept;
  // After the release: wakes the thread if it would sleep beyond `tick`.
  void wake_before(std::uint64_t tick) noexcept;
  // Makes room for so many more shards.
  void expect(std::size_t shards);
  // Afterwards the driver knows nothing of these shards and does not run them. Their tokens have
  // been taken for good, so that none is posted any more.
  void forget(std::span<const std::unique_ptr<Shard>> shards) noexcept;

 private:
  void run();
  std::uint64_t run_due_shards();  // answers the next deadline
  void read_mail();

  const std::shared_ptr<const Clock> clock_;
  Mailbox mailbox_;
  EventCount sleeper_;
  Level sleeps_until_{0};
  Flag stopping_;
  std::mutex mutex_;  // guards heap_, and running a shard against forgetting it
  DueHeap<Shard> heap_;
  std::thread thread_;
};

}  // namespace laneway::engine

// Floor 3. ShardHost: what the shards of one queue share.
#pragma once

#include <laneway/clock.hpp>

#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/departures.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/payload_pool.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace laneway::engine {

class Driver;

struct ShardHost {
  ShardHost(std::shared_ptr<Driver> driver_used,
            std::chrono::system_clock::time_point wall_origin,
            std::uint64_t pool_bytes,
            std::uint32_t content_max);
  virtual ~ShardHost() = default;

  std::int64_t now_ns() const { return clock.now().count(); }
  std::chrono::system_clock::time_point wall(std::int64_t ns) const {
    return origin + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                        std::chrono::nanoseconds(ns));
  }
  // Called by the last Lease of a closed queue: nobody else refers to the queue's memory any more.
  virtual void last_lease_gone() noexcept = 0;
  virtual std::shared_ptr<ShardHost> keep() noexcept = 0;

  const std::shared_ptr<Driver> driver;                // outlives the engine with the queue
  const Clock& clock;                                  // the driver's
  const std::chrono::system_clock::time_point origin;  // wall time at time 0 of the clock
  PayloadPool pool;
  // Settles are news for both.
  bool anybody_waits() const { return consumers.anybody_waits() || onlookers.anybody_waits(); }
  void wake_for_settles() {
    consumers.notify_one();
    onlookers.notify_all();
  }

  EventCount consumers;
  EventCount onlookers;  // wait for the end of a message
  Departures departures;
  Flag closed;
  Flag consuming_paused;
  Flag publishing_paused;
  alignas(kDestructive) Counter lease_lost;
  Counter refused_full;
  Counter ring_busy;
};

}  // namespace laneway::engine

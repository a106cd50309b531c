// Floor 3. ShardHost: what the shards of one queue share.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/options.hpp>

#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/credits.hpp"
#include "engine/concurrent/departures.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/rate_gate.hpp"
#include "engine/concurrent/watermark.hpp"
#include "engine/payload_pool.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>

namespace laneway::engine {

class Driver;
class JournalHost;

// What a holder of a lease may ask for; as places of lease_lost.
enum class SettleVerb : std::uint8_t { ack, nack, release, reject, extend };
inline constexpr std::size_t kSettleVerbs = 5;

struct ShardHost {
  ShardHost(std::shared_ptr<Driver> driver_used,
            std::chrono::system_clock::time_point wall_origin,
            const QueueOptions& options,
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
  // After a hold of a queue with watermarks: messages may have left.
  virtual void look_at_depth() = 0;

  // Limits on what is granted, over all shards.
  bool may_grant() const {
    return in_flight.any() && (!rate.limits() || rate.open_ns() <= now_ns());
  }

  const std::shared_ptr<Driver> driver;                // outlives the engine with the queue
  const Clock& clock;                                  // the driver's
  const std::chrono::system_clock::time_point origin;  // wall time at time 0 of the clock
  std::shared_ptr<JournalHost> journal;                // null: nothing is recorded
  PayloadPool pool;
  // Settles are news for both.
  bool anybody_waits() const { return consumers.anybody_waits() || onlookers.anybody_waits(); }
  void wake_for_settles() {
    consumers.notify_one();
    onlookers.notify_all();
  }

  EventCount consumers;
  EventCount onlookers;          // wait for the end of a message, or for room
  const bool limited;            // in what may be granted: in_flight or rate
  const bool watched;            // has watermarks
  const bool count_interrupted;  // deliveries that the end of the process ended
  Credits in_flight;
  RateGate rate;
  Watermark high;
  Departures departures;
  Flag closed;
  Flag consuming_paused;
  Flag publishing_paused;
  alignas(kDestructive) std::array<Counter, kSettleVerbs> lease_lost;
  Counter refused_full;
  Counter refused_key_full;
  Counter refused_too_large;
  Counter refused_paused;
  Counter shed;
  Counter bytes_held;  // held, when they are limited
  Counter ring_busy;
};

}  // namespace laneway::engine

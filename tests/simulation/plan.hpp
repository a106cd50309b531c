// Plan: everything about a run that follows from its seed before the first operation: how the
// engine is shaped, who works with it, and what each of them will do. Operations draw what else
// they need from a number of their own, so that leaving one out changes no other: that is how a
// failing run shrinks.
#pragma once

#include <laneway/options.hpp>

#include "tests/core/random.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace laneway::simulation {

using engine::Random;

enum class Role : std::uint8_t { producer, consumer, operator_, worker_pool };

enum class Verb : std::uint8_t {
  // producers
  publish,
  publish_batch,
  // consumers
  receive,
  take,
  settle,
  extend,
  ack_part,
  hand_over,
  // operators
  pause,
  resume,
  pause_publishing,
  resume_publishing,
  replay,
  replay_all,
  discard,
  release_key,
  cancel,
  list,
  stats,
  status,
  drain,
  flush,
  jump,
  step_back,
  close,
  // everybody
  rest,
};

struct Operation {
  std::uint32_t actor;
  Verb verb;
  std::uint64_t draw;
};

// How a life of the engine ends.
enum class Stop : std::uint8_t {
  never,
  closed,     // in order, leases and calls may outlive it
  killed,     // what was written is there
  power_cut,  // what was not synced may be there, or in part
};

// What the disk does wrong, from some call on: once, unless it says otherwise.
enum class DiskFault : std::uint8_t {
  none,
  failed_call,
  failed_sync,
  short_write,
  dead,  // for ever
  full,  // for a while
};

// A life of the engine, when its queue is journaled.
struct LifePlan {
  Stop stop = Stop::never;
  std::uint64_t stops_at = ~std::uint64_t{0};  // before this operation
  bool in_calls = false;                       // closed while others are in their calls
  DiskFault fault = DiskFault::none;
  std::uint64_t fault_after = 0;  // calls of the disk
  // The power goes again in the recovery that follows, at this call; 0: it does not.
  std::uint64_t cut_in_recovery = 0;
};

struct Plan {
  Plan(std::uint64_t seed, std::uint64_t operations);

  bool journaled() const { return !lives.empty(); }

  std::uint64_t seed;
  QueueOptions options;
  DriverMode driver = DriverMode::thread;
  std::vector<Role> actors;  // a worker pool, if there is one, is the last
  std::vector<Operation> operations;
  bool looks_when_idle = false;  // an inspection by itself moves things on
  bool jumps = false;            // time passes while somebody could run
  bool steps_back = false;
  std::vector<LifePlan> lives;  // none: there is no journal
  std::uint64_t journal_segments = 0;
  bool replays = true;
  std::uint32_t keys = 1;
  std::uint32_t workers = 0;
  std::uint32_t worker_batch = 1;
  // In percent.
  std::uint32_t unkeyed = 0;
  std::uint32_t delayed = 0;
  std::uint32_t with_ttl = 0;
  std::uint32_t own_attempts = 0;
  std::uint32_t outside = 0;  // payloads that do not fit a slot
  std::uint32_t failing = 0;
  std::uint32_t kept = 0;  // leases that are not settled at once
  std::uint32_t with_dedup = 0;
  std::uint32_t own_durability = 0;
  std::uint32_t batch_max = 1;
  std::uint32_t receive_max = 1;

 private:
  void draw_options(Random& random);
  void draw_limits(Random& random);
  void draw_journal(Random& random, std::uint64_t count);
  void draw_actors(Random& random);
  void draw_operations(Random& random, std::uint64_t count);
};

}  // namespace laneway::simulation

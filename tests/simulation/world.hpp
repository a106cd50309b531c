// World: one simulated run. An engine, those who work with it, and the history that they write.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/engine.hpp>
#include <laneway/worker_pool.hpp>

#include "tests/simulation/plan.hpp"
#include "tests/simulation/recorder.hpp"
#include "tests/simulation/scheduler.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace laneway::simulation {

// The scheduler's time, behind which it may lag: a clock that was set back.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  std::chrono::nanoseconds now() const noexcept override {
    return std::chrono::nanoseconds(scheduler_.now_ns() - behind_ns_);
  }
  void step_back(std::int64_t ns) { behind_ns_ += ns; }

 private:
  const Scheduler& scheduler_;
  std::int64_t behind_ns_ = 0;
};

// What was published, by number from 1.
struct Sent {
  MessageId id = {};
  std::uint64_t key = 0;
  std::string payload;
};

struct Held {
  Lease lease;
  std::uint64_t number = 0;   // shard and fencing token
  std::uint64_t message = 0;  // its first
  std::size_t size = 1;
  std::size_t acked = 0;
};

struct Consuming {
  Consumer consumer;
  std::deque<Held> hand;
};

class World {
 public:
  // Operations whose place is not in `kept` are left out; all are kept when it is empty.
  World(const Plan& plan, const std::vector<bool>& kept, bool trace);
  ~World();

  // Throws Broken when the history cannot be written; what is wrong in it is for the judge.
  void run();
  const check::History& history() { return recorder_.history(); }
  std::uint64_t operations_done() const { return operations_done_; }
  std::uint64_t switches() const { return scheduler_.switches(); }

 private:
  // world.cpp
  void open();
  void set_rules();
  void live();
  void act(std::uint32_t actor);
  void poll_until_done();
  void look_for_sleepers();
  void finish();
  void drain_everything();
  void audit();

  // producing.cpp
  void publish(Random& random);
  void publish_batch(Random& random);
  Message draw_message(Random& random, check::Event* event);

  // consuming.cpp
  void receive(Consuming& self, Random& random);
  void take(Consuming& self, Random& random);
  void judge_batch(Consuming& self, LeaseBatch& batch, Random& random);
  void write_grant(const check::Event& call,
                   const MessageView& view,
                   Held* held,
                   std::size_t place);
  void settle(Held& held, Random& random);
  void settle_with(Held& held, check::Verb verb, Random& random);
  void extend(Held& held, Random& random);
  void ack_part(Held& held, Random& random);
  void hand_over(Consuming& self, Random& random);
  void look_again(Held& held);
  void lease_begins();
  void lease_ends() { --leases_alive_; }
  bool may_be_at_limit() const {
    return leases_alive_ >= plan_.options.capacity / plan_.options.shards;
  }
  void start_pool();
  Outcome handle(const MessageView& view);

  // operating.cpp
  void operate(Verb verb, Random& random);
  void replay(Random& random);
  void discard(Random& random);
  void cancel(Random& random);
  void status(Random& random);
  void write_status(std::uint64_t message);
  void write_stats();
  void drain(Random& random);
  std::vector<MessageId> list_dead();

  std::string payload_of(std::uint64_t message, std::size_t size) const;
  std::uint64_t number_of(const MessageView& view, check::Event* grant) const;
  std::int64_t not_before(std::int64_t began_ns, std::chrono::milliseconds after) const;

  const Plan& plan_;
  const std::vector<bool>& kept_;
  const bool trace_;
  Scheduler scheduler_;
  std::shared_ptr<VirtualClock> clock_;
  Recorder recorder_;
  std::uint64_t operations_done_ = 0;

  std::optional<Engine> engine_;
  std::optional<Queue> queue_;
  std::vector<Sent> sent_{1};
  std::map<std::uint64_t, std::uint64_t> by_id_;  // message by MessageId
  std::vector<Consuming> consuming_;              // one an actor, used by consumers only
  std::uint32_t asleep_in_receive_ = 0;
  // Lease objects that live, zombies too: a shard grants only so many, and none above.
  std::uint64_t leases_alive_ = 0;
  std::uint64_t at_limit_ = 0;  // the last stamp at which a shard may have had that many
  // Consuming may be paused unless a resume came after all pauses so far.
  std::uint32_t pauses_ = 0;
  std::uint32_t pausing_ = 0;
  std::uint32_t resumed_ = 0;
  bool closed_ = false;
  bool done_ = false;

  std::optional<WorkerPool> pool_;
  struct Working {
    std::uint64_t last_returned = 0;  // of the handler
    std::size_t settle = 0;           // its event, whose return is not yet known; 0: none
    check::Event call;                // of the receive that the run in hand came from
    std::uint64_t lease = 0;
    std::uint32_t members = 0;
  };
  std::map<std::uint32_t, Working> working_;  // by fiber
  std::uint64_t pool_started_ = 0;
};

}  // namespace laneway::simulation

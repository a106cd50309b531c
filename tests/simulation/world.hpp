// World: one simulated run. An engine, those who work with it, and the history that they write.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/engine.hpp>
#include <laneway/worker_pool.hpp>

#include "tests/simulation/disk.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/recorder.hpp"
#include "tests/simulation/scheduler.hpp"
#include "tests/simulation/tally.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
  std::uint64_t dedup = 0;
  std::string payload;
  // Of a queue that survives.
  Durability durability = Durability::none;
  MessageId told = {};        // its id, also when it is not there any more
  bool durable = false;       // surely
  bool ticket = false;        // its publish did not wait for that
  std::size_t carried = 0;    // from a past life: place of its publish in the history, + 1
  bool may_be_over = false;   // otherwise than by an ack
  bool in_doubt = false;      // nobody was told whether it was taken
  bool taken_back = false;    // by its publish, for want of room in the journal
  bool granted = false;       // in a past life; it may have failed there
  std::uint32_t attempt = 0;  // its next one at least
};

struct Held {
  Lease lease;
  std::uint64_t number = 0;   // shard and fencing token
  std::uint64_t message = 0;  // its first
  std::size_t size = 1;
  std::size_t acked = 0;
  std::size_t life = 0;  // of the engine
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
  // Of each life, the first one first.
  std::vector<check::History> histories() {
    histories_.push_back(recorder_.begin_again());
    return std::move(histories_);
  }
  const Tallies& tallies() const { return tallies_; }
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
  void audit_duplicates();

  // restarting.cpp
  struct Fate;
  void plug_in_disk();
  EngineOptions engine_options();
  void open_engine();
  void flush();
  bool waits_for_disk();
  bool stops_before(std::size_t operation) const;
  void stop();
  void close_engine();
  void restart();
  void settle_past(Held& held, check::Verb verb);
  void fates_of_ends(const check::History& past, std::map<std::uint64_t, Fate>* fates);
  void remember_grants(const check::History& past, const std::map<std::uint64_t, Fate>& fates);
  void carry_over();
  void judge_recovered(std::uint64_t message, const Fate& fate);
  void judge_prefixes(const std::map<std::uint64_t, Fate>& fates);
  void write_carried(check::Event publish, const Fate& fate);
  void may_end(std::uint64_t message);

  // producing.cpp
  void publish(Random& random);
  void publish_batch(Random& random);
  Message draw_message(Random& random, check::Event* event);
  void write_published(check::Event event, const Published& published);

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
  Result<> ack_durable(Held& held);
  void extend(Held& held, Random& random);
  void ack_part(Held& held, Random& random);
  void hand_over(Consuming& self, Random& random);
  void look_again(Held& held);
  void lease_begins();
  void lease_ends();
  bool may_be_at_limit() const {
    const QueueOptions& options = plan_.options;
    return leases_alive_ >= options.capacity / options.shards || options.rate.per_second > 0 ||
           (options.in_flight_max != 0 && leases_alive_ >= options.in_flight_max);
  }
  // A lease counts until its shard is looked at, which may be the one after that with a message.
  // What a journaled shard may do depends on the disk.
  bool may_come_back_empty() const {
    return disk_ != nullptr || may_be_at_limit() ||
           (plan_.options.in_flight_max != 0 && plan_.options.shards > 1);
  }
  void start_pool();
  void end_pool();
  Outcome handle(const MessageView& view);

  // operating.cpp
  void operate(Verb verb, Random& random);
  std::optional<std::uint64_t> draw_dead(Random& random);
  void replay(Random& random);
  void discard(Random& random);
  void release_key(std::uint64_t key);
  void cancel(Random& random);
  void status(Random& random);
  void write_status(std::uint64_t message);
  void write_stats();
  void drain(Random& random);
  std::vector<MessageId> list_dead();

  static const std::string& key_name(std::uint64_t key);
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
  // Messages that were duplicates, and the ids that they were told.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> duplicates_;
  std::uint32_t publishing_ = 0;
  std::vector<Consuming> consuming_;  // one an actor, used by consumers only
  std::uint32_t asleep_in_receive_ = 0;
  // Lease objects that live, zombies too: a shard, or a queue, grants only so many.
  std::uint64_t leases_alive_ = 0;
  std::uint64_t at_limit_ = 0;  // the last stamp at which it may have been so
  // Consuming may be paused unless a resume came after all pauses so far.
  std::uint32_t pauses_ = 0;
  std::uint32_t pausing_ = 0;
  std::uint32_t resumed_ = 0;
  bool closed_ = false;
  std::uint64_t close_began_ = ~std::uint64_t{0};  // stamp
  bool done_ = false;
  bool drained_ = false;  // nothing is left but dead letters

  Tallies tallies_;
  std::unique_ptr<Disk> disk_;  // null: nothing is journaled
  std::size_t life_ = 0;
  bool found_closed_ = false;              // by this life: nothing of the last one is missing
  bool stopping_ = false;                  // this life ends
  std::uint64_t durable_before_ = 0;       // what had returned by this stamp is
  std::set<std::uint64_t> durable_acks_;   // leases
  std::vector<std::uint64_t> fences_;      // of past lives, by shard: the highest
  std::vector<check::History> histories_;  // of past lives

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

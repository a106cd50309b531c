#include "tests/simulation/world.hpp"

#include "tools/check/history_text.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace laneway::simulation {

using check::Answer;
using check::Event;
using check::Kind;
using check::State;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t kStepsBackNanos = 3'000'000;

}  // namespace

std::size_t Recorder::write(Event event) {
  if (stopped_ != 0 && event.returned > stopped_) {
    // Of a call that was cut off nobody knows; and many say nothing then.
    const bool acts = event.kind == Kind::publish || event.kind == Kind::settle ||
                      event.kind == Kind::replay || event.kind == Kind::revoke ||
                      (event.kind == Kind::end && event.answer != Answer::refused &&
                       (event.state == State::cancelled || event.state == State::discarded));
    if (event.invoke > stopped_ || !acts) {
      if (trace_) {
        std::printf("CUT %s", check::event_line(event).c_str());
      }
      return 0;
    }
    event.answer = Answer::unknown;
  }
  if (trace_) {
    std::printf("%-10s %s", scheduler_.name(scheduler_.self()).c_str(),
                check::event_line(event).c_str());
  }
  history_.events.push_back(event);
  return history_.events.size() - 1;
}

World::World(const Plan& plan, const std::vector<bool>& kept, bool trace)
    : plan_(plan),
      kept_(kept),
      trace_(trace),
      scheduler_(plan.seed),
      clock_(std::make_shared<VirtualClock>(scheduler_)),
      recorder_(
          scheduler_, [this] { return clock_->now().count(); }, trace) {}

World::~World() = default;

void World::run() {
  scheduler_.run([this] {
    plug_in_disk();
    open();
    live();
    while (stopping_) {
      restart();
      live();
    }
    finish();
    end_pool();
    consuming_.clear();
    queue_.reset();
    engine_.reset();
  });
}

void World::open() {
  open_engine();
  for (std::size_t i = 0; i < plan_.actors.size(); ++i) {
    consuming_.push_back({*queue_->consumer(), {}});
  }
  set_rules();
}

void World::set_rules() {
  check::Rules& rules = recorder_.history().rules;
  const std::uint64_t shards = queue_->options().shards;
  rules.by_key = plan_.options.kind == QueueKind::by_key;
  rules.hold = plan_.options.on_failure == OnFailure::hold;
  // What is refused for its bytes is told the same.
  rules.capacity =
      plan_.options.bytes_max != 0 ? 0 : (plan_.options.capacity + shards - 1) / shards * shards;
  rules.shards = shards;
  rules.attempts = plan_.options.attempts_max;
  // A tick, and a nap before something claimed and not yet published. When the clock jumps, whoever
  // can run has had no time to.
  rules.patience_ns = plan_.jumps ? 0 : 3'000'000;
  // Attempts of past lives are not in the history.
  rules.all_grants = plan_.workers == 0 && life_ == 0;
  rules.unseen = std::uint64_t{plan_.workers} * plan_.worker_batch * plan_.options.run_max;
  rules.drops = plan_.options.overflow == Overflow::drop_oldest;
  rules.dead_hold = plan_.options.on_death == OnDeath::hold_key;
  rules.dead_divert = plan_.options.on_death == OnDeath::divert_key;
  rules.in_flight = plan_.options.in_flight_max;
  rules.key_capacity = plan_.options.key_messages_max;
  // A clock that is set back makes windows longer.
  if (plan_.options.rate.per_second > 0 && !plan_.steps_back && !plan_.journaled()) {
    rules.rate_ns = static_cast<std::int64_t>(1e9 / plan_.options.rate.per_second);
    rules.burst = plan_.options.rate.burst;
  }
  rules.dedup_ns =
      plan_.steps_back ? 0 : std::chrono::nanoseconds(plan_.options.dedup_window).count();
  if (life_ != 0) {
    rules.capacity = rules.key_capacity = 0;  // what had been replayed comes back beyond it
  }
  if (trace_) {
    std::printf("%s", check::rules_line(rules).c_str());
  }
}

// --- those who act ----------------------------------------------------------------------------

void World::live() {
  done_ = false;
  if (plan_.looks_when_idle && !disk_) {
    scheduler_.when_idle([this] { look_for_sleepers(); });
  }
  if (plan_.workers != 0) {
    start_pool();
  }
  std::vector<std::uint32_t> fibers;
  for (std::uint32_t actor = 0; actor < plan_.actors.size(); ++actor) {
    static constexpr const char* kNames[] = {"producer", "consumer", "operator", "pool"};
    const std::string name = kNames[static_cast<std::size_t>(plan_.actors[actor])];
    fibers.push_back(scheduler_.start(name + std::to_string(actor), [this, actor] { act(actor); }));
  }
  std::uint32_t poller = 0;
  if (plan_.driver == DriverMode::manual) {
    poller = scheduler_.start("poller", [this] { poll_until_done(); });
  }
  for (const std::uint32_t fiber : fibers) {
    scheduler_.join(fiber);
  }
  done_ = true;
  if (plan_.driver == DriverMode::manual) {
    scheduler_.join(poller);
  }
}

void World::act(std::uint32_t actor) {
  for (std::size_t i = 0; i < plan_.operations.size(); ++i) {
    const Operation& operation = plan_.operations[i];
    const bool earlier = life_ != 0 && i < plan_.lives[life_ - 1].stops_at;
    if (operation.actor != actor || earlier || (!kept_.empty() && !kept_[i])) {
      continue;
    }
    if (stops_before(i)) {
      stop();
    }
    if (stopping_) {
      return;
    }
    ++operations_done_;
    scheduler_.progress();
    Random random(operation.draw);
    Consuming& self = consuming_[actor];
    Held* const held = self.hand.empty() ? nullptr : &self.hand.front();
    switch (operation.verb) {
      case Verb::publish:
        publish(random);
        break;
      case Verb::publish_batch:
        publish_batch(random);
        break;
      case Verb::receive:
        receive(self, random);
        break;
      case Verb::take:
        take(self, random);
        break;
      case Verb::settle:
        if (held != nullptr) {
          look_again(*held);
          settle(*held, random);
          self.hand.pop_front();
        }
        break;
      case Verb::extend:
        if (held != nullptr) {
          extend(*held, random);
        }
        break;
      case Verb::ack_part:
        if (held != nullptr) {
          ack_part(*held, random);
        }
        break;
      case Verb::hand_over:
        hand_over(self, random);
        break;
      case Verb::rest:
        scheduler_.nap(milliseconds(random.below(4)) + std::chrono::nanoseconds(1));
        break;
      default:
        operate(operation.verb, random);
        break;
    }
  }
}

void World::poll_until_done() {
  while (!done_) {
    const Result<milliseconds> next = engine_->poll();
    const milliseconds nap = next ? std::min(*next, milliseconds(3)) : milliseconds(3);
    scheduler_.nap(std::max(nap, milliseconds(1)));
  }
}

// Nobody can run: whoever sleeps in a receive has nothing to do, or its wake-up was lost.
void World::look_for_sleepers() {
  if (asleep_in_receive_ == 0 || resumed_ != pauses_ || closed_ || may_be_at_limit()) {
    return;
  }
  const Result<QueueStats> stats = queue_->stats();
  if (stats && stats->ready != 0) {
    scheduler_.fail("S15 liveness: all sleep, and " + std::to_string(stats->ready) +
                    " messages are ready");
  }
}

// --- the end ----------------------------------------------------------------------------------

void World::finish() {
  scheduler_.when_idle(nullptr);
  if (pool_) {
    (void)pool_->drain(milliseconds(20));
  }
  end_pool();
  if (disk_) {
    disk_->mend();
  }
  for (Consuming& consumer : consuming_) {
    for (; !consumer.hand.empty(); consumer.hand.pop_front()) {
      Random random(plan_.seed);
      look_again(consumer.hand.front());
      settle_with(consumer.hand.front(), check::Verb::drop, random);
    }
  }
  if (closed_) {
    return;
  }
  write_stats();
  Random random(plan_.seed);
  operate(Verb::resume, random);
  drain_everything();
  drained_ = true;
  write_stats();
  audit();
  recorder_.write_finished(recorder_.begin(Kind::over));
}

// Whatever is left must come: within so many receives and so much time, always another one.
void World::drain_everything() {
  constexpr int kIdleRoundsMax = 100;
  constexpr int kDiscards = 16;  // in a round
  Random random(plan_.seed);
  for (int idle = 0; idle < kIdleRoundsMax;) {
    Consuming& self = consuming_[0];
    Event call = recorder_.begin(Kind::receive);
    Result<LeaseBatch> batch = self.consumer.receive({.max = 64});
    recorder_.finish(&call);
    call.index = static_cast<std::uint32_t>(batch->size());
    call.key = std::max(batch->shards_skipped(), may_come_back_empty() ? 1u : 0u);
    recorder_.write(call);
    const bool empty = batch->empty();
    judge_batch(self, *batch, random);
    if (!empty) {
      idle = 0;
      continue;
    }
    ++idle;
    const bool waits = disk_ && waits_for_disk();
    const Result<QueueStats> stats = queue_->stats();
    if (!waits && stats->ready + stats->blocked + stats->delayed + stats->leased == 0) {
      return;
    }
    for (std::uint64_t key = 1; stats->keys_stopped != 0 && key <= plan_.keys; ++key) {
      release_key(key);
    }
    // What fills a journal may be dead letters, which only an operator takes away.
    for (int i = 0; i < kDiscards && waits && idle > kIdleRoundsMax / 2; ++i) {
      discard(random);
    }
    scheduler_.nap(milliseconds(1));
    scheduler_.advance(milliseconds(idle / 8));
    if (plan_.driver == DriverMode::manual) {
      (void)engine_->poll();
    }
  }
  scheduler_.fail("S15 liveness: messages are left that nobody can receive");
}

// Whoever is told to be a duplicate is told of whom.
void World::audit_duplicates() {
  for (const auto& [message, id] : duplicates_) {
    const auto may_be_first = [dedup = sent_[message].dedup](const Sent& first) {
      return first.dedup == dedup && first.in_doubt && !first.taken_back;
    };
    const auto first = by_id_.find(id);
    const bool known = first != by_id_.end()
                           ? sent_[first->second].dedup == sent_[message].dedup
                           : std::any_of(sent_.begin(), sent_.end(), may_be_first);
    if (!known) {
      scheduler_.fail("S2 no loss: message " + std::to_string(message) +
                      " was told to be a duplicate of a stranger");
    }
  }
}

void World::audit() {
  audit_duplicates();
  (void)list_dead();
  for (std::uint64_t message = 1; message < sent_.size(); ++message) {
    if (sent_[message].id.value != 0) {
      write_status(message);
    }
  }
}

std::int64_t World::not_before(std::int64_t began_ns, milliseconds after) const {
  return began_ns + std::chrono::nanoseconds(after).count() -
         (plan_.steps_back ? kStepsBackNanos : 0);
}

}  // namespace laneway::simulation

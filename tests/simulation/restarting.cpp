// World: the engine of a queue that survives ends, and is opened again on what the disk kept.
//
// Each life writes a history of its own. What the next one finds is told to its judge as published,
// at the stamps of the first publish, so that order holds over all lives; here is compared what the
// judge of one life cannot see.
#include "tests/simulation/world.hpp"
#include "tools/check/lives.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace laneway::simulation {

using check::Answer;
using check::Event;
using check::Kind;
using check::State;
using std::chrono::milliseconds;
using SettleVerb = check::Verb;

namespace {

// Clocks of two lives meet at milliseconds of wall time.
constexpr std::int64_t kRoundingNanos = 2'000'000;
// Whoever waits for the disk may ask again and again, and keep others from sleeping.
constexpr std::uint64_t kPatienceTurns = 500;
constexpr std::uint64_t kFenceMask = (std::uint64_t{1} << MessageId::kPositionBits) - 1;

class Watcher final : public EngineObserver {
 public:
  Watcher(Tallies& tallies, bool& closed, bool trace)
      : tallies_(tallies), closed_(closed), trace_(trace) {}

  void log(std::string_view line) noexcept override {
    if (trace_) {
      std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    }
  }
  void recovered(const JournalRecovery& found) noexcept override {
    tallies_.count(Tally::torn, found.end == RecoveryEnd::torn ? 1 : 0);
    tallies_.count(Tally::recovered, found.messages);
    closed_ = closed_ || found.end == RecoveryEnd::closed;
  }

 private:
  Tallies& tallies_;
  bool& closed_;
  const bool trace_;
};

bool replayed_none(const Event& replay) {
  return replay.message == 0 && replay.answer == Answer::ok && replay.index == 0;
}

bool is_there(MessageState state) {
  switch (state) {
    case MessageState::accepted:
    case MessageState::delayed:
    case MessageState::ready:
    case MessageState::blocked:
    case MessageState::leased:
    case MessageState::dead:
      return true;
    default:
      return false;
  }
}

}  // namespace

// --- the engine -------------------------------------------------------------------------------

void World::plug_in_disk() {
  if (plan_.journaled()) {
    tallies_.count(Tally::journaled);
    disk_ = std::make_unique<Disk>(plan_.seed, tallies_);
    scheduler_.set_patience(kPatienceTurns);
  }
}

EngineOptions World::engine_options() {
  EngineOptions options;
  options.driver = plan_.driver;
  if (plan_.driver == DriverMode::manual) {
    options.clock = clock_;
  }
  if (disk_) {
    options.journal.directory = "simulated";
    options.journal.segment_bytes = 64 * 1024;
    options.journal.bytes_max = plan_.journal_segments * options.journal.segment_bytes;
    options.observer = std::make_shared<Watcher>(tallies_, found_closed_, trace_);
  }
  return options;
}

void World::open_engine() {
  auto engine = Engine::open(engine_options());
  if (!engine) {
    scheduler_.fail("R1 recovery: the engine does not open: " + to_string(engine.error()));
  }
  engine_ = std::move(*engine);
  auto queue = engine_->queue("simulated", plan_.options);
  if (!queue) {
    scheduler_.fail("R1 recovery: the queue does not open: " + to_string(queue.error()));
  }
  queue_ = std::move(*queue);
  if (disk_) {
    tallies_.count(Tally::lives);
    const LifePlan& life = plan_.lives[life_];
    disk_->break_after(life.fault_after, life.fault);
  }
}

void World::flush() {
  const std::uint64_t began = recorder_.stamp();
  const Result<bool> flushed = engine_->flush(milliseconds(20));
  if (flushed && *flushed && !recorder_.stopped()) {
    durable_before_ = std::max(durable_before_, std::min(began, close_began_));
  }
}

// Is something published that no shard could look at yet? Not in a journal that has failed.
bool World::waits_for_disk() {
  const Result<bool> flushed = engine_->flush(milliseconds(100));
  const bool full = !flushed && flushed.error().code == Errc::journal_full;
  if (full) {
    scheduler_.nap(milliseconds(100));
  }
  return full || (flushed && !*flushed);
}

// --- the end of a life ------------------------------------------------------------------------

bool World::stops_before(std::size_t operation) const {
  return disk_ && operation >= plan_.lives[life_].stops_at;
}

// Whoever is to go on finds that this life is over.
void World::stop() {
  if (stopping_) {
    return;
  }
  stopping_ = true;
  const LifePlan& life = plan_.lives[life_];
  if (life.stop != Stop::closed) {
    recorder_.stop();
    disk_->cut_after(0);
  } else if (life.in_calls) {
    close_engine();
  }
}

void World::close_engine() {
  Event event = recorder_.begin(Kind::revoke);
  close_began_ = std::min(close_began_, event.invoke);
  closed_ = true;
  engine_->close();
  recorder_.write_finished(event);
}

void World::restart() {
  const LifePlan& life = plan_.lives[life_];
  tallies_.count(life.stop == Stop::closed   ? Tally::closed
                 : life.stop == Stop::killed ? Tally::killed
                                             : Tally::power_cut);
  end_pool();
  if (life.stop == Stop::closed && !life.in_calls) {
    close_engine();
  }
  // Leases of an engine that was closed are kept by whoever holds them.
  std::vector<std::deque<Held>> hands;
  for (Consuming& consumer : consuming_) {
    hands.push_back(std::move(consumer.hand));
    hands.back().resize(life.stop == Stop::closed ? hands.back().size() : 0);
  }
  consuming_.clear();
  Queue past = *queue_;
  queue_.reset();
  engine_.reset();
  disk_->come_back(life.stop == Stop::power_cut);
  found_closed_ = false;
  if (life.cut_in_recovery != 0) {
    tallies_.count(Tally::cut_in_recovery);
    disk_->cut_after(life.cut_in_recovery);
    (void)Engine::open(engine_options());
    disk_->come_back(true);
  }
  ++life_;
  histories_.push_back(recorder_.begin_again());
  stopping_ = closed_ = false;
  const std::uint64_t close_began = std::exchange(close_began_, ~std::uint64_t{0});
  leases_alive_ = 0;
  pauses_ = resumed_ = 0;
  open();
  for (std::size_t actor = 0; actor < hands.size(); ++actor) {
    consuming_[actor].hand = std::move(hands[actor]);
  }
  if (life.stop == Stop::closed && past.publish({.payload = "late"})) {
    scheduler_.fail("S1 no invention: a queue of a past life takes a message");
  }
  if (found_closed_) {
    durable_before_ = std::max(durable_before_, close_began);
  }
  carry_over();
}

// A lease of a past life: nothing that is done to it counts.
void World::settle_past(Held& held, SettleVerb verb) {
  tallies_.count(Tally::past_leases);
  const Result<> answer = verb == SettleVerb::nack     ? held.lease.nack()
                          : verb == SettleVerb::reject ? held.lease.reject()
                          : verb == SettleVerb::extend ? held.lease.extend(milliseconds(5))
                          : verb == SettleVerb::drop   ? Result<>(Errc::closed)
                                                       : held.lease.ack();
  if (answer) {
    scheduler_.fail("S3 one winner: lease " + std::to_string(held.number) +
                    " of a past life was settled");
  }
  if (verb != SettleVerb::extend) {
    held.lease = Lease();
  }
}

// --- from one life to the next ----------------------------------------------------------------

// What the past life knew of a message.
struct World::Fate {
  const Event* publish = nullptr;
  const Event* ack = nullptr;     // that was answered ok, of its whole lease
  const Event* reject = nullptr;  // so was this
  bool may_be_over = false;
  bool may_be_replayed = false;
  bool durable = false;  // surely
  bool found = false;    // in the new life
  bool dead = false;     // there
};

void World::fates_of_ends(const check::History& past, std::map<std::uint64_t, Fate>* fates) {
  std::multimap<std::uint64_t, const Event*> grants;  // by lease
  for (const Event& event : past.events) {
    Fate& fate = (*fates)[event.message];
    switch (event.kind) {
      case Kind::publish:
        fate.publish = &event;
        fate.may_be_over |= sent_[event.message].may_be_over;
        break;
      case Kind::grant:
        grants.insert({event.lease, &event});
        sent_[event.message].granted = true;
        break;
      case Kind::replay:
        fate.may_be_replayed |= event.answer != Answer::refused && !replayed_none(event);
        break;
      default:
        break;
    }
  }
  for (const Event& event : past.events) {
    const auto [from, to] = grants.equal_range(event.lease);
    for (auto at = from; event.kind == Kind::settle && at != to; ++at) {
      Fate& fate = (*fates)[at->second->message];
      const bool acks = event.verb == SettleVerb::ack && event.answer != Answer::lost;
      fate.may_be_over |= acks;
      // A part of a run is recorded when its lease ends.
      const bool all = event.index == 0 || event.index >= grants.count(event.lease);
      if (acks && event.answer == Answer::ok && all) {
        fate.ack = &event;
      }
      if (event.verb == SettleVerb::reject && event.answer == Answer::ok && at == from &&
          grants.count(event.lease) == 1) {
        fate.reject = &event;
      }
    }
  }
}

// The attempt that the next grant has at least, and the token that it has more than.
void World::remember_grants(const check::History& past,
                            const std::map<std::uint64_t, Fate>& fates) {
  fences_.resize(plan_.options.shards);
  for (const Event& event : past.events) {
    if (event.kind == Kind::grant) {
      std::uint64_t& highest = fences_[event.lease >> MessageId::kPositionBits];
      highest = std::max(highest, event.lease & kFenceMask);
      if (event.returned < durable_before_) {
        std::uint32_t& attempt = sent_[event.message].attempt;
        attempt = std::max(attempt, event.attempt);
      }
    }
  }
  const bool all = fates.contains(0) && fates.at(0).may_be_replayed;
  for (const auto& [message, fate] : fates) {
    sent_[message].attempt = all || fate.may_be_replayed ? 0 : sent_[message].attempt;
  }
}

// What is there is what the past lives promised, and is told to the judge as published.
void World::carry_over() {
  const check::History& past = histories_.back();
  std::map<std::uint64_t, Fate> fates;
  fates_of_ends(past, &fates);
  remember_grants(past, fates);
  const bool all_replayed = fates[0].may_be_replayed;
  fates.erase(0);
  for (auto& [message, fate] : fates) {
    if (fate.publish == nullptr) {
      continue;
    }
    fate.may_be_replayed |= all_replayed;
    Sent& sent = sent_[message];
    if (sent.id.value != 0) {
      const Result<MessageStatus> status = queue_->status(sent.id);
      fate.found = status && is_there(status->state);
      fate.dead = status && status->state == MessageState::dead;
    }
    const bool recorded = sent.durability != Durability::none && !sent.taken_back;
    fate.durable = sent.durable ||
                   (recorded && sent.id.value != 0 && fate.publish->returned < durable_before_);
    judge_recovered(message, fate);
    sent.durable = fate.found;
    // One whose deadline has passed ended while the queue was opened; of others the id is known.
    const bool perhaps =
        fate.publish->answer == Answer::unknown || fate.publish->until_ns != 0 || sent.dedup != 0;
    if (fate.found || (recorded && perhaps && check::may_be_accepted(*fate.publish))) {
      write_carried(*fate.publish, fate);
    }
    if (!fate.found) {
      sent.id = {};
    }
  }
  judge_prefixes(fates);
  for (const auto& [message, fate] : fates) {
    sent_[message].told = sent_[message].id;
  }
}

// R1: what was durable is there, unless it is over. R2: what was over, durably, is not.
void World::judge_recovered(std::uint64_t message, const Fate& fate) {
  const std::string name = "message " + std::to_string(message);
  if (fate.durable && !fate.may_be_over && !fate.found) {
    scheduler_.fail("R1 recovery: " + name + " was durable and is lost");
  }
  if (fate.found && sent_[message].durability == Durability::none) {
    scheduler_.fail("R1 recovery: " + name + " was to leave no trace and is there");
  }
  const auto durably = [&](const Event* settle) {
    return settle != nullptr &&
           (settle->returned < durable_before_ || durable_acks_.contains(settle->lease));
  };
  if (durably(fate.ack) && fate.found) {
    scheduler_.fail("R2 settled: " + name + " was durably acknowledged and is there again");
  }
  const bool stays_dead = fate.durable && !fate.may_be_replayed && !fate.may_be_over;
  if (durably(fate.reject) && stays_dead && !fate.dead) {
    scheduler_.fail("R2 settled: " + name + " was durably rejected and is no dead letter");
  }
}

// What is lost is the end of what a shard had been given, and of what happened in a key.
void World::judge_prefixes(const std::map<std::uint64_t, Fate>& fates) {
  std::map<std::uint32_t, std::uint64_t> ends;  // by shard: the last publish that is there
  std::map<std::uint64_t, std::vector<const Fate*>> acked;  // by key
  for (const auto& [message, fate] : fates) {
    const MessageId id = sent_[message].id;
    if (fate.found) {
      std::uint64_t& end = ends[id.shard()];
      end = std::max(end, id.position());
    }
    if (fate.durable && fate.ack != nullptr && fate.publish->key != 0 &&
        !sent_[message].may_be_over) {
      acked[fate.publish->key].push_back(&fate);
    }
  }
  for (const auto& [message, fate] : fates) {
    const MessageId id = sent_[message].told;
    if (fate.publish != nullptr && sent_[message].told.value != 0 && !fate.found &&
        !fate.may_be_over && sent_[message].durability != Durability::none &&
        ends.contains(id.shard()) && id.position() < ends[id.shard()]) {
      scheduler_.fail("R1 recovery: message " + std::to_string(message) +
                      " is lost, and a later one of its shard is there");
    }
  }
  const bool in_order =
      plan_.options.kind == QueueKind::by_key && plan_.options.on_failure == OnFailure::hold;
  for (auto& [key, of_key] : acked) {
    std::sort(of_key.begin(), of_key.end(),
              [](const Fate* a, const Fate* b) { return a->ack->invoke < b->ack->invoke; });
    const auto lost = std::find_if(of_key.begin(), of_key.end(), [](auto* f) { return f->found; });
    if (in_order && std::any_of(lost, of_key.end(), [](auto* f) { return !f->found; })) {
      scheduler_.fail("R2 settled: key " + std::to_string(key) +
                      " lost an acknowledgement and kept a later one");
    }
  }
}

void World::write_carried(Event publish, const Fate& fate) {
  publish.began_ns -= kRoundingNanos;
  publish.ended_ns += kRoundingNanos;
  publish.due_ns -= publish.due_ns != 0 ? kRoundingNanos : 0;
  publish.until_ns -= publish.until_ns != 0 ? kRoundingNanos : 0;
  // Nobody must answer for what may have ended unseen.
  const bool surely = fate.found && !sent_[publish.message].may_be_over;
  publish.answer = surely ? publish.answer : Answer::unknown;
  const bool may_rest = plan_.options.on_failure == OnFailure::detach &&
                        (sent_[publish.message].granted || plan_.workers != 0);
  if (fate.dead || fate.may_be_replayed || may_rest || sent_[publish.message].id.value == 0) {
    // It joins when it is replayed or its retry is due, or did so: whenever that is, in no batch.
    publish.invoke = 1;
    publish.returned = ~std::uint64_t{0};
    publish.thread = ~static_cast<std::uint32_t>(publish.message);
  }
  sent_[publish.message].carried = recorder_.write(publish) + 1;
}

// Otherwise than by an ack. The engine does not tell how a message of a past life ended.
void World::may_end(std::uint64_t message) {
  Sent& sent = sent_[message];
  sent.may_be_over = true;
  if (sent.carried != 0) {
    recorder_.history().events[sent.carried - 1].answer = Answer::unknown;
  }
}

}  // namespace laneway::simulation

#include "tests/simulation/world.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace laneway::simulation {

using check::Answer;
using check::Event;
using check::Kind;
using std::chrono::milliseconds;
using SettleVerb = check::Verb;

namespace {

constexpr std::size_t kHandMax = 6;

std::uint64_t lease_number(const MessageView& view) {
  return std::uint64_t{view.id.shard()} << MessageId::kPositionBits | view.fence;
}

}  // namespace

// 0 and damaged when the bytes are not what was published.
std::uint64_t World::number_of(const MessageView& view, Event* grant) const {
  std::uint64_t number = 0;
  if (view.payload.size() >= sizeof number) {
    std::memcpy(&number, view.payload.data(), sizeof number);
  }
  if (number == 0 || number >= sent_.size()) {
    grant->answer = Answer::damaged;
    return 0;
  }
  if (view.payload.text() != sent_[number].payload) {
    grant->answer = Answer::damaged;
  }
  return number;
}

void World::lease_begins() {
  ++leases_alive_;
  at_limit_ = may_be_at_limit() ? recorder_.stamp() : at_limit_;
}

void World::lease_ends() {
  at_limit_ = may_be_at_limit() ? recorder_.stamp() : at_limit_;
  --leases_alive_;
}

// --- receiving --------------------------------------------------------------------------------

void World::receive(Consuming& self, Random& random) {
  ReceiveOptions options;
  options.max = static_cast<std::uint32_t>(random.between(1, plan_.receive_max));
  options.wait = milliseconds(random.one_of({0, 0, 1, 10, 40}));
  options.lease = milliseconds(random.one_of({0, 0, 1, 4, 30}));
  const bool sleeps = plan_.driver == DriverMode::thread && options.wait > milliseconds::zero();
  Event call = recorder_.begin(Kind::receive);
  const bool alone = recorder_.calls() == 1 && scheduler_.all_asleep("thread");
  const std::uint64_t switches = scheduler_.switches();
  asleep_in_receive_ += sleeps ? 1u : 0u;
  Result<LeaseBatch> batch = self.consumer.receive(options);
  asleep_in_receive_ -= sleeps ? 1u : 0u;
  recorder_.finish(&call);
  call.answer = answer_of(batch);
  if (batch) {
    call.index = static_cast<std::uint32_t>(batch->size());
    // While another thread holds a shard and is about to let it go, its hint may be half old: then
    // the shard is passed by, and not counted as skipped.
    const bool limited = at_limit_ > call.invoke || may_come_back_empty();
    const bool held = !alone || limited || scheduler_.switches() != switches;
    call.key = std::max(batch->shards_skipped(), held ? 1u : 0u);
  }
  call.due_ns = sleeps && at_limit_ < call.invoke && !may_be_at_limit() && !disk_
                    ? std::chrono::nanoseconds(options.wait).count()
                    : 0;
  const milliseconds lease =
      options.lease > milliseconds::zero() ? options.lease : plan_.options.lease;
  recorder_.write(call);
  if (batch && !recorder_.stopped()) {
    recorder_.history().events.back().until_ns = not_before(call.began_ns, lease);
    judge_batch(self, *batch, random);
  }
}

// Writes down what the receive that was written last has granted, and decides what becomes of it.
void World::judge_batch(Consuming& self, LeaseBatch& batch, Random& random) {
  const Event call = recorder_.history().events.back();
  const bool together = random.percent(15);
  std::vector<Held> all;
  for (Lease& lease : batch) {
    Held held;
    lease_begins();
    held.life = life_;
    held.size = lease.size();
    for (std::size_t i = 0; i < held.size; ++i) {
      write_grant(call, lease.message(i), &held, i);
    }
    held.lease = std::move(lease);
    all.push_back(std::move(held));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (together && all.size() > 1 && i == 0) {
      // Back into a batch that is acknowledged as one, which tells only how many it completed.
      std::vector<Event> events;
      for (std::size_t member = 0; member < all.size(); ++member) {
        batch[member] = std::move(all[member].lease);
        events.push_back(recorder_.begin(Kind::settle));
        events.back().verb = SettleVerb::ack;
        events.back().lease = all[member].number;
      }
      const std::size_t won = batch.ack();
      for (Event& event : events) {
        event.answer = won == all.size() ? Answer::ok : Answer::unknown;
        recorder_.write_finished(event);
      }
      // Those that were lost are still there.
      for (std::size_t member = 0; member < all.size(); ++member) {
        if (batch[member].valid()) {
          Event event = recorder_.begin(Kind::settle);
          event.verb = SettleVerb::drop;
          event.lease = all[member].number;
          event.answer = Answer::unknown;
          batch[member] = Lease();
          recorder_.write_finished(event);
        }
        lease_ends();
      }
      return;
    }
    if (random.percent(plan_.kept) && !done_) {
      self.hand.push_back(std::move(all[i]));
      continue;
    }
    settle(all[i], random);
  }
  while (self.hand.size() > kHandMax) {
    look_again(self.hand.front());
    settle(self.hand.front(), random);
    self.hand.pop_front();
  }
}

void World::write_grant(const Event& call, const MessageView& view, Held* held, std::size_t place) {
  Event grant = call;
  grant.kind = Kind::grant;
  grant.answer = Answer::ok;
  grant.due_ns = 0;
  grant.message = number_of(view, &grant);
  grant.key = grant.message == 0 ? 0 : sent_[grant.message].key;
  grant.lease = lease_number(view);
  if (!fences_.empty() && view.fence <= fences_[view.id.shard()]) {
    scheduler_.fail("R2 fences: a token of the past life comes again");
  }
  grant.attempt = view.attempt;
  if (sent_[grant.message].taken_back) {
    scheduler_.fail("S2 no loss: message " + std::to_string(grant.message) +
                    " had been taken back");
  }
  if (view.attempt < sent_[grant.message].attempt) {
    scheduler_.fail("R2 attempts: message " + std::to_string(grant.message) + " has fewer again");
  }
  grant.index = static_cast<std::uint32_t>(place);
  if (place == 0) {
    held->number = grant.lease;
    held->message = grant.message;
  }
  recorder_.write(grant);
}

void World::take(Consuming& self, Random& random) {
  MessageBatch batch;
  ReceiveOptions options;
  options.max = static_cast<std::uint32_t>(random.between(1, 4));
  Event call = recorder_.begin(Kind::take);
  const Result<std::size_t> taken = self.consumer.take(batch, options);
  recorder_.finish(&call);
  for (std::size_t i = 0; taken && i < batch.size(); ++i) {
    const MessageView view = batch.message(i);
    Event event = call;
    event.message = number_of(view, &event);
    event.key = event.message == 0 ? 0 : sent_[event.message].key;
    event.attempt = view.attempt;
    sent_[event.message].may_be_over = true;
    recorder_.write(event);
  }
}

// --- settling ---------------------------------------------------------------------------------

void World::settle(Held& held, Random& random) {
  if (random.percent(10)) {
    scheduler_.nap(milliseconds(random.between(1, 12)));  // a slow handler
  }
  if (!random.percent(plan_.failing)) {
    settle_with(held, SettleVerb::ack, random);
    return;
  }
  static constexpr SettleVerb kFailures[] = {SettleVerb::nack,   SettleVerb::nack,
                                             SettleVerb::nack,   SettleVerb::release,
                                             SettleVerb::reject, SettleVerb::drop};
  settle_with(held, kFailures[random.below(std::size(kFailures))], random);
}

// One call, and what is left of the Lease is destroyed.
void World::settle_with(Held& held, SettleVerb verb, Random& random) {
  if (held.life != life_) {
    settle_past(held, verb);
    return;
  }
  Event event = recorder_.begin(Kind::settle);
  event.verb = verb;
  event.lease = held.number;
  Failure failure{.error = "simulated", .error_class = 7};
  Result<> answer;
  switch (verb) {
    case SettleVerb::nack:
      event.due_ns = not_before(event.began_ns, plan_.options.backoff.floor);
      if (random.percent(50)) {
        failure.after = milliseconds(random.below(8));
        event.due_ns = not_before(event.began_ns, *failure.after);
      }
      answer = held.lease.nack(failure);
      break;
    case SettleVerb::release:
      answer = held.lease.release();
      break;
    case SettleVerb::reject:
      answer = held.lease.reject(failure);
      break;
    case SettleVerb::ack:
      answer = disk_ && random.percent(15) ? ack_durable(held) : held.lease.ack();
      break;
    default:
      break;
  }
  event.answer = verb == SettleVerb::drop ? Answer::unknown : answer_of(answer);
  if (verb == SettleVerb::drop) {
    held.lease = Lease();
  }
  recorder_.write_finished(event);
  if (held.lease.valid()) {
    settle_with(held, SettleVerb::drop, random);
  } else {
    lease_ends();
  }
}

// What it cannot make durable is acknowledged all the same.
Result<> World::ack_durable(Held& held) {
  const Result<> answer = held.lease.ack_durable();
  if (answer && !recorder_.stopped()) {
    durable_acks_.insert(held.number);
  }
  const bool acknowledged = !answer && (answer.error().code == Errc::io_error ||
                                        answer.error().code == Errc::journal_full);
  return acknowledged ? Result<>() : answer;
}

void World::extend(Held& held, Random& random) {
  if (held.life != life_) {
    settle_past(held, SettleVerb::extend);
    return;
  }
  Event event = recorder_.begin(Kind::settle);
  event.verb = SettleVerb::extend;
  event.lease = held.number;
  const milliseconds by(random.between(1, 40));
  event.until_ns = not_before(event.began_ns, by);
  const Result<> extended = held.lease.extend(by);
  // Extended, and told that somebody has asked to cancel it.
  const bool cancelled = !extended && extended.error().code == Errc::cancelled;
  event.answer = cancelled ? Answer::ok : answer_of(extended);
  recorder_.write_finished(event);
}

void World::ack_part(Held& held, Random& random) {
  if (held.size < 2 || held.life != life_) {
    return;
  }
  Event event = recorder_.begin(Kind::settle);
  event.verb = SettleVerb::ack;
  event.lease = held.number;
  event.index = static_cast<std::uint32_t>(random.between(1, held.size - 1));
  event.answer = answer_of(held.lease.ack_through(event.index));
  recorder_.write_finished(event);
}

// To another thread.
void World::hand_over(Consuming& self, Random& random) {
  std::vector<std::size_t> others;
  for (std::size_t actor = 0; actor < plan_.actors.size(); ++actor) {
    if (plan_.actors[actor] == Role::consumer) {
      others.push_back(actor);
    }
  }
  if (!self.hand.empty()) {
    Held held = std::move(self.hand.front());
    self.hand.pop_front();
    consuming_[others[random.below(others.size())]].hand.push_back(std::move(held));
  }
}

// A Lease shows its bytes for as long as it lives, also when it has expired.
void World::look_again(Held& held) {
  Event event = recorder_.moment(Kind::settle);
  const MessageView view = held.lease.message();
  if (number_of(view, &event) != held.message || event.answer == Answer::damaged) {
    event.verb = SettleVerb::drop;
    event.lease = held.number;
    event.answer = Answer::damaged;
    event.returned = recorder_.stamp();
    recorder_.write(event);
  }
}

// --- the worker pool --------------------------------------------------------------------------

void World::start_pool() {
  WorkerPoolOptions options;
  options.workers = plan_.workers;
  options.batch = plan_.worker_batch;
  options.handler_time_max = milliseconds(20);
  pool_started_ = recorder_.stamp();
  pool_ = *WorkerPool::start(*queue_, options,
                             [this](const MessageView& view) { return handle(view); });
}

void World::end_pool() {
  pool_.reset();
  for (auto& [fiber, working] : working_) {
    if (working.settle != 0) {
      Event& settle = recorder_.history().events[working.settle];
      settle.returned = recorder_.stamp();
      settle.ended_ns = scheduler_.now_ns();
    }
  }
  working_.clear();
}

// A handler does not see the receive before it, nor the settle after it: the first lies between its
// last return and now, the second between its return and the next call.
Outcome World::handle(const MessageView& view) {
  Working& self = working_[scheduler_.self()];
  Event call = recorder_.moment(Kind::grant);
  if (self.settle != 0) {
    Event& settle = recorder_.history().events[self.settle];
    settle.returned = recorder_.stamp();
    settle.ended_ns = call.began_ns;
    self.settle = 0;
  }
  const std::uint64_t lease = lease_number(view);
  if (lease != self.lease) {
    call.returned = recorder_.stamp();
    call.ended_ns = scheduler_.now_ns();
    // What waits in a worker's hand may have been received long ago.
    call.invoke =
        self.last_returned == 0 || plan_.worker_batch > 1 ? pool_started_ : self.last_returned;
    call.began_ns = 0;
    self.call = call;
    self.lease = lease;
    self.members = 0;
  }
  Held held;
  write_grant(self.call, view, &held, self.members++);

  Random random(plan_.seed ^ view.id.value ^ view.attempt << 20);
  if (random.percent(30)) {
    scheduler_.nap(milliseconds(random.between(1, 40)));
  }
  const bool fails = random.percent(plan_.failing);
  const std::uint64_t way = random.below(3);
  Event settle = recorder_.moment(Kind::settle);
  settle.lease = lease;
  settle.answer = Answer::unknown;
  settle.verb = !fails ? SettleVerb::ack : way == 0 ? SettleVerb::reject : SettleVerb::nack;
  settle.index = fails ? 0 : self.members;
  settle.returned = ~std::uint64_t{0};
  self.settle = recorder_.write(settle);
  self.last_returned = settle.invoke;
  if (!fails) {
    return Outcome::ack();
  }
  if (way == 1) {
    throw std::runtime_error("simulated");
  }
  return way == 0 ? Outcome::reject("simulated") : Outcome::retry("simulated", milliseconds(1));
}

}  // namespace laneway::simulation

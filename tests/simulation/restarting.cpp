#include "tests/simulation/world.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace laneway::simulation {

using check::Answer;
using check::Event;
using check::Kind;
using check::State;
using SettleVerb = check::Verb;

namespace {

// Clocks of two lives meet at milliseconds of wall time.
constexpr std::int64_t kRoundingNanos = 2'000'000;

// What the past life knew of a message.
struct Fate {
  const Event* publish = nullptr;
  const Event* ack = nullptr;  // that was answered ok
  bool may_be_over = false;
  bool found = false;  // in the new life
  bool dead = false;   // there
  bool may_be_replayed = false;
};

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

std::map<std::uint64_t, Fate> fates_of(const check::History& past) {
  std::map<std::uint64_t, Fate> fates;
  std::multimap<std::uint64_t, const Event*> grants;  // by lease
  for (const Event& event : past.events) {
    Fate& fate = fates[event.message];
    switch (event.kind) {
      case Kind::publish:
        fate.publish = &event;
        fate.may_be_over |= event.until_ns != 0;
        break;
      case Kind::grant:
        grants.insert({event.lease, &event});
        break;
      case Kind::replay:
        fate.may_be_replayed = true;
        break;
      case Kind::take:
        fate.may_be_over = true;
        break;
      case Kind::end:
        fate.may_be_over |= event.state == State::cancelled || event.state == State::discarded;
        break;
      default:
        break;
    }
  }
  for (const Event& event : past.events) {
    const auto [from, to] = grants.equal_range(event.lease);
    for (auto at = from; event.kind == Kind::settle && at != to; ++at) {
      Fate& fate = fates[at->second->message];
      fate.may_be_over |= event.verb == SettleVerb::ack && event.answer != Answer::lost;
      // A part of a run is recorded when its lease ends.
      const bool all = event.index == 0 || event.index >= grants.count(event.lease);
      if (event.verb == SettleVerb::ack && event.answer == Answer::ok && all) {
        fate.ack = &event;
      }
    }
  }
  return fates;
}

}  // namespace

void World::break_disk() {
  engine::SimDisk& disk = disk_->sim();
  switch (plan_.disk_fault) {
    case Plan::DiskFault::none:
      break;
    case Plan::DiskFault::one_call:
      disk.fail_at = plan_.fault_at;
      break;
    case Plan::DiskFault::all_calls:
      disk.fail_from = plan_.fault_at;
      break;
    case Plan::DiskFault::no_space:
      disk.bytes_max = plan_.fault_at;
      break;
  }
}

void World::flush() {
  if (!disk_) {
    return;
  }
  const std::uint64_t began = recorder_.stamp();
  const Result<bool> flushed = engine_->flush(std::chrono::milliseconds(20));
  if (flushed && *flushed && !recorder_.stopped() && !closed_) {
    durable_before_ = std::max(durable_before_, began);
  }
}

// Whoever is to go on finds that this life is over.
void World::stop() {
  if (stopping_) {
    return;
  }
  stopping_ = true;
  if (plan_.power_goes) {
    recorder_.stop();
    disk_->cut_power();
  }
}

void World::restart() {
  for (Consuming& consumer : consuming_) {
    for (; !consumer.hand.empty(); consumer.hand.pop_front()) {
      Random random(plan_.seed);
      settle_with(consumer.hand.front(), SettleVerb::drop, random);
    }
  }
  consuming_.clear();
  queue_.reset();
  engine_.reset();
  if (!plan_.power_goes) {
    durable_before_ =
        std::max(durable_before_, close_began_ != 0 ? close_began_ : recorder_.stamp());
  }
  engine::SimDisk& disk = disk_->sim();
  disk.power_cycle();
  disk.fail_at = disk.fail_from = engine::SimDisk::kNever;
  disk.bytes_max = ~std::size_t{0};
  past_ = recorder_.begin_again();
  past_.rules.all_grants = false;  // a receive that was cut off may have granted
  ++lives_;
  stopping_ = closed_ = false;
  leases_alive_ = 0;
  pauses_ = resumed_ = 0;
  close_began_ = 0;
  open();
  carry_over();
}

// What is there is what the past life promised, and is told to the judge as published. R1: what was
// durable is there, unless it was over. R2: what was over, durably, is not; and of the
// acknowledgements of a key none is kept that came after a lost one.
void World::carry_over() {
  recorder_.history().rules.all_grants = false;
  carried_below_ = sent_.size();
  fences_.assign(plan_.options.shards, 0);
  for (const Event& event : past_.events) {
    if (event.kind == Kind::grant) {
      std::uint64_t& highest = fences_[event.lease >> MessageId::kPositionBits];
      constexpr std::uint64_t kFenceMask = (std::uint64_t{1} << MessageId::kPositionBits) - 1;
      highest = std::max(highest, event.lease & kFenceMask);
    }
  }
  const bool sync = plan_.options.durability == Durability::sync;
  std::map<std::uint64_t, std::vector<const Fate*>> acked;  // durable ones, by key
  std::map<std::uint64_t, Fate> fates = fates_of(past_);
  for (auto& [message, fate] : fates) {
    if (fate.publish == nullptr) {
      continue;
    }
    const std::string name = "message " + std::to_string(message);
    const bool accepted = fate.publish->answer == Answer::ok;
    if (accepted) {
      const Result<MessageStatus> status = queue_->status(sent_[message].id);
      fate.found = status && is_there(status->state);
      fate.dead = status && status->state == MessageState::dead;
    }
    const bool durable = accepted && (sync || fate.publish->returned < durable_before_);
    if (durable && !fate.may_be_over && !fate.found) {
      scheduler_.fail("R1 recovery: " + name + " was durable and is lost");
    }
    if (fate.ack != nullptr && fate.ack->returned < durable_before_ && fate.found) {
      scheduler_.fail("R2 settled: " + name + " was durably acknowledged and is there again");
    }
    if (durable && fate.ack != nullptr && fate.publish->key != 0) {
      acked[fate.publish->key].push_back(&fate);
    }
    if (fate.found || fate.publish->answer == Answer::unknown) {
      Event publish = *fate.publish;
      publish.due_ns -= publish.due_ns != 0 ? kRoundingNanos : 0;
      publish.until_ns -= publish.until_ns != 0 ? kRoundingNanos : 0;
      // How it ends is not answered for what a past life published.
      publish.answer = publish.until_ns != 0 ? Answer::unknown : publish.answer;
      if (fate.dead || fate.may_be_replayed || fates[0].may_be_replayed) {
        // It joins when it is replayed, or did so: whenever that is, and in no batch.
        publish.returned = ~std::uint64_t{0};
        publish.thread = ~static_cast<std::uint32_t>(message);
      }
      recorder_.write(publish);
    } else {
      sent_[message].id = {};
    }
  }
  const bool in_order =
      plan_.options.kind == QueueKind::by_key && plan_.options.on_failure == OnFailure::hold;
  for (auto& [key, of_key] : acked) {
    std::sort(of_key.begin(), of_key.end(),
              [](const Fate* a, const Fate* b) { return a->ack->invoke < b->ack->invoke; });
    const auto lost = std::find_if(of_key.begin(), of_key.end(), [](auto* f) { return f->found; });
    if (in_order && std::any_of(lost, of_key.end(), [](auto* f) { return !f->found; })) {
      scheduler_.fail("R2 settled: key " + std::to_string(key) + " lost an acknowledgement and " +
                      "kept a later one");
    }
  }
}

}  // namespace laneway::simulation

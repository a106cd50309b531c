// Floor 3. The patient side of a shard: timekeepers, inspectors, operators, close.
#include "engine/driver.hpp"
#include "engine/hold.hpp"
#include "engine/journal_host.hpp"
#include "engine/message_item.hpp"
#include "engine/shard.hpp"

#include <algorithm>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;

// Of the time of death in a listing's cursor: a letter may be older than the clock.
constexpr std::int64_t kBeforeClockUs = -(kLongAgoNanos / kDeathNanos);
constexpr std::uint64_t kEndOfTime = (std::uint64_t{1} << 38) - 1;  // as late as a deadline can be

Error closed() {
  return {Errc::closed, 0, "the queue has been closed"};
}
Error behind() {
  return {Errc::journal_full, 0, "the journal is behind; try again later"};
}

}  // namespace

bool Shard::run_timers() {
  Hold hold(*this);
  if (!hold) {
    return false;
  }
  hint_.tell(~std::uint64_t{0});
  hold.step(0);
  return true;
}

std::uint64_t Shard::due_hint() const {
  return hint_.read().next_due;
}

// What waits for the journal counts as seen: it shows as accepted.
bool Shard::saw_inbox(std::uint64_t end) const {
  return inbox_head_ >= end ||
         (journal_ != nullptr && (journal_->recorded() >= end || journal_->publishes_wait()) &&
          journal_->acceptable(inbox_head_, 1) == 0);
}

bool Shard::catch_up() {
  const std::uint64_t inbox = inbox_.claimed();
  const std::uint64_t returns = returns_.claimed();
  for (;;) {
    {
      Hold hold = Hold::patient(*this);
      if (!hold) {
        return false;
      }
      hold.step(Hold::kEverything);
      const bool stuck = journal_ != nullptr && !journal_->room_to_act();
      if (stuck || (saw_inbox(inbox) && returns_head_ >= returns && !timers_behind())) {
        return true;  // a stalled disk is no reason to show nothing
      }
    }
    if (journal_ != nullptr) {
      journal_->journal().help();
    }
    patience();  // for a claim that is not yet published
  }
}

void Shard::look_again() {
  Hold hold = Hold::patient(*this);
  if (hold) {
    hold.step(0);
  }
}

Result<> Shard::stats(QueueStats* stats) {
  if (!catch_up()) {
    return closed();
  }
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return closed();
  }
  core_.count(stats, hold.now_ns());
  stats->holds = holds_;
  return {};
}

Result<MessageStatus> Shard::status(std::uint64_t position) {
  if (!catch_up()) {
    return closed();
  }
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return closed();
  }
  MessageStatus status;
  status.state = core_.state_of(position);
  if (status.state == MessageState::unknown && position >= inbox_head_ &&
      position < inbox_.claimed()) {
    status.state = MessageState::accepted;
  }
  const std::uint32_t index = core_.find(position);
  if (index == ShardCore::kNoSlot) {
    status.result = core_.result(position);
    return status;
  }
  const Slot& slot = core_.slot(index);
  status.cancelling = slot.cancelled && status.state == MessageState::leased;
  status.attempts = slot.attempts;
  if (status.state == MessageState::delayed) {
    const auto due = static_cast<std::int64_t>(core_.due_tick(index));
    const std::int64_t now = hold.now_ns() / kTickNanos;
    status.due_in = milliseconds(std::max<std::int64_t>(0, due - now));
  }
  if (slot.story != 0) {
    const AttemptStory::Record& last = core_.story().newest(slot);
    status.error_class = last.error_class;
    status.error.assign(last.text, last.text_bytes);
  }
  return status;
}

Result<MessageState> Shard::cancel(std::uint64_t position) {
  if (!catch_up()) {
    return closed();
  }
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return closed();
  }
  if (!room_to_act()) {
    return behind();
  }
  const std::uint32_t index = core_.find(position);
  if (index == ShardCore::kNoSlot || core_.slot(index).state == SlotState::dead) {
    return {Errc::not_found, "no such message, or it is over"};
  }
  const std::uint32_t lease = core_.lease_of(index);
  timers_tick_ = kNoTick;
  if (core_.cancel(index, hold.now_ns())) {
    return MessageState::cancelled;
  }
  words_[lease].mark();
  return MessageState::leased;
}

Result<std::uint64_t> Shard::dead_letters(std::uint64_t from_us,
                                          const DeadLetterQuery& query,
                                          DeadLetterPage* page) {
  if (!catch_up()) {
    return closed();
  }
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return closed();
  }
  std::uint64_t next_us = 0;
  core_.each_dead([&](std::uint32_t index) {
    const Slot& slot = core_.slot(index);
    const auto died_us = static_cast<std::uint64_t>(slot.since_ns / kDeathNanos + kBeforeClockUs);
    if (died_us < from_us || !fits(query.filter, slot, hold.now_ns())) {
      return true;
    }
    if (page->letters.size() == query.limit) {
      next_us = died_us;
      return false;
    }
    page->letters.push_back(letter(slot, query.payloads));
    return true;
  });
  return next_us;
}

DeadLetter Shard::letter(const Slot& slot, bool payload) const {
  DeadLetter letter;
  letter.id = message_id(number_, slot.position);
  letter.key = slot.key_view();
  letter.type = slot.type_view();
  const Bytes bytes = slot.payload_view();
  letter.payload_bytes = bytes.size();
  if (payload) {
    letter.payload.assign(bytes.data(), bytes.data() + bytes.size());
  }
  letter.reason = static_cast<DeadReason>(slot.reason);
  letter.attempts = slot.attempts;
  letter.published = host_.wall(slot.published_ns);
  letter.died = host_.wall(slot.since_ns);
  core_.story().each(slot, [&](const AttemptStory::Record& record) {
    letter.story.push_back({record.number, record.end, record.error_class,
                            host_.wall(record.granted_ns), host_.wall(record.ended_ns),
                            record.consumer, std::string(record.text, record.text_bytes)});
  });
  std::reverse(letter.story.begin(), letter.story.end());
  return letter;
}

bool Shard::fits(const DeadLetterFilter& filter, const Slot& slot, std::int64_t now_ns) const {
  const std::chrono::nanoseconds age = elapsed(slot.since_ns, now_ns);
  const bool any_age = filter.younger_than == milliseconds::zero();
  if (age < filter.older_than || (!any_age && age >= filter.younger_than)) {
    return false;
  }
  if (filter.error_class) {
    const bool failed = slot.story != 0;
    if (!failed || core_.story().newest(slot).error_class != *filter.error_class) {
      return false;
    }
  }
  return (filter.key.empty() || filter.key == slot.key_view()) &&
         (filter.type.empty() || filter.type == slot.type_view()) &&
         (!filter.reason || *filter.reason == static_cast<DeadReason>(slot.reason));
}

std::vector<std::uint64_t> Shard::dead_in_join_order(const DeadLetterFilter& filter) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> dead;
  const bool seen = catch_up();
  Hold hold = Hold::patient(*this);
  if (seen && hold) {
    core_.each_dead([&](std::uint32_t index) {
      const Slot& slot = core_.slot(index);
      if (fits(filter, slot, hold.now_ns())) {
        dead.emplace_back(slot.join, slot.position);
      }
      return true;
    });
  }
  std::sort(dead.begin(), dead.end());
  std::vector<std::uint64_t> positions;
  positions.reserve(dead.size());
  for (const auto& [join, position] : dead) {
    positions.push_back(position);
  }
  return positions;
}

Result<> Shard::replay(std::uint64_t position, std::uint64_t due_tick) {
  if (!catch_up()) {
    return closed();
  }
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return closed();
  }
  if (!room_to_act()) {
    return behind();
  }
  const std::uint32_t index = core_.find(position);
  if (index == ShardCore::kNoSlot || core_.slot(index).state != SlotState::dead) {
    return {Errc::not_found, "no such dead letter"};
  }
  core_.replay(index, due_tick, hold.now_ns());
  return {};
}

Result<> Shard::release_key(std::string_view key, std::uint32_t key_hash) {
  if (!catch_up()) {
    return closed();
  }
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return closed();
  }
  if (!room_to_act()) {
    return behind();
  }
  if (!core_.release_key(key, key_hash, hold.now_ns())) {
    return {Errc::not_found, "no dead letter stops this key"};
  }
  return {};
}

Result<> Shard::discard(std::uint64_t position) {
  if (!catch_up()) {
    return closed();
  }
  Hold hold = Hold::patient(*this);
  if (!hold) {
    return closed();
  }
  if (!room_to_act()) {
    return behind();
  }
  const std::uint32_t index = core_.find(position);
  if (index == ShardCore::kNoSlot || core_.slot(index).state != SlotState::dead) {
    return {Errc::not_found, "no such dead letter"};
  }
  core_.discard(index, hold.now_ns());
  return {};
}

std::uint64_t Shard::take_back_leases() {
  std::uint64_t taken = 0;
  for (bool more = true; more;) {
    more = false;
    (void)catch_up();
    Hold hold = Hold::patient(*this);
    if (!hold) {
      return taken;
    }
    core_.each_leased([&](std::uint32_t index) {
      if (!room_to_act()) {
        more = true;
        return;
      }
      const LeaseWord::View word = words_[index].end(kEndOfTime);
      if (word.state == LeaseState::expired) {
        const std::uint32_t run = core_.slot(index).run;
        taken += (run == 0 ? 1 : core_.run(run).size) - word.prefix;
        core_.settle(index, LeaseEnd::taken_back, word.prefix, nullptr, hold.now_ns());
        timers_tick_ = kNoTick;
      }
    });
  }
  return taken;
}

std::uint64_t Shard::close() {
  while (!token_.try_take()) {
    patience();
  }
  // The token is never released again: nobody else runs this core.
  core_.each_leased([&](std::uint32_t index) { words_[index].end(kEndOfTime); });
  const std::uint64_t claimed = returns_.close();
  const std::uint64_t delivered = claimed - returns_head_;
  for (std::uint64_t entry = 0; returns_head_ < claimed;) {
    if (returns_.take(returns_head_, &entry)) {
      ++returns_head_;
    } else {
      patience();  // a settler between its claim and its store
    }
  }
  return core_.leases_out() - delivered;
}

}  // namespace laneway::engine

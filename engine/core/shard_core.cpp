#include "engine/core/shard_core.hpp"

#include "engine/base/assert.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

namespace laneway::engine {

namespace {

std::size_t table_entries(const ShardOptions& options) {
  return std::bit_ceil(static_cast<std::size_t>(options.slots()) * 2);
}

std::size_t positions_kept(const ShardOptions& options) {
  return std::max(table_entries(options), static_cast<std::size_t>(options.outcomes));
}

// Enough for every message to use up its attempts, within reason.
std::size_t story_records(const ShardOptions& options) {
  constexpr std::uint64_t kStoryRecordsMax = 1u << 20;
  const std::uint64_t each = std::min(options.attempts_max, kStoryAttemptsMax);
  return static_cast<std::size_t>(std::min(options.slots() * each, kStoryRecordsMax));
}

std::size_t age_links(const ShardOptions& options) {
  return options.drops_oldest ? static_cast<std::size_t>(options.slots()) : 0;
}

std::size_t ranks(const ShardOptions& options) {
  return options.priorities ? static_cast<std::size_t>(options.slots()) : 0;
}

// A run holds two messages at least, or it needs no record; one more per Lease that outlives its
// run.
std::size_t run_records(const ShardOptions& options) {
  return options.run_max > 1 ? static_cast<std::size_t>(options.slots()) : 0;
}

}  // namespace

void ShardCore::measure(const ShardOptions& options, ArenaSize* size) {
  const auto slots = static_cast<std::size_t>(options.slots());
  size->add<Slot>(slots);
  size->add<TimerNode>(TimerWheel::nodes_for(slots));
  size->add<ProbeTable::Entry>(KeyTable::entries(options.slots()));
  size->add<std::uint32_t>(positions_kept(options));
  size->add<ProbeTable::Entry>(table_entries(options));
  size->add<AttemptStory::Record>(story_records(options));
  size->add<RunRecord>(run_records(options));
  size->add<ResultStore::Record>(static_cast<std::size_t>(options.results));
  size->add<AgeList::Links>(age_links(options));
  size->add<PriorityHeap::Rank>(ranks(options));
  size->add<std::uint32_t>(ranks(options));
  const auto ids = static_cast<std::size_t>(options.dedup_ids);
  size->add<DedupWindow::Entry>(ids);
  size->add<ProbeTable::Entry>(DedupWindow::table_entries(ids));
}

ShardCore::ShardCore(const ShardOptions& options, Arena* arena, std::int64_t now_ns)
    : options_(options),
      slots_(arena->take<Slot>(static_cast<std::size_t>(options.slots()))),
      wheel_(arena->take<TimerNode>(TimerWheel::nodes_for(slots_.size())), tick_floor(now_ns)),
      lanes_(arena->take<ProbeTable::Entry>(KeyTable::entries(options.slots())), slots_),
      index_(arena->take<std::uint32_t>(positions_kept(options)),
             arena->take<ProbeTable::Entry>(table_entries(options)),
             slots_),
      ready_(slots_),
      dead_(slots_),
      story_(arena->take<AttemptStory::Record>(story_records(options))),
      runs_(arena->take<RunRecord>(run_records(options))),
      retry_policy_(options.backoff, options.seed),
      results_(arena->take<ResultStore::Record>(static_cast<std::size_t>(options.results))),
      age_(arena->take<AgeList::Links>(age_links(options))),
      ranked_(arena->take<PriorityHeap::Rank>(ranks(options)),
              arena->take<std::uint32_t>(ranks(options))),
      dedup_(arena->take<DedupWindow::Entry>(static_cast<std::size_t>(options.dedup_ids)),
             arena->take<ProbeTable::Entry>(
                 DedupWindow::table_entries(static_cast<std::size_t>(options.dedup_ids))),
             static_cast<std::int64_t>(options.dedup_window_ms) * kTickNanos),
      noted_(options.drops_oldest || options.priorities),
      fences_(options.first_fence),
      accepted_(options.first_position) {
  LANEWAY_CHECK(std::has_single_bit(options.outcomes));
  LANEWAY_CHECK(options.dead_max > 0);
  LANEWAY_CHECK(options.run_max <= kRunMax);
}

// --- the rest of grant ------------------------------------------------------------------------

// A message with a deadline, which may have passed.
Grant ShardCore::grant_in_time(std::uint32_t index, const GrantTerms& terms, std::int64_t now_ns) {
  if (is_late(index, now_ns)) {
    make_ready(index, now_ns, false);
    timer_fired(index, slots_[index].ttl_tick, now_ns);
    return {kNoSlot, 0, 0, 0};
  }
  stats_.queue_wait.record(std::chrono::nanoseconds(0));
  return begin_lease(index, now_ns, terms);
}

void ShardCore::extend_run(std::uint32_t head,
                           std::int64_t now_ns,
                           const GrantTerms& terms,
                           Grant* grant) {
  const std::uint32_t record = runs_.take();
  if (record == 0) {
    return;  // a run of one is always possible
  }
  RunRecord& run = runs_.at(record);
  run.members[run.size++] = {head, slots_[head].attempts};
  slots_[head].run = record;
  const std::uint32_t size = std::min(options_.run_max, terms.room);
  std::uint32_t link = slots_[head].lane_next;
  // Ends before a late one, which its timer is about to take out.
  while (link != 0 && run.size < size && !is_late(link - 1, now_ns)) {
    const std::uint32_t index = link - 1;
    link = slots_[index].lane_next;
    LANEWAY_ASSERT(slots_[index].state == SlotState::blocked);
    --stats_.blocked;
    lease_one(index, now_ns, terms);
    slots_[index].run = record;
    run.members[run.size++] = {index, slots_[index].attempts};
  }
  grant->run = record;
}

std::uint32_t ShardCore::take(std::int64_t now_ns) {
  const std::uint32_t index = next_ready(now_ns);
  if (index == kNoSlot) {
    return kNoSlot;
  }
  wheel_.cancel(index);
  const std::uint32_t attempt = ++slots_[index].attempts;
  ++stats_.leased_total;
  stats_.redelivered += attempt > 1 ? 1u : 0u;
  ++stats_.acked;
  leave_lane(index, now_ns);
  return index;
}

void ShardCore::finish_taken(std::uint32_t index, bool keep_block) {
  Slot& slot = slots_[index];
  if (keep_block && slot.block != nullptr) {
    freed_bytes_ += slot.content_bytes();
    slot.block = nullptr;
    freed_bytes_ -= slot.content_bytes();
  }
  resolve(index, MessageState::completed);
}

// --- the rest of settle -----------------------------------------------------------------------

void ShardCore::settle(std::uint32_t index,
                       LeaseEnd end,
                       std::uint32_t acked,
                       const FailureNote* note,
                       std::int64_t now_ns) {
  if (end == LeaseEnd::acked && slots_[index].run == 0) {
    settle_acked(index, now_ns);
    return;
  }
  LANEWAY_ASSERT(slots_[index].state == SlotState::leased);
  stats_.processing.record(elapsed(slots_[index].since_ns, now_ns));
  const std::uint32_t record = slots_[index].run;
  const bool lease_gone = end != LeaseEnd::expired && end != LeaseEnd::taken_back;
  wheel_.cancel(index);
  leases_out_ -= lease_gone ? 1 : 0;
  if (record == 0) {
    if (lease_gone) {
      --slots_[index].pins;
    }
    settle_member(index, acked != 0 ? LeaseEnd::acked : end, note, now_ns);
    return;
  }
  // A copy: resolving members may free their slots, and the record with the last of them.
  const RunRecord run = runs_.at(record);
  const std::uint32_t done = end == LeaseEnd::acked ? run.size : std::min(acked, run.size);
  if (lease_gone) {
    for (std::uint32_t i = 0; i < run.size; ++i) {
      --slots_[run.members[i].slot].pins;
    }
    runs_.give(record);
  }
  // From the back, so that nobody is granted or made ready before the order is restored.
  for (std::uint32_t i = run.size; i > done + 1; --i) {
    revoke(run.members[i - 1].slot, now_ns);
  }
  for (std::uint32_t i = 0; i < std::min(done + 1, run.size); ++i) {
    settle_member(run.members[i].slot, i < done ? LeaseEnd::acked : end, note, now_ns);
  }
}

void ShardCore::settle_member(std::uint32_t index,
                              LeaseEnd end,
                              const FailureNote* note,
                              std::int64_t now_ns) {
  --stats_.leased;
  slots_[index].run = 0;
  count_end(end);
  if (slots_[index].cancelled && end != LeaseEnd::acked) {
    end_as(MessageState::cancelled, index, now_ns);
    return;
  }
  switch (end) {
    case LeaseEnd::acked:
      leave_lane(index, now_ns);
      resolve(index, MessageState::completed);
      return;
    case LeaseEnd::released:
    case LeaseEnd::taken_back:
      give_back(index, now_ns);
      return;
    case LeaseEnd::rejected:
      story_.add(slots_[index], AttemptEnd::rejected, note, now_ns);
      bury(index, DeadReason::rejected, now_ns);
      return;
    case LeaseEnd::nacked:
      fail(index, AttemptEnd::nacked, note, now_ns);
      return;
    case LeaseEnd::abandoned:
      fail(index, AttemptEnd::abandoned, nullptr, now_ns);
      return;
    case LeaseEnd::expired:
      fail(index, AttemptEnd::expired, nullptr, now_ns);
      return;
  }
}

void ShardCore::count_end(LeaseEnd end) {
  switch (end) {
    case LeaseEnd::acked:
      ++stats_.acked;
      return;
    case LeaseEnd::released:
    case LeaseEnd::taken_back:
      ++stats_.released;
      return;
    case LeaseEnd::rejected:
      ++stats_.rejected;
      return;
    case LeaseEnd::nacked:
      ++stats_.nacked;
      return;
    case LeaseEnd::abandoned:
      ++stats_.abandoned;
      return;
    case LeaseEnd::expired:
      ++stats_.lease_expired;
      return;
  }
}

void ShardCore::uncount_attempt(std::uint32_t index) {
  --slots_[index].attempts;
  if (log_ != nullptr) {
    log_->attempts_changed(index);
  }
}

// Back to where it was, as if it had never been granted.
void ShardCore::give_back(std::uint32_t index, std::int64_t now_ns) {
  uncount_attempt(index);
  make_ready(index, now_ns, true);
}

// The rest of a run whose earlier message was not acknowledged: waits behind it again.
void ShardCore::revoke(std::uint32_t index, std::int64_t now_ns) {
  --stats_.leased;
  ++stats_.revoked;
  uncount_attempt(index);
  slots_[index].run = 0;
  if (slots_[index].cancelled) {
    end_as(MessageState::cancelled, index, now_ns);
    return;
  }
  make_blocked(index);
}

void ShardCore::fail(std::uint32_t index,
                     AttemptEnd end,
                     const FailureNote* note,
                     std::int64_t now_ns) {
  Slot& slot = slots_[index];
  story_.add(slot, end, note, now_ns);
  if (slot.attempts >= slot.attempts_max) {
    bury(index, DeadReason::attempts, now_ns);
  } else {
    retry(index, note, now_ns);
  }
}

void ShardCore::retry(std::uint32_t index, const FailureNote* note, std::int64_t now_ns) {
  Slot& slot = slots_[index];
  const bool explicit_delay = note != nullptr && note->after_ms_plus_1 != FailureNote::kBackoff;
  const std::uint64_t delay_ms =
      explicit_delay ? note->after_ms_plus_1 - 1 : retry_policy_.delay_ms(slot.attempts);
  if (options_.on_failure == OnFailure::detach) {
    leave_lane(index, now_ns);
  }
  slot.state = SlotState::retrying;
  ++stats_.delayed;
  const std::uint64_t due_tick = tick_after(now_ns, delay_ms);
  arm_due(index, due_tick);
  if (log_ != nullptr) {
    log_->retrying(index, due_tick, options_.on_failure == OnFailure::detach);
  }
}

void ShardCore::unpin(std::uint32_t index) {
  Slot& slot = slots_[index];
  LANEWAY_ASSERT(slot.pins > 0);
  --leases_out_;
  if (--slot.pins == 0 && slot.state == SlotState::resolved) {
    --stats_.pinned;
    release_slot(index);
  }
}

void ShardCore::unpin_run(std::uint32_t record) {
  const RunRecord run = runs_.at(record);
  runs_.give(record);
  leases_out_ += run.size - 1;  // one final entry for all its members
  for (std::uint32_t i = 0; i < run.size; ++i) {
    unpin(run.members[i].slot);
  }
}

// --- time -------------------------------------------------------------------------------------

void ShardCore::timer_fired(std::uint32_t index, std::uint64_t tick, std::int64_t now_ns) {
  const Slot& slot = slots_[index];
  if (slot.state == SlotState::dead) {
    ++stats_.discarded_for_age;
    discard(index, now_ns);
    return;
  }
  const bool over = slot.ttl_tick != 0 && tick >= slot.ttl_tick;
  const SlotState state = slot.state;
  stop_waiting(index);
  if (over) {
    end_as(MessageState::expired, index, now_ns);
    return;
  }
  switch (state) {
    case SlotState::delayed:
      note_joined(index);
      join(index, now_ns);
      return;
    case SlotState::retrying:
      make_ready(index, now_ns, false);
      return;
    default:
      LANEWAY_CHECK(state == SlotState::blocked);
      divert(index, now_ns);
  }
}

// Takes a waiting message out of what counts and lists it; its state is then the caller's to set.
void ShardCore::stop_waiting(std::uint32_t index) {
  switch (slots_[index].state) {
    case SlotState::ready:
      unlist_ready(index);
      break;
    case SlotState::blocked:
      --stats_.blocked;
      break;
    case SlotState::delayed:
    case SlotState::retrying:
      --stats_.delayed;
      break;
    default:
      LANEWAY_CHECK(false);
  }
  wheel_.cancel(index);
}

void ShardCore::unlist_ready(std::uint32_t index) {
  ready_.remove(index);
  if (options_.priorities) {
    ranked_.remove(index);
  }
}

bool ShardCore::cancel(std::uint32_t index, std::int64_t now_ns) {
  if (slots_[index].state == SlotState::leased) {
    slots_[index].cancelled = true;
    return false;
  }
  stop_waiting(index);
  end_as(MessageState::cancelled, index, now_ns);
  return true;
}

std::uint64_t ShardCore::drop_oldest(std::int64_t now_ns) {
  std::uint32_t link = age_.oldest();
  while (link != 0 && slots_[link - 1].state == SlotState::leased) {
    link = age_.younger(link - 1);
  }
  if (link == 0) {
    return 0;
  }
  const std::uint64_t position = slots_[link - 1].position;
  stop_waiting(link - 1);
  end_as(MessageState::dropped, link - 1, now_ns);
  return position;
}

// For a message that is in no list and not armed.
void ShardCore::end_as(MessageState outcome, std::uint32_t index, std::int64_t now_ns) {
  ++(outcome == MessageState::expired     ? stats_.expired
     : outcome == MessageState::cancelled ? stats_.cancelled
                                          : stats_.dropped);
  if (options_.on_death == OnDeath::divert_key) {
    divert_next(index, now_ns);
  }
  leave_lane(index, now_ns);
  resolve(index, outcome);
}

Block* ShardCore::take_freed_blocks() {
  Block* chain = freed_blocks_;
  freed_blocks_ = nullptr;
  return chain;
}

// --- inspect ----------------------------------------------------------------------------------

std::uint32_t ShardCore::find(std::uint64_t position) const {
  const std::uint32_t link = index_.find(position);
  return link != 0 ? link - 1 : kNoSlot;
}

MessageState ShardCore::state_of(std::uint64_t position) const {
  const std::uint32_t index = find(position);
  if (index == kNoSlot) {
    const bool remembered = position >= options_.first_position && position < accepted_ &&
                            position + options_.outcomes >= accepted_;
    return remembered ? index_.outcome(position) : MessageState::unknown;
  }
  switch (slots_[index].state) {
    case SlotState::delayed:
    case SlotState::retrying:
      return MessageState::delayed;
    case SlotState::ready:
      return MessageState::ready;
    case SlotState::blocked:
      return MessageState::blocked;
    case SlotState::leased:
      return MessageState::leased;
    case SlotState::dead:
      return MessageState::dead;
    default:
      return MessageState::unknown;
  }
}

void ShardCore::record_acks(QueueStats* stats) const {
  const std::uint64_t us = last_acks_.ns < 0 ? 0 : static_cast<std::uint64_t>(last_acks_.ns) / 1000;
  stats->acked += last_acks_.count;
  stats->leased -= last_acks_.count;
  stats->processing.count += last_acks_.count;
  stats->processing.buckets[DurationHistogram::bucket_of(us)] += last_acks_.count;
  stats->processing.sum_us += last_acks_.count * us;
}

void ShardCore::count(QueueStats* stats, std::int64_t now_ns) const {
  *stats = stats_;
  record_acks(stats);
  stats->published += accepted_ - options_.first_position;
  stats->leased += granted_at_once_;
  stats->leased_total += granted_at_once_;
  stats->queue_wait.count += granted_at_once_;
  stats->queue_wait.buckets[0] += granted_at_once_;
  stats->ready = ready_.size();
  stats->dead = dead_.size();
  stats->capacity = options_.capacity;
  stats->keys_active = lanes_.active();
  const auto age = [&](const SlotList& list) {
    return list.empty() ? std::chrono::milliseconds(0)
                        : std::chrono::duration_cast<std::chrono::milliseconds>(
                              elapsed(slots_[list.front()].since_ns, now_ns));
  };
  stats->oldest_ready_age = age(ready_);
  stats->oldest_dead_age = age(dead_);
}

}  // namespace laneway::engine

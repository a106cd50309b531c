#include "engine/shard.hpp"

#include "engine/base/stall_point.hpp"
#include "engine/driver.hpp"
#include "engine/hold.hpp"
#include "engine/journal_host.hpp"
#include "engine/message_item.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <new>

namespace laneway::engine {

namespace {

constexpr std::uint64_t kRingSlotsMax = 1u << 20;
// What a publisher waits for the limit to move before it helps: about a microsecond. A poller at
// work does it better, and until then its memory and its hint are left alone.
constexpr int kHelpSpins = 64;
constexpr std::uint64_t kNever = ~std::uint64_t{0};

std::uint64_t ring_slots(const ShardOptions& options) {
  return std::clamp<std::uint64_t>(std::bit_ceil(options.capacity), 2, kRingSlotsMax);
}

std::uint64_t returns_cells(const ShardOptions& options) {
  return std::bit_ceil(options.slots());
}

std::size_t items(std::uint64_t count) {
  return static_cast<std::size_t>(count);
}

LeaseEnd end_of(LeaseState state) {
  switch (state) {
    case LeaseState::acked:
      return LeaseEnd::acked;
    case LeaseState::nacked:
      return LeaseEnd::nacked;
    case LeaseState::released:
      return LeaseEnd::released;
    case LeaseState::rejected:
      return LeaseEnd::rejected;
    case LeaseState::abandoned:
      return LeaseEnd::abandoned;
    default:
      LANEWAY_CHECK(false);
      return LeaseEnd::abandoned;
  }
}

}  // namespace

std::uint64_t Shard::bytes(const ShardOptions& options) {
  ArenaSize total;
  total.add<Inbox::Slot>(items(ring_slots(options)));
  total.add<std::int32_t>(options.priorities ? items(ring_slots(options)) : 0);
  total.add<ReturnsRing::Cell>(items(returns_cells(options)));
  total.add<LeaseWord>(items(options.slots()));
  total.add<FailureNote>(items(options.slots()));
  ShardCore::measure(options, &total);
  return total.bytes();
}

Shard::Shard(ShardHost& host, const ShardOptions& options, std::uint32_t number)
    : host_(host),
      number_(number),
      arena_(items(bytes(options))),
      inbox_(arena_.take_ring<Inbox::Slot>(items(ring_slots(options))),
             options.first_position,
             options.first_position +
                 std::min(ring_slots(options), options.capacity - options.restored)),
      priorities_(arena_.take<std::int32_t>(options.priorities ? items(ring_slots(options)) : 0)),
      returns_(arena_.take<ReturnsRing::Cell>(items(returns_cells(options)))),
      words_(arena_.take<LeaseWord>(items(options.slots()))),
      notes_(arena_.take<FailureNote>(items(options.slots()))),
      credits_(returns_cells(options)),
      capacity_(options.capacity),
      first_position_(options.first_position),
      limited_(host.limited),
      runs_(options.run_max > 1),
      looks_ahead_(runs_ || limited_ || options.priorities || host.journal != nullptr),
      inbox_head_(options.first_position),
      core_(options, &arena_, host.now_ns()) {
  hint_.show({inbox_head_, 0, kNever, 0, core_.limit() - options.restored, 0});
}

// --- producers --------------------------------------------------------------------------------

Shard::Inbox::Claim Shard::claim(std::uint32_t wanted) {
  const Inbox::Claim claim = inbox_.claim(wanted);
  if (claim.count != 0) {
    return claim;
  }
  const std::uint64_t limit = inbox_.limit();
  for (int i = 0; i < kHelpSpins && inbox_.limit() == limit; ++i) {
    relax();
  }
  return inbox_.limit() != limit || help() ? inbox_.claim(wanted) : claim;
}

// Makes room if running the shard can: settled leases that nobody has drained, or a ring that is
// full while the core is not. True: worth another try. Moving messages into a full core would only
// cool its memory down.
bool Shard::help() {
  const ShardHint::View hint = hint_.read();
  const bool ring_full = inbox_.limit() < hint.core_limit;
  if (!ring_full && !returns_.filled(hint.returns_drained)) {
    return false;
  }
  Hold hold(*this);
  if (!hold) {
    host_.ring_busy.add(1);
    return false;
  }
  hold.step(ring_full ? Hold::kEverything : 0);
  return true;
}

// --- consumers --------------------------------------------------------------------------------

bool Shard::looks_idle() const {
  const ShardHint::View hint = hint_.read();
  // While nothing more may be granted, enough is ready: what comes in can wait.
  const bool sated = limited_ && hint.ready != 0 && !host_.may_grant();
  if ((!sated && (hint.ready != 0 || inbox_.published(hint.inbox_drained))) ||
      returns_.filled(hint.returns_drained)) {
    return false;
  }
  return hint.next_due == kNever || hint.next_due > ShardCore::tick_floor(host_.now_ns());
}

bool Shard::may_sleep() {
  if (token_.want()) {
    return true;  // its release wakes us
  }
  const ShardHint::View hint = hint_.read();
  const bool sated = limited_ && hint.ready != 0 && !host_.may_grant();
  return (sated || (hint.ready == 0 && inbox_.claimed() == hint.inbox_drained)) &&
         returns_.claimed() == hint.returns_drained;
}

[[gnu::always_inline]] inline void Shard::lease(const Grant& grant,
                                                const GrantTerms& terms,
                                                std::int64_t now_ns,
                                                LeaseBatch* batch) {
  const std::uint32_t generation = words_[grant.slot].grant(terms.deadline_tick);
  if (generation == 0 && core_.slot(grant.slot).pins > 1) [[unlikely]] {
    refuse_wrapped(grant.slot, now_ns);
    return;
  }
  new (batch->storage_ + batch->size_ * sizeof(Lease))
      Lease(this, grant.fence, grant.slot, grant.run, generation, grant.attempt);
  ++batch->size_;
}

Shard::Visit Shard::receive(const ReceiveTerms& terms, LeaseBatch* batch) {
  Hold hold(*this);
  if (!hold) {
    return Visit::busy;
  }
  const std::uint32_t wanted = looks_ahead_ ? terms.max - batch->size_ : 0;
  hold.step(priorities_.empty() ? wanted : Hold::kEverything);
  if (host_.consuming_paused.read()) {
    return Visit::done;
  }
  GrantTerms grant_terms{ShardCore::tick_after(hold.now_ns(), terms.lease_ms), terms.consumer,
                         budget_.grants};
  std::uint32_t max = terms.max;
  if (limited_) [[unlikely]] {
    const std::uint32_t leases = take_credits(terms.max - batch->size_);
    max = batch->size_ + leases;
    grant_terms.room = host_.rate.take(
        runs_ && leases != 0 ? grant_terms.room : std::min(leases, grant_terms.room),
        hold.now_ns());
  }
  Grant grant;
  while (batch->size_ < max && grant_terms.room > 0 && core_.leases_out() < credits_ &&
         core_.grant(grant_terms, hold.now_ns(), &grant)) {
    lease(grant, grant_terms, hold.now_ns(), batch);
    grant_terms.room -= grant.run == 0 ? 1 : core_.run(grant.run).size;
  }
  if (limited_) [[unlikely]] {
    host_.rate.give(grant_terms.room);
  }
  // Some of what is new may be blocked or delayed: then more is looked at, within the work of a
  // hold.
  for (std::uint32_t seen = 0; !looks_ahead_ && core_.ready() == 0 && batch->size_ < terms.max;) {
    const std::uint32_t wanted_new = terms.max - batch->size_;
    const std::uint32_t more = receive_new(wanted_new, grant_terms, hold.now_ns(), batch);
    seen += more;
    if (more < wanted_new || seen >= kHoldItemsMax) {
      break;
    }
  }
  return Visit::done;
}

// How many leases the whole queue may still grant; the release gives back what is not used.
std::uint32_t Shard::take_credits(std::uint32_t wanted) {
  return_credits();  // of the settles that this hold has drained
  const auto leases = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, core_.ready()));
  const std::uint32_t credits = host_.in_flight.take(leases);
  credits_out_ += credits;
  return credits;
}

// Those of leases that are over, and what was taken too much.
void Shard::return_credits() {
  const std::uint64_t over = credits_out_ - core_.leases_out();
  host_.in_flight.give(static_cast<std::uint32_t>(over));
  credits_out_ = core_.leases_out();
  credits_returned_ = credits_returned_ || over != 0;
}

// Straight from the inbox, for when nothing is ready; runs want to see more of a key first.
std::uint32_t Shard::receive_new(std::uint32_t wanted,
                                 const GrantTerms& terms,
                                 std::int64_t now_ns,
                                 LeaseBatch* batch) {
  const std::uint64_t credits = credits_ - core_.leases_out();
  const auto max = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, credits));
  // With a backlog the next batch travels here meanwhile: slot by slot, since a core waits for no
  // more than a handful of lines at a time. Its first slot is looked at before its last, which its
  // producer may be about to write.
  const std::uint64_t begin = inbox_head_;
  const bool backlog =
      inbox_.published(begin + max) && inbox_.published(begin + std::uint64_t{2} * max - 1);
  const std::uint64_t end = begin + (backlog ? max : published(max));
  std::array<std::uint32_t, kBatchMax> entered;
  std::size_t size = 0;
  std::uint64_t position = begin;
  for (; position != end && inbox_.published(position); ++position) {
    if (backlog) {
      inbox_.prefetch(position + max);
    }
    const std::uint32_t slot = core_.enter(inbox_.entry(position), position, now_ns);
    if (slot != ShardCore::kNoSlot) {
      entered[size++] = slot;
    }
  }
  inbox_head_ = position;
  core_.grant_entered(std::span(entered).first(size), terms, now_ns,
                      [&](const Grant& grant) { lease(grant, terms, now_ns, batch); });
  return static_cast<std::uint32_t>(position - begin);
}

// The generation has come round while old Leases pin the slot: they could be taken for the new one.
// No program gets here but one that keeps a Lease through 65,536 deliveries of its message.
void Shard::refuse_wrapped(std::uint32_t slot, std::int64_t now_ns) {
  words_[slot].refuse();
  core_.settle(slot, LeaseEnd::rejected, 0, nullptr, now_ns);
}

Shard::Visit Shard::take(std::uint32_t max, MessageBatch* batch) {
  Hold hold(*this);
  if (!hold) {
    return Visit::busy;
  }
  const std::uint32_t wanted = max - static_cast<std::uint32_t>(batch->size_);
  hold.step(priorities_.empty() ? wanted : Hold::kEverything);
  if (host_.consuming_paused.read()) {
    return Visit::done;
  }
  std::uint32_t room = std::min(wanted, budget_.grants);
  if (limited_) [[unlikely]] {
    room = host_.rate.take(room, hold.now_ns());
  }
  for (; batch->size_ < max && room > 0; --room) {
    const std::uint32_t index = core_.take(hold.now_ns());
    if (index == ShardCore::kNoSlot) {
      break;
    }
    const Slot& slot = core_.slot(index);
    MessageItem& item = batch->items()[batch->size_++];
    item.copy(slot, number_, host_.wall(slot.published_ns));
    // An expired Lease may still read the block: then the batch gets one of its own.
    const bool shared = slot.pins != 0 && slot.block != nullptr;
    if (shared) [[unlikely]] {
      item.block = PayloadPool::heap_copy(*slot.block);
    }
    core_.finish_taken(index, !shared);
  }
  if (limited_) [[unlikely]] {
    host_.rate.give(room);
  }
  return Visit::done;
}

// --- the hold ---------------------------------------------------------------------------------

void Shard::step(std::uint32_t wanted, std::int64_t now_ns) {
  more_ = false;
  if (journal_ != nullptr) [[unlikely]] {
    budget_ = journal_->begin(now_ns);
  }
  drain_returns(now_ns);
  const std::uint64_t tick = ShardCore::tick_floor(now_ns);
  // Looking into an inbox that is being filled costs a cache miss: not more often than it is
  // needed, or once a tick, so that delays and deadlines in it are seen in time.
  if (core_.ready() < wanted || tick != inbox_tick_) {
    inbox_tick_ = tick;
    drain_inbox(now_ns);
  }
  if (tick != timers_tick_) {
    const WheelProgress progress =
        core_.advance(now_ns, budget_.timers, [&](std::uint32_t slot) { judge(slot, now_ns); });
    // Only when everything due is done is this tick over.
    timers_tick_ = progress.more ? timers_tick_ : tick;
    more_ = more_ || progress.more;
  }
}

void Shard::drain_returns(std::int64_t now_ns) {
  const std::uint64_t end = returns_head_ + budget_.settles;
  std::uint64_t position = returns_head_;
  for (std::uint64_t entry = 0; position != end && returns_.take(position, &entry); ++position) {
    if (entry >> 32 == static_cast<std::uint64_t>(Final::acked)) [[likely]] {
      core_.settle_acked(static_cast<std::uint32_t>(entry), now_ns);
    } else {
      apply(entry, now_ns);
    }
  }
  returns_head_ = position;
  more_ = more_ || position == end;
}

void Shard::apply(std::uint64_t entry, std::int64_t now_ns) {
  const auto index = static_cast<std::uint32_t>(entry);
  switch (static_cast<Final>(entry >> 32)) {
    case Final::acked:
      LANEWAY_CHECK(false);
      return;
    case Final::settled: {
      const LeaseWord::View word = words_[index].view();
      const LeaseEnd end = end_of(word.state);
      const bool failed = end == LeaseEnd::nacked || end == LeaseEnd::rejected;
      // The settler may have come after the hold began: a retry waits from now on.
      const bool retries = end == LeaseEnd::nacked || end == LeaseEnd::abandoned;
      const std::int64_t settled_ns = retries ? std::max(now_ns, host_.now_ns()) : now_ns;
      core_.settle(index, end, word.prefix, failed ? &notes_[index] : nullptr, settled_ns);
      timers_tick_ = kNoTick;  // a delay of zero or a message deadline that is past is due now
      return;
    }
    case Final::acked_with_result:
      core_.keep_result(index, notes_[index].text_view());
      core_.settle_acked(index, now_ns);
      return;
    case Final::unpin:
      core_.unpin(index);
      return;
    case Final::unpin_run:
      core_.unpin_run(index);
      return;
  }
}

// How many of the next entries of the inbox are published, up to `wanted`. Asks for the second line
// of each.
std::uint32_t Shard::published(std::uint32_t wanted) const {
  std::uint32_t count = 0;
  for (; count < wanted && inbox_.published(inbox_head_ + count); ++count) {
    __builtin_prefetch(inbox_.entry(inbox_head_ + count).payload);
  }
  return count;
}

void Shard::accept(std::int64_t now_ns) {
  const std::uint64_t position = inbox_head_++;
  if (!priorities_.empty()) [[unlikely]] {
    core_.set_next_priority(priorities_[static_cast<std::size_t>(position & (inbox_.size() - 1))]);
  }
  core_.accept(inbox_.entry(position), position, now_ns);
}

void Shard::drain_inbox(std::int64_t now_ns) {
  if (journal_ != nullptr) [[unlikely]] {
    drain_recorded(now_ns);
    return;
  }
  const std::uint32_t count = published(kHoldItemsMax);
  for (std::uint32_t i = 0; i < count; ++i) {
    accept(now_ns);
  }
  more_ = more_ || count == kHoldItemsMax;
}

// What may be accepted is what is recorded, and of Durability::sync what is durable.
[[gnu::cold, gnu::noinline]] void Shard::drain_recorded(std::int64_t now_ns) {
  const std::uint32_t count = journal_->acceptable(inbox_head_, kHoldItemsMax);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t position = inbox_head_;
    std::uint64_t& due_tick = inbox_.entry(position).due_tick;
    const std::uint64_t asked = std::exchange(due_tick, due_tick & ShardJournal::kTick);
    accept(now_ns);
    journal_->settle_unconfirmed(position, asked);
  }
  more_ = more_ || count == kHoldItemsMax;
}

// A lease's timer fired: the word decides between the settler and us.
void Shard::judge(std::uint32_t slot, std::int64_t now_ns) {
  const LeaseWord::View word = words_[slot].end(ShardCore::tick_floor(now_ns));
  if (word.state == LeaseState::expired) {
    core_.settle(slot, LeaseEnd::expired, word.prefix, nullptr, now_ns);
  } else if (word.state == LeaseState::leased) {
    core_.rearm(slot, word.deadline_tick);
  }
  // Otherwise a settler was first, and its entry is on the way.
}

bool Shard::grantable() const {
  return core_.ready() != 0 && core_.leases_out() < credits_ && !host_.consuming_paused.read();
}

void Shard::raise_limit() {
  const std::uint64_t limit = std::min(inbox_head_ + inbox_.size(), core_.limit());
  if (limit != inbox_.limit()) {
    inbox_.set_limit(limit);
  }
}

// Nobody else finds the rate gate open before this.
std::uint64_t Shard::next_look(std::uint64_t next_due) const {
  const std::int64_t open_ns = host_.rate.open_ns();
  const bool shut = host_.rate.limits() && core_.ready() != 0 && open_ns > host_.now_ns();
  return shut ? std::min(next_due, ShardCore::tick_after(open_ns, 0)) : next_due;
}

void Shard::release() {
  raise_limit();
  const std::uint64_t next_due = core_.next_due();
  const bool granting = grantable();
  const std::uint64_t core_limit = core_.limit();
  bool work_left = granting;
  bool returned = false;
  std::uint64_t look = next_due;
  if (limited_) [[unlikely]] {
    return_credits();
    returned = std::exchange(credits_returned_, false);
    work_left = granting && host_.may_grant();
    look = next_look(next_due);
  }
  hint_.show({inbox_head_, returns_head_, look, granting ? core_.ready() : 0, core_limit, holds_});
  const bool news = next_due < hint_.told();
  if (news) {
    hint_.tell(next_due);
    host_.driver->post(*this);
  }
  // Before the token is free: the next holder appends behind it.
  const bool recorded = journal_ != nullptr && journal_->publish();
  Block* const freed = core_.take_freed_blocks();
  const std::uint64_t freed_bytes = core_.take_freed_bytes();
  const bool more = more_;
  const std::uint64_t inbox_head = inbox_head_;
  const std::uint64_t returns_head = returns_head_;
  const bool wanted = token_.release();

  // From here on the shard may be held by another thread.
  if (freed != nullptr) {
    host_.pool.give(freed);
  }
  if (freed_bytes != 0) [[unlikely]] {
    host_.bytes_held.subtract(freed_bytes);
  }
  if (recorded) [[unlikely]] {
    host_.journal->wake();
  }
  // Also what came in during the hold may be nobody's: its publisher saw no sleeper, and we had
  // passed by. The tails are the producers' lines, so they are read only when somebody sleeps.
  if (host_.consumers.anybody_waits() &&
      (wanted || work_left || returned || more || inbox_.claimed() != inbox_head ||
       returns_.claimed() != returns_head)) {
    host_.consumers.notify_one();
  }
  host_.onlookers.notify_all();
  if (host_.watched) [[unlikely]] {
    host_.look_at_depth();
  }
  if (news) {
    host_.driver->wake_before(next_due);
  }
}
}  // namespace laneway::engine

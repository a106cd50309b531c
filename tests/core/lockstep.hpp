// The core and the reference side by side. Each verb is done to both; what the core chose is judged
// by the rules first, then told to the reference.
#pragma once

#include "engine/base/arena.hpp"
#include "engine/core/shard_core.hpp"
#include "tests/core/held_leases.hpp"
#include "tests/core/published_bytes.hpp"
#include "tests/core/reference_core.hpp"
#include "tests/core/require.hpp"
#include "tests/core/shape.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace laneway::engine {

class Lockstep {
 public:
  explicit Lockstep(const Shape& shape)
      : shape_(shape),
        arena_(arena_bytes(shape.options)),
        core_(shape.options, &arena_, shape.start_ns),
        reference_(shape.options),
        now_ns_(shape.start_ns),
        advanced_to_(now_tick()) {}

  std::uint64_t room() const { return core_.limit() - reference_.accepted(); }
  std::uint64_t next_position() const { return reference_.accepted(); }
  std::int64_t now_ns() const { return now_ns_; }
  std::uint64_t now_tick() const { return static_cast<std::uint64_t>(now_ns_) / 1'000'000; }
  // The first tick that is not before now.
  std::uint64_t next_tick() const {
    return (static_cast<std::uint64_t>(now_ns_) + 999'999) / 1'000'000;
  }
  const std::deque<reference::Position>& dead() const { return reference_.dead(); }
  const ShardCore& core() const { return core_; }
  HeldLeases& leases() { return leases_; }
  void pass(std::int64_t nanos) { now_ns_ += nanos; }

  // What comes in while nothing is ready may be granted at once, unless runs or ranks are asked
  // for.
  bool may_grant_at_once() const {
    return core_.ready() == 0 && shape_.options.run_max == 1 && !shape_.options.priorities;
  }

  // `at_once`: what enters now is granted by the next grant_entered.
  void publish(reference::Message message, bool own_attempts, bool at_once) {
    Submission submission = submission_of(message, shape_.hashing, &blocks_);
    submission.attempts_max = own_attempts ? message.attempts_max & 0xffff : 0;
    const reference::Position position = message.position;
    message.published_ns = now_ns_;
    // What is due before the core has got there is due at once, in no particular order.
    if (message.due_tick != 0 && message.due_tick <= advanced_to_) {
      late_.insert(position);
    }
    reference_.begin_step(now_ns_);
    core_.set_next_priority(message.priority);
    bytes_in_ += submission.content_bytes();
    std::uint32_t entered = ShardCore::kNoSlot;
    if (at_once) {
      entered = core_.enter(submission, position, now_ns_);
    } else {
      core_.accept(submission, position, now_ns_);
    }
    reference_.publish(std::move(message));
    if (entered != ShardCore::kNoSlot) {
      entered_.push_back(entered);
    }
    see_due_at_once(position, entered != ShardCore::kNoSlot);
    judge_join(position);
  }

  void grant_entered(std::uint64_t lease_ticks, std::uint32_t consumer) {
    const GrantTerms terms{next_tick() + lease_ticks, consumer, kBatchMax};
    reference_.begin_step(now_ns_);
    core_.grant_entered(entered_, terms, now_ns_, [&](const Grant& grant) {
      see_expired();
      lease(terms, grant);
    });
    entered_.clear();
    see_expired();
    see_blocks();
  }

  // Fills a receive of up to `room` messages.
  void receive(std::uint32_t room, std::uint64_t lease_ticks, std::uint32_t consumer) {
    while (room > 0) {
      const GrantTerms terms{next_tick() + lease_ticks, consumer, room};
      Grant grant = {};
      reference_.begin_step(now_ns_);
      const bool granted = core_.grant(terms, now_ns_, &grant);
      const std::size_t late = see_expired();
      see_blocks();
      if (!granted) {
        judge_empty(late);
        return;
      }
      room -= lease(terms, grant);
    }
  }

  void take(std::uint32_t max, Random* random) {
    for (std::uint32_t i = 0; i < max; ++i) {
      reference_.begin_step(now_ns_);
      const std::uint32_t slot = core_.take(now_ns_);
      const std::size_t late = see_expired();
      see_blocks();
      if (slot == ShardCore::kNoSlot) {
        judge_empty(late);
        return;
      }
      const reference::Message& message = judge_turn(slot);
      judge_bytes(slot, message);
      require(core_.slot(slot).attempts == message.attempts + 1, "S4: each delivery is counted");
      // A block that an old Lease still reads cannot change hands.
      const bool keep = message.pins == 0 && random->percent(50);
      Block* const block = core_.slot(slot).block;
      reference_.take(message.position);
      core_.finish_taken(slot, keep);
      if (keep && block != nullptr) {
        blocks_.give(block);
      }
    }
  }

  // The final entry of one Lease reaches the core.
  void deliver() {
    reference_.begin_step(now_ns_);
    const HeldLease lease = leases_.deliver();
    judge_lease_bytes(lease);
    for (const reference::Position member : lease.members) {
      reference_.unpin(member);
    }
    if (lease.word == HeldLease::Word::ended) {
      lease.run == 0 ? core_.unpin(lease.slot) : core_.unpin_run(lease.run);
    } else {
      end(lease, lease.verdict, lease.with_note ? &lease.note : nullptr);
    }
    runs_out_ -= lease.run != 0 ? 1 : 0;
    see_blocks();
  }

  void advance(std::uint32_t budget, Random* random) {
    reference_.begin_step(now_ns_);
    const WheelProgress progress =
        core_.advance(now_ns_, budget, [&](std::uint32_t slot) { judge(slot, random); });
    advanced_to_ = now_tick();
    require(progress.nodes <= budget, "S6: the budget bounds the work");
    require(!progress.more || progress.nodes == budget, "S6: nothing but the budget ends a step");
    see_gone();
    see_joined();
    see_gone();
    order_dead();
    const bool late =
        !reference_.timers().empty() && reference_.timers().begin()->first <= now_tick();
    require(progress.more || !late, "S6: what is due is done, but for what the budget leaves");
  }

  // The engine ends leases that nobody has settled.
  void take_back(std::uint64_t most) {
    core_.each_leased([&](std::uint32_t slot) {
      HeldLease& lease = leases_.leased(slot);
      if (lease.word == HeldLease::Word::leased && most > 0) {
        --most;
        reference_.begin_step(now_ns_);
        end(lease, LeaseEnd::taken_back, nullptr);
        leases_.end(lease);
      }
    });
    see_blocks();
  }

  // At once, or when so many ticks have passed.
  void replay(reference::Position position, std::uint64_t after) {
    const std::uint64_t due = after == 0 ? 0 : next_tick() + after;
    reference_.begin_step(now_ns_);
    core_.replay(core_.find(position), due, now_ns_);
    reference_.replay(position, due);
    if (due != 0) {
      late_.insert(position);  // it may be due together with younger ones that were armed before
    } else if (shape_.options.on_death != OnDeath::hold_key) {
      judge_join(position);
    }
  }

  void release_key(const std::string& key) {
    reference_.begin_step(now_ns_);
    const bool released = core_.release_key(key, hash_of(shape_.hashing, key), now_ns_);
    require(released == reference_.release_key(key), "a key is released when a death stops it");
  }

  // Of what waits or is leased, the one at or after this position; nothing when there is none.
  void cancel(reference::Position from) {
    const auto& messages = reference_.messages();
    const auto found =
        std::find_if(messages.lower_bound(from), messages.end(), [](const auto& entry) {
          return !entry.second.resolved && entry.second.state != MessageState::dead;
        });
    if (found == messages.end()) {
      return;
    }
    const reference::Position position = found->first;
    reference_.begin_step(now_ns_);
    const bool over = core_.cancel(core_.find(position), now_ns_);
    require(over == reference_.cancel(position), "only a leased message outlives its cancelling");
    see_blocks();
  }

  void drop_oldest() {
    reference_.begin_step(now_ns_);
    const reference::Position oldest = reference_.oldest_waiting();
    require(core_.drop_oldest(now_ns_) == oldest, "the oldest waiting message is dropped");
    if (oldest != 0) {
      reference_.drop(oldest);
    }
    see_blocks();
  }

  void discard(reference::Position position) {
    reference_.begin_step(now_ns_);
    core_.discard(core_.find(position), now_ns_);
    reference_.discard(position);
    see_blocks();
  }

  // --- judgement -------------------------------------------------------------------------------

  void check_counts() const {
    QueueStats shown;
    core_.count(&shown, now_ns_);
    const QueueStats expected = reference_.stats();
    require(shown.conserved(), "S11: every accepted message is counted in one state");
    for (const auto& [member, rule] : kCounted) {
      require(shown.*member == expected.*member, rule);
    }
    require(core_.ready() == expected.ready, "ready() counts the ready");
    require(core_.limit() == reference_.limit(), "S14: the limit is what is left of the capacity");
    require(core_.leases_out() == leases_.all().size(), "a Lease is out until its final entry");
    const auto& timers = reference_.timers();
    require(timers.empty() ? core_.next_due() == TimerWheel::kNever
                           : core_.next_due() <= std::max(timers.begin()->first, advanced_to_),
            "S6: next_due is never late");
  }

  void check_everything() const {
    for (const auto& [position, message] : reference_.messages()) {
      if (!message.resolved) {
        check_message(message);
      }
    }
    for (const auto& [key, lane] : reference_.lanes()) {
      check_lane(lane);
    }
    const std::uint64_t accepted = reference_.accepted();
    const std::uint64_t published = accepted - shape_.options.first_position;
    const std::uint64_t looked_at = std::min(published, shape_.options.outcomes + 2);
    for (std::uint64_t position = accepted - looked_at; position <= accepted; ++position) {
      require(core_.state_of(position) == reference_.state_of(position),
              "state_of tells the state or the remembered outcome");
    }
    check_dead();
    for (const auto& [fence, lease] : leases_.all()) {
      judge_lease_bytes(lease);
    }
  }

  void check_empty() {
    check_counts();
    require(reference_.messages().empty(), "S2: every message is resolved in the end");
    require(reference_.timers().empty(), "no timer is left when nothing waits");
    require(core_.limit() == reference_.accepted() + shape_.options.capacity,
            "S14: an empty shard has its whole capacity");
    require(core_.leases_out() == 0, "no Lease is out");
    require(blocks_.all_back(), "every block was given back");
    const std::uint64_t freed = core_.take_freed_bytes();
    require(!shape_.options.counts_bytes || freed == bytes_in_, "every byte was given back once");
  }

 private:
  struct Counted {
    std::uint64_t QueueStats::*member;
    const char* rule;
  };
  static const std::vector<Counted> kCounted;

  static std::size_t arena_bytes(const ShardOptions& options) {
    ArenaSize size;
    ShardCore::measure(options, &size);
    return size.bytes();
  }

  // --- leases ----------------------------------------------------------------------------------

  // Judges a grant; answers how many messages it holds.
  std::uint32_t lease(const GrantTerms& terms, const Grant& grant) {
    const reference::Message& head = judge_turn(grant.slot);
    require(grant.fence > last_fence_, "S10: the fencing token rises from grant to grant");
    last_fence_ = grant.fence;
    require(grant.attempt == head.attempts + 1, "S4: each delivery but releases is counted");
    HeldLease lease;
    lease.fence = grant.fence;
    lease.slot = grant.slot;
    lease.run = grant.run;
    lease.deadline_tick = terms.deadline_tick;
    lease.members = reference_.run_from(head, terms.room, now_tick());
    if (grant.run == 0) {
      const bool may_be_alone = lease.members.size() == 1 || runs_out_ == shape_.options.slots();
      require(may_be_alone, "a run is granted whole");
      lease.members.resize(1);
      lease.slots = {grant.slot};
    } else {
      ++runs_out_;
      judge_run(core_.run(grant.run), &lease);
    }
    for (const reference::Position member : lease.members) {
      reference_.grant(member, terms.consumer, now_ns_);
    }
    reference_.arm_lease(head.position, terms.deadline_tick);
    judge_lease_bytes(lease);
    const std::size_t size = lease.members.size();
    leases_.add(std::move(lease));
    return static_cast<std::uint32_t>(size);
  }

  void judge_run(const RunRecord& run, HeldLease* lease) {
    require(run.size == lease->members.size(), "a run is the first messages of its key");
    require(run.members[0].slot == lease->slot, "a run begins with the message granted");
    for (std::uint32_t i = 0; i < run.size; ++i) {
      const RunMember& member = run.members[i];
      require(core_.slot(member.slot).position == lease->members[i],
              "S7: a run is in the order of its key");
      require(member.attempt == reference_.at(lease->members[i]).attempts + 1,
              "S4: each delivery in a run is counted");
      lease->slots.push_back(member.slot);
    }
  }

  const reference::Message& judge_turn(std::uint32_t slot) {
    const reference::Message& message = reference_.at(core_.slot(slot).position);
    require(message.state == MessageState::ready,
            "S5, S7, S8, S9: only the first waiting message of a key without a lease is granted");
    require(message.ttl_tick == 0 || message.ttl_tick > now_tick(),
            "a message whose deadline has passed is not granted");
    require(reference_.rank(message) == reference_.ready().begin()->first,
            "S15: of equal priority what became ready first is granted first");
    return message;
  }

  void judge_empty(std::size_t late) {
    require(reference_.ready().empty() || late >= kHoldItemsMax,
            "S12: nothing is granted only when nothing is ready");
  }

  // The word decides: settled before, extended, or over.
  void judge(std::uint32_t slot, Random* random) {
    see_gone();    // they made room for stories
    see_joined();  // before the death of a message that stops its key
    HeldLease& lease = leases_.leased(slot);
    const reference::Message& head = reference_.at(lease.members.front());
    require(head.timer_tick != 0, "a lease is judged when its timer is armed");
    require(head.timer_tick <= now_tick(), "S6: a lease is never judged early");
    reference_.disarm_lease(head.position);
    if (lease.word == HeldLease::Word::settled) {
      if (random->percent(50)) {
        rearm(lease, now_tick() + 1);
      }
    } else if (lease.deadline_tick > now_tick()) {
      rearm(lease, lease.deadline_tick);
    } else {
      end(lease, LeaseEnd::expired, nullptr);
      leases_.end(lease);
    }
  }

  void rearm(const HeldLease& lease, std::uint64_t tick) {
    core_.rearm(lease.slot, tick);
    reference_.arm_lease(lease.members.front(), tick);
  }

  void end(const HeldLease& lease, LeaseEnd verdict, const FailureNote* note) {
    core_.settle(lease.slot, verdict, lease.prefix, note, now_ns_);
    const auto retrying = reference_.end_lease(lease.members, verdict, lease.prefix, note, now_ns_);
    if (retrying) {
      judge_retry(*retrying, note);
    }
  }

  void judge_retry(reference::Position position, const FailureNote* note) {
    const reference::Message& message = reference_.at(position);
    const std::uint32_t slot = core_.find(position);
    require(slot != ShardCore::kNoSlot, "a failed message with attempts left is kept");
    require(core_.armed(slot), "a failed message with attempts left has a due time");
    const Backoff& backoff = shape_.options.backoff;
    const auto floor = static_cast<std::uint64_t>(backoff.floor.count());
    const auto cap = static_cast<std::uint64_t>(backoff.cap.count());
    const auto first = static_cast<std::uint64_t>(backoff.first.count());
    std::uint64_t low = floor;
    std::uint64_t high = std::max(floor, std::min(cap, first << (message.attempts - 1)));
    if (note != nullptr && note->after_ms_plus_1 != FailureNote::kBackoff) {
      low = high = note->after_ms_plus_1 - 1;
    }
    const std::uint64_t due = core_.due_tick(slot);
    const bool deadline_first = message.ttl_tick != 0 && due == message.ttl_tick;
    require(due <= next_tick() + high, "S6: a retry is not later than its back-off");
    require(due >= next_tick() + low || deadline_first, "S6: a retry is not before its back-off");
    reference_.retry_at(position, due);
  }

  // --- what time did -----------------------------------------------------------------------------

  // A message whose delay is over when the core first sees it may join its key at once, unless one
  // with an earlier delay is still to join.
  void see_due_at_once(reference::Position position, bool entered) {
    const reference::Message& message = reference_.at(position);
    if (message.placed || (!entered && core_.state_of(position) == MessageState::delayed)) {
      return;
    }
    require(message.due_tick <= now_tick(), "S6: no delay ends early");
    for (const auto& [tick, other] : reference_.timers()) {
      const reference::Message& earlier = reference_.at(other);
      const bool delayed = earlier.state == MessageState::delayed && !earlier.placed;
      const bool overtaken = other != position && delayed && late_.count(other) == 0 &&
                             earlier.due_tick <= message.due_tick;
      require(!overtaken, "delayed messages join in the order of their due times and ids");
    }
    reference_.fall_due(position, true);
  }

  // Which delayed messages fell due, in the order in which they joined their keys.
  void see_joined() {
    std::vector<std::pair<std::uint64_t, reference::Position>> joined;
    std::pair<std::uint64_t, reference::Position> waiting{~std::uint64_t{0}, 0};
    for (const auto& [tick, position] : reference_.timers()) {
      if (tick > now_tick()) {
        break;
      }
      const reference::Message& message = reference_.at(position);
      const std::uint32_t slot = core_.find(position);
      if (message.state != MessageState::delayed || slot == ShardCore::kNoSlot) {
        continue;
      }
      if (core_.state_of(position) != MessageState::delayed) {
        joined.emplace_back(message.placed ? 0 : core_.slot(slot).join, position);
      } else if (!message.placed && late_.count(position) == 0) {
        waiting = std::min(waiting, {message.due_tick, position});
      }
    }
    std::sort(joined.begin(), joined.end());
    std::pair<std::uint64_t, reference::Position> last;
    for (const auto& [join, position] : joined) {
      const std::pair<std::uint64_t, reference::Position> due{reference_.at(position).due_tick,
                                                              position};
      require(due.first <= now_tick(), "S6: no delay or back-off ends early");
      const bool placed = reference_.at(position).placed;
      reference_.fall_due(position, core_.state_of(position) == MessageState::dead);
      if (!placed) {
        judge_join(position);
        if (late_.erase(position) == 0) {
          require(last < due, "delayed messages join in the order of their due times and ids");
          require(due < waiting, "an earlier delay ends first");
          last = due;
        }
      }
    }
  }

  // Which waiting messages were ended by their deadline; answers how many.
  std::size_t see_expired() {
    std::vector<reference::Position> gone;
    for (const reference::Position position : due()) {
      if (core_.find(position) == ShardCore::kNoSlot &&
          reference_.at(position).state != MessageState::dead) {
        gone.push_back(position);
      }
    }
    for (const reference::Position position : gone) {
      const reference::Message& message = reference_.at(position);
      require(message.state != MessageState::leased,
              "a leased message is not ended by its deadline");
      require(message.ttl_tick != 0, "S2: only a deadline ends a waiting message");
      require(message.ttl_tick <= now_tick(), "S6: no message deadline passes early");
      reference_.expire(position);
    }
    return gone.size();
  }

  // What is due by now, in the reference's eyes.
  std::vector<reference::Position> due() const {
    std::vector<reference::Position> positions;
    for (const auto& [tick, position] : reference_.timers()) {
      if (tick > now_tick()) {
        break;
      }
      positions.push_back(position);
    }
    return positions;
  }

  // Which messages followed a dead one of their key, from behind it or as they joined; answers how
  // many.
  std::size_t see_diverted() {
    std::vector<std::pair<std::uint64_t, reference::Position>> diverted;  // in the order of joining
    for (const reference::Position position : due()) {
      const MessageState state = reference_.at(position).state;
      const bool waits = state == MessageState::blocked || state == MessageState::delayed;
      if (waits && core_.state_of(position) == MessageState::dead) {
        diverted.emplace_back(core_.slot(core_.find(position)).join, position);
      }
    }
    std::sort(diverted.begin(), diverted.end());
    for (const auto& [join, position] : diverted) {
      reference_.at(position).state == MessageState::blocked ? reference_.divert(position)
                                                             : reference_.fall_due(position, true);
      late_.erase(position);
    }
    return diverted.size();
  }

  void see_aged() {
    for (const reference::Position position : due()) {
      if (reference_.at(position).state == MessageState::dead &&
          core_.find(position) == ShardCore::kNoSlot) {
        reference_.age_out(position);
      }
    }
  }

  // Each of the first two may be the reason for the next one. A letter that was there long enough
  // to stop somebody, and then went, is the last to be seen.
  void see_gone() {
    while (see_diverted() + see_expired() != 0) {
    }
    see_aged();
    see_blocks();
  }

  void order_dead() {
    if (shape_.options.on_death == OnDeath::divert_key) {
      const auto died = [&](reference::Position position) {
        return core_.slot(core_.find(position)).since_ns;
      };
      reference_.order_dead([&](auto a, auto b) { return died(a) < died(b); });
    }
  }

  void see_blocks() {
    for (Block* block = core_.take_freed_blocks(); block != nullptr;) {
      Block* const next = block->next;
      require(!reference_.holds(blocks_.give(block)),
              "S5: bytes are kept while a Lease reads them");
      block = next;
    }
  }

  // A message that has its place in its key has a higher join number than all before.
  void judge_join(reference::Position position) {
    if (reference_.at(position).placed) {
      const std::uint64_t join = core_.slot(core_.find(position)).join;
      require(join > last_join_, "S7: join numbers rise");
      last_join_ = join;
    }
  }

  // --- checks -----------------------------------------------------------------------------------

  void check_message(const reference::Message& message) const {
    const std::uint32_t index = core_.find(message.position);
    require(index != ShardCore::kNoSlot, "S2: an unresolved message can be found");
    const Slot& slot = core_.slot(index);
    require(slot.position == message.position, "find answers the slot of the message");
    require(core_.state_of(message.position) == message.state, "state_of tells the state");
    require(slot.attempts == message.attempts, "S4: attempts are counted");
    require(slot.pins == message.pins, "each Lease of a message pins it once");
    require(slot.published_ns == message.published_ns, "the time of publishing is kept");
    const bool armed = message.timer_tick != 0;
    require(core_.armed(index) == armed, "what waits for a time is armed, nothing else");
    require(!armed || core_.due_tick(index) == message.timer_tick, "armed for the right tick");
    judge_bytes(index, message);
  }

  void check_lane(const std::deque<reference::Position>& lane) const {
    std::uint64_t last = 0;
    if (shape_.options.on_death == OnDeath::hold_key) {
      return;  // a replayed message is back at the head, whatever was published meanwhile
    }
    for (const reference::Position position : lane) {
      const std::uint64_t join = core_.slot(core_.find(position)).join;
      require(join > last, "S7: a key is in the order in which its messages joined");
      last = join;
    }
  }

  void check_dead() const {
    std::vector<std::uint32_t> slots;
    core_.each_dead([&](std::uint32_t slot) {
      slots.push_back(slot);
      return true;
    });
    const auto& dead = reference_.dead();
    require(slots.size() == dead.size(), "S13: the listing holds all dead letters");
    std::int64_t last_died = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const Slot& slot = core_.slot(slots[i]);
      require(slot.position == dead[i],
              "S13: dead letters are listed in the order of their deaths");
      require(slot.since_ns > last_died, "no two letters of a shard died at one time");
      last_died = slot.since_ns;
      check_letter(slot, reference_.messages().at(dead[i]));
    }
  }

  void check_letter(const Slot& slot, const reference::Message& message) const {
    require(static_cast<DeadReason>(slot.reason) == message.reason, "S13: the reason is told");
    std::size_t left = message.story.size();
    require(slot.story_length == left, "S13: every attempt is in the story");
    core_.story().each(slot, [&](const AttemptStory::Record& told) {
      require(left > 0, "S13: no attempt is told twice");
      const reference::Attempt& attempt = message.story[--left];
      require(told.number == attempt.number, "S13: the story tells the number of the attempt");
      require(told.end == attempt.end, "S13: the story tells how the attempt ended");
      require(told.error_class == attempt.error_class, "S13: the story tells the error class");
      require(std::string_view(told.text, told.text_bytes) == attempt.text,
              "S13: the story tells the error text");
      require(told.consumer == attempt.consumer, "S13: the story tells the consumer");
      require(told.granted_ns == attempt.granted_ns, "S13: the story tells the time of the grant");
      require(told.ended_ns == attempt.ended_ns, "S13: the story tells the time of the failure");
    });
    require(left == 0, "S13: the whole story is told");
  }

  void judge_bytes(std::uint32_t index, const reference::Message& message) const {
    const Slot& slot = core_.slot(index);
    require(slot.key_view() == message.key, "S1: the key reads as published");
    require(slot.payload_view().text() == message.payload, "S1: the payload reads as published");
    require(slot.type_view() == message.type, "S1: the type reads as published");
  }

  // What the holder of a Lease reads, also when it expired long ago.
  void judge_lease_bytes(const HeldLease& lease) const {
    for (std::size_t i = 0; i < lease.members.size(); ++i) {
      const auto found = reference_.messages().find(lease.members[i]);
      require(found != reference_.messages().end(), "what a Lease reads is kept");
      require(core_.slot(lease.slots[i]).position == lease.members[i],
              "S5: no slot is reused while a Lease pins it");
      judge_bytes(lease.slots[i], found->second);
    }
  }

  const Shape& shape_;
  Arena arena_;
  ShardCore core_;
  reference::ReferenceCore reference_;
  BlockYard blocks_;
  HeldLeases leases_;
  std::int64_t now_ns_;
  std::vector<std::uint32_t> entered_;  // slots that the next grant_entered grants
  std::uint64_t advanced_to_;           // tick of the last advance
  std::set<reference::Position> late_;  // were due before the core could look at them
  std::uint64_t last_fence_ = 0;
  std::uint64_t last_join_ = 0;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t runs_out_ = 0;  // run records in use
};

inline const std::vector<Lockstep::Counted> Lockstep::kCounted = {
    {&QueueStats::ready, "S11: ready messages are counted"},
    {&QueueStats::blocked, "S11: blocked messages are counted"},
    {&QueueStats::delayed, "S11: delayed messages are counted"},
    {&QueueStats::leased, "S11: leased messages are counted"},
    {&QueueStats::dead, "S11: dead letters are counted"},
    {&QueueStats::capacity, "the capacity is shown"},
    {&QueueStats::pinned, "pinned messages are counted"},
    {&QueueStats::keys_active, "active keys are counted"},
    {&QueueStats::published, "publishes are counted"},
    {&QueueStats::leased_total, "grants are counted"},
    {&QueueStats::redelivered, "redeliveries are counted"},
    {&QueueStats::acked, "acks are counted"},
    {&QueueStats::nacked, "nacks are counted"},
    {&QueueStats::released, "releases are counted"},
    {&QueueStats::rejected, "rejects are counted"},
    {&QueueStats::lease_expired, "lease expirations are counted"},
    {&QueueStats::abandoned, "abandoned leases are counted"},
    {&QueueStats::revoked, "revocations are counted"},
    {&QueueStats::dead_lettered, "deaths are counted"},
    {&QueueStats::replayed, "replays are counted"},
    {&QueueStats::discarded, "discards are counted"},
    {&QueueStats::expired, "message deadlines that passed are counted"},
    {&QueueStats::keys_stopped, "keys that a death stops are counted"},
    {&QueueStats::dead_rejected, "deaths by rejection are counted"},
    {&QueueStats::dead_attempts, "deaths for want of attempts are counted"},
    {&QueueStats::dead_diverted, "diverted messages are counted"},
    {&QueueStats::discarded_for_room, "letters that made room are counted"},
    {&QueueStats::discarded_for_age, "letters that grew too old are counted"},
    {&QueueStats::dropped, "dropped messages are counted"},
    {&QueueStats::cancelled, "cancelled messages are counted"},
};

}  // namespace laneway::engine

// Floor 2. ShardCore: everything with a rule in it. A deterministic state machine over the messages
// of one shard: order of keys, leases, retries, message deadlines, dead letters, counters. Plain
// sequential code: no atomics, threads, files or clocks; time and verdicts are arguments. Its only
// caller is the holder of the shard's token.
//
// Steps: accept a submission, settle a lease (or hear that it expired), advance time, grant leases,
// inspect. Life of a message, in SlotState:
//
//   accept -> delayed -> ready | blocked -> leased -> (completed)
//                           ^      retrying <-+  +-> dead -> (discarded), or ready again by replay
//
// Invariants: (1) a slot is in its lane exactly while it is ready, blocked, leased or retrying, has
// a key and was not detached, or is one of the dead ones at the head that stop their key; (2) of a
// lane only the head, or the run at its head, is ready, leased or retrying; (3) a slot is reused
// only when its message is resolved and nothing pins it; (4) accepted = ready + blocked + delayed +
// leased + dead + completed + expired + discarded
// + cancelled + dropped.
//
// Every step is O(1) but for runs (O(members)) and listings. Nothing allocates.
// Next in the path of a message: include/laneway/lease.hpp.
#pragma once

#include <laneway/dead_letter.hpp>
#include <laneway/message.hpp>
#include <laneway/options.hpp>
#include <laneway/stats.hpp>

#include "engine/base/arena.hpp"
#include "engine/core/age_list.hpp"
#include "engine/core/attempt_story.hpp"
#include "engine/core/dedup_window.hpp"
#include "engine/core/lane_table.hpp"
#include "engine/core/position_index.hpp"
#include "engine/core/priority_heap.hpp"
#include "engine/core/probe_table.hpp"
#include "engine/core/restored_message.hpp"
#include "engine/core/result_store.hpp"
#include "engine/core/retry_policy.hpp"
#include "engine/core/run_records.hpp"
#include "engine/core/shard_log.hpp"
#include "engine/core/shard_options.hpp"
#include "engine/core/slot.hpp"
#include "engine/core/slot_list.hpp"
#include "engine/core/submission.hpp"
#include "engine/time/timer_wheel.hpp"

#include <cstdint>
#include <span>
#include <utility>

namespace laneway::engine {

class ShardCore {
 public:
  static void measure(const ShardOptions& options, ArenaSize* size);
  ShardCore(const ShardOptions& options, Arena* arena, std::int64_t now_ns);

  // An earlier life's messages, before anything else: each gets its slot, by rising position below
  // the first one of this life; then the dead ones their state, by time of death; then the others,
  // in their order.
  std::uint32_t restore(const RestoredMessage& message);
  void restore_dead(std::uint32_t slot, DeadReason reason, std::int64_t died_ns);
  // From here on it counts against the bound of dead letters, not against the capacity.
  void leave_capacity(std::uint32_t slot);
  // `stops`: its key waits for it.
  void restore_order_of_dead(std::uint32_t slot, bool stops);
  void restore_waiting(std::uint32_t slot, std::int64_t now_ns);
  void restore_delayed(std::uint32_t slot, std::uint64_t due_tick);
  void restore_retrying(std::uint32_t slot,
                        std::uint64_t due_tick,
                        bool detached,
                        std::int64_t now_ns);
  // By rising position, of messages that are there and of others. Answers its place in the window.
  std::uint32_t restore_id(const DedupWindow::Entry& entry, std::int64_t now_ns);
  // Who hears of everything from now on, or null.
  void set_log(ShardLog* log) {
    log_ = log;
    noted_ = true;
  }

  // Takes a message into the shard. The caller keeps claims within limit(), so there is room.
  void accept(const Submission& submission, std::uint64_t position, std::int64_t now_ns);

  // Grants the next ready message (or run): true and its grant. The caller must settle each grant
  // exactly once (acked ... abandoned by a final entry, or expired first and unpin later). False:
  // nothing is ready; or ready() says that something is, behind more messages whose deadline has
  // passed than one call ends.
  bool grant(const GrantTerms& terms, std::int64_t now_ns, Grant* grant);

  // For when nothing is ready, so that nothing is overtaken: takes a message into the shard, as
  // accept, but answers its slot if it may be granted, which is then in no list and must be given
  // to grant_entered after no more than others that enter; else kNoSlot.
  std::uint32_t enter(const Submission& submission, std::uint64_t position, std::int64_t now_ns);
  // Grants what has entered: calls lease(grant) for each, in this order. Makes no runs.
  template <class Lease>
  void grant_entered(std::span<const std::uint32_t> entered,
                     const GrantTerms& terms,
                     std::int64_t now_ns,
                     Lease lease);

  // Takes the next ready message out for good (at most once): its slot, or kNoSlot as for grant.
  // The bytes stay until finish_taken, which leaves the block to the caller when `keep_block`: not
  // for a slot with pins, whose old Leases still read it.
  std::uint32_t take(std::int64_t now_ns);
  void finish_taken(std::uint32_t slot, bool keep_block);

  // A lease ended. `acked` messages at the head of its run had been acknowledged; `note` may be
  // null. Unless it expired, this was the Lease's final entry and its pins are gone.
  void settle(std::uint32_t slot,
              LeaseEnd end,
              std::uint32_t acked,
              const FailureNote* note,
              std::int64_t now_ns);
  // The same for an acknowledged lease of one message.
  void settle_acked(std::uint32_t slot, std::int64_t now_ns);
  // The Lease object of an expired lease is gone.
  void unpin(std::uint32_t slot);
  void unpin_run(std::uint32_t run);

  // Ends a waiting message: true. A leased one is marked, to be CANCELLED when its lease ends
  // without an ack: false. The slot must be waiting or leased.
  bool cancel(std::uint32_t slot, std::int64_t now_ns);
  // Of the next message that is accepted, when the shard has priorities.
  void set_next_priority(std::int32_t priority) { next_priority_ = priority; }
  // Position of the message that was published with this id within the window, or 0.
  std::uint64_t find_duplicate(std::string_view id, std::uint32_t hash, std::int64_t now_ns) {
    const std::uint64_t position = dedup_.find(id, hash, now_ns);
    stats_.deduplicated += position != 0 ? 1u : 0u;
    return position;
  }
  void remember_id(std::string_view id,
                   std::uint32_t hash,
                   std::uint64_t position,
                   std::int64_t now_ns) {
    const DedupWindow::Entry entry =
        dedup_.entry_of(id, hash, position, now_ns + dedup_.window_ns());
    const bool early = dedup_.add(entry, now_ns, [this](std::uint32_t place) {
      if (log_ != nullptr) {
        log_->forgot_id(place);
      }
    });
    stats_.dedup_forgotten += early ? 1u : 0u;
  }
  const DedupWindow& dedup() const { return dedup_; }
  DedupWindow& dedup() { return dedup_; }
  bool counts_bytes() const { return options_.counts_bytes; }
  std::int32_t priority(std::uint32_t slot) const {
    return options_.priorities ? ranked_.priority(slot) : 0;
  }
  // Removes the oldest waiting message: its position, or 0 when none waits. O(1 + leased ones that
  // are older).
  std::uint64_t drop_oldest(std::int64_t now_ns);
  // Messages in the order of this key: waiting, leased, or dead and stopping it.
  std::uint32_t lane_length(std::string_view key, std::uint32_t key_hash) const {
    const std::uint32_t head = lanes_.find(key, key_hash);
    return head == 0 ? 0 : slots_[head - 1].lane_length;
  }
  // Content of messages that have left since the last call.
  std::uint64_t take_freed_bytes() { return std::exchange(freed_bytes_, 0); }
  // Before the settle of a lease that was acknowledged with a result.
  void keep_result(std::uint32_t slot, std::string_view result) {
    results_.keep(slots_[slot].position, result);
  }
  bool keeps_results() const { return options_.results != 0; }
  std::string_view result(std::uint64_t position) const { return results_.find(position); }

  // Does what is due: delays, retries, message deadlines. Leases that may be due are handed to
  // `judge(slot)`, which must settle or rearm each. At most `budget` timers.
  template <class Judge>
  WheelProgress advance(std::int64_t now_ns, std::uint32_t budget, Judge judge) {
    return wheel_.advance(tick_floor(now_ns), budget, [&](std::uint32_t slot, std::uint64_t tick) {
      if (slots_[slot].state == SlotState::leased) {
        judge(slot);
      } else {
        timer_fired(slot, tick, now_ns);
      }
    });
  }
  void rearm(std::uint32_t slot, std::uint64_t tick) { wheel_.arm(slot, tick); }

  // Earliest tick at which advance has something to do; may be early, never late.
  std::uint64_t next_due() const { return wheel_.next_due(); }
  std::uint64_t ready() const { return ready_.size(); }
  std::size_t slots() const { return slots_.size(); }
  std::uint64_t capacity() const { return options_.capacity; }
  std::uint64_t dead_max() const { return options_.dead_max; }
  std::uint32_t run_max() const { return options_.run_max; }
  // Leases (objects) that have not delivered their final entry.
  std::uint64_t leases_out() const { return leases_out_; }
  // Positions below this may be claimed: room for them is kept.
  std::uint64_t limit() const { return options_.first_position + left_ + options_.capacity; }

  // Blocks that are no longer needed, as a chain; the caller gives them back to the pool.
  Block* take_freed_blocks();

  // Inspection.
  std::uint32_t find(std::uint64_t position) const;  // slot, or kNoSlot
  MessageState state_of(std::uint64_t position) const;
  const Slot& slot(std::uint32_t slot) const { return slots_[slot]; }
  const RunRecord& run(std::uint32_t run) const { return runs_.at(run); }
  // The slot by which the lease of a leased message is known: the first of its run.
  std::uint32_t lease_of(std::uint32_t slot) const {
    const std::uint32_t run = slots_[slot].run;
    return run == 0 ? slot : runs_.at(run).members[0].slot;
  }
  const AttemptStory& story() const { return story_; }
  bool armed(std::uint32_t slot) const { return wheel_.armed(slot); }
  std::uint64_t due_tick(std::uint32_t slot) const { return wheel_.tick_of(slot); }
  void count(QueueStats* stats, std::int64_t now_ns) const;
  // Calls see(slot) for each dead letter, oldest first, until it answers false.
  template <class See>
  void each_dead(See see) const {
    std::uint32_t link = dead_.empty() ? 0 : dead_.front() + 1;
    while (link != 0 && see(link - 1)) {
      link = dead_.link_after(link - 1);
    }
  }

  // Calls see(slot) for each lease, by its first slot; see may settle it. O(slots used so far).
  template <class See>
  void each_leased(See see) {
    for (std::uint32_t index = 0; index < fresh_; ++index) {
      const Slot& slot = slots_[index];
      const bool first = slot.run == 0 || runs_.at(slot.run).members[0].slot == index;
      if (slot.state == SlotState::leased && first) {
        see(index);
      }
    }
  }

  // Dead letters. The slot must be dead. Replayed at once, or delayed until `due_tick` if it is not
  // 0.
  void replay(std::uint32_t slot, std::uint64_t due_tick, std::int64_t now_ns);
  void discard(std::uint32_t slot, std::int64_t now_ns);
  // Lets a key go on that its dead letters stop. False: nothing stops it. O(dead letters of the
  // key).
  bool release_key(std::string_view key, std::uint32_t key_hash, std::int64_t now_ns);

  static std::uint64_t tick_floor(std::int64_t ns) {
    return static_cast<std::uint64_t>(ns / kTickNanos);
  }
  // The first tick that is not before now + ms: a timer never fires early.
  static std::uint64_t tick_after(std::int64_t now_ns, std::uint64_t ms) {
    return static_cast<std::uint64_t>((now_ns + kTickNanos - 1) / kTickNanos) + ms;
  }

  static constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

 private:
  std::uint32_t allocate();
  void release_slot(std::uint32_t slot);

  void note_entered(std::uint32_t slot);
  void note_joined(std::uint32_t slot);
  void note_resolved(std::uint32_t slot, MessageState outcome);
  bool join_lane(std::uint32_t slot, std::int64_t now_ns);
  void join(std::uint32_t slot, std::int64_t now_ns);
  void make_ready(std::uint32_t slot, std::int64_t now_ns, bool at_front);
  void make_blocked(std::uint32_t slot);
  void arm_ttl(std::uint32_t slot);
  void arm_due(std::uint32_t slot, std::uint64_t tick);
  void leave_lane(std::uint32_t slot, std::int64_t now_ns);
  void lease_one(std::uint32_t slot, std::int64_t now_ns, const GrantTerms& terms);
  Grant begin_lease(std::uint32_t slot, std::int64_t now_ns, const GrantTerms& terms);
  Grant grant_in_time(std::uint32_t slot, const GrantTerms& terms, std::int64_t now_ns);
  void extend_run(std::uint32_t head, std::int64_t now_ns, const GrantTerms& terms, Grant* grant);
  std::uint32_t next_ready(std::int64_t now_ns);
  std::uint32_t first_ready() const {
    return options_.priorities ? ranked_.front() : ready_.front();
  }
  void unlist_ready(std::uint32_t slot);
  bool is_late(std::uint32_t slot, std::int64_t now_ns) const;

  void note_ack(std::int64_t granted_ns, std::int64_t now_ns);
  void record_acks(QueueStats* stats) const;
  void timer_fired(std::uint32_t slot, std::uint64_t tick, std::int64_t now_ns);
  void stop_waiting(std::uint32_t slot);
  void end_as(MessageState outcome, std::uint32_t slot, std::int64_t now_ns);
  void settle_member(std::uint32_t slot,
                     LeaseEnd end,
                     const FailureNote* note,
                     std::int64_t now_ns);
  void fail(std::uint32_t slot, AttemptEnd end, const FailureNote* note, std::int64_t now_ns);
  void retry(std::uint32_t slot, const FailureNote* note, std::int64_t now_ns);
  void uncount_attempt(std::uint32_t slot);
  void give_back(std::uint32_t slot, std::int64_t now_ns);
  void revoke(std::uint32_t slot, std::int64_t now_ns);
  void count_end(LeaseEnd end);
  void bury(std::uint32_t slot, DeadReason reason, std::int64_t now_ns);
  void die(std::uint32_t slot, DeadReason reason, std::int64_t now_ns);
  void list_dead(std::uint32_t slot, std::int64_t now_ns);
  void count_death(DeadReason reason);
  // Of a slot in a lane that is not its head: is the message before it dead?
  bool stopped_before(std::uint32_t slot) const {
    return slots_[slots_[slot].lane_prev - 1].state == SlotState::dead;
  }
  void divert_next(std::uint32_t slot, std::int64_t now_ns);
  void divert(std::uint32_t slot, std::int64_t now_ns);
  void unlist_dead(std::uint32_t slot);
  void unstop(std::uint32_t slot, std::int64_t now_ns);
  void resolve(std::uint32_t slot, MessageState outcome);

  ShardOptions options_;
  std::span<Slot> slots_;
  TimerWheel wheel_;
  LaneTable lanes_;
  PositionIndex index_;
  SlotList ready_;
  SlotList dead_;
  AttemptStory story_;
  RunRecords runs_;
  RetryPolicy retry_policy_;
  ResultStore results_;
  AgeList age_;
  PriorityHeap ranked_;  // what is in ready_, when there are priorities
  DedupWindow dedup_;
  std::int32_t next_priority_ = 0;

  std::uint32_t free_ = 0;   // slot + 1, last in first out
  std::uint32_t fresh_ = 0;  // slots never used so far
  Block* freed_blocks_ = nullptr;
  std::uint64_t freed_bytes_ = 0;
  ShardLog* log_ = nullptr;
  bool noted_;  // somebody hears of every message that comes and goes: a log, ages, ranks
  std::uint64_t joins_ = 0;
  std::uint64_t fences_ = 0;
  std::uint64_t accepted_ = 0;  // position after the last accepted one
  std::uint64_t left_ = 0;      // messages that no longer count against the capacity
  std::uint64_t beyond_ = 0;    // slots that count against the dead letters' bound
  std::uint64_t leases_out_ = 0;
  std::int64_t last_died_ns_ = kLongAgoNanos;
  // What the path of most messages counts, in one place each; count() adds it to the statistics.
  std::uint64_t granted_at_once_ = 0;
  struct {
    std::uint64_t count = 0;  // acknowledged leases, the newest ones, of one duration
    std::int64_t ns = 0;
  } last_acks_;
  QueueStats stats_;
};

}  // namespace laneway::engine

#include "engine/core/shard_core_hot.hpp"

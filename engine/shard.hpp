// Floor 3. Shard: one core between its two rings, behind its token. Whoever polls runs it: a Hold
// takes the token with one try, drains the rings, advances time, and on release publishes what
// others may see and wakes whom it concerns. A hold is bounded work, runs no user code and makes no
// system call; all wakes happen after the release.
#pragma once

#include <laneway/consumer.hpp>
#include <laneway/lease.hpp>

#include "engine/concurrent/inbox_ring.hpp"
#include "engine/concurrent/lease_word.hpp"
#include "engine/concurrent/mailbox.hpp"
#include "engine/concurrent/returns_ring.hpp"
#include "engine/concurrent/shard_hint.hpp"
#include "engine/concurrent/token.hpp"
#include "engine/core/shard_core.hpp"
#include "engine/shard_host.hpp"
#include "engine/shard_journal.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace laneway::engine {

struct RecoveredShard;

// What one receive asks of the shards it visits.
struct ReceiveTerms {
  std::uint32_t max;
  std::uint64_t lease_ms;
  std::uint32_t consumer;
};

class Shard : public Letter {
 public:
  // The arena must be as large as bytes() said.
  static std::uint64_t bytes(const ShardOptions& options);
  Shard(ShardHost& host, const ShardOptions& options, std::uint32_t number);
  bool mapped() const { return arena_.mapped(); }

  std::uint32_t number() const { return number_; }

  // --- producers -------------------------------------------------------------------------------
  using Inbox = InboxRing<Submission>;
  Inbox& inbox() { return inbox_; }
  // Of a position that the caller has claimed and not yet published.
  void set_priority(std::uint64_t position, std::int32_t priority) {
    if (!priorities_.empty()) {
      priorities_[static_cast<std::size_t>(position & (inbox_.size() - 1))] = priority;
    }
  }
  // Claims up to `wanted`, running the shard once when its ring is full.
  Inbox::Claim claim(std::uint32_t wanted);
  // What is to be decided while the shard is held, everything that came before being drained.
  struct Admission {
    Submission submission;
    std::string_view key;       // one with a limit, else empty
    std::string_view dedup_id;  // empty: none
    std::uint32_t dedup_hash;
    std::int32_t priority;
    // The answer.
    std::uint64_t position;  // of the first one, if it is a duplicate
    Errc refused;
    bool duplicate;
  };
  // Up to kHoldItemsMax, in their order.
  void admit(std::span<Admission> admissions, std::uint64_t key_messages_max);
  // Position of the message that was removed, or 0.
  std::uint64_t drop_oldest();
  // Messages that count against the capacity, those in the ring included.
  std::uint64_t occupied() const;
  // For a publisher registered as onlooker. False: its room will be told of.
  bool may_have_room();

  // --- consumers -------------------------------------------------------------------------------
  enum class Visit : std::uint8_t { done, busy };
  // Cheap: may there be something to receive? Looks at hints, takes nothing.
  bool looks_idle() const;
  Visit receive(const ReceiveTerms& terms, LeaseBatch* batch);
  Visit take(std::uint32_t max, MessageBatch* batch);
  // For a registered waiter: nothing to do here, or a holder that will wake it. Else false.
  bool may_sleep();

  // --- settlers --------------------------------------------------------------------------------
  Result<> ack(Lease& lease);
  Result<> ack(Lease& lease, std::string_view result);
  Result<> ack_durable(Lease& lease);
  // All other verdicts. `failure` may be null.
  Result<> settle(Lease& lease, LeaseState verdict, const Failure* failure);
  Result<> ack_through(Lease& lease, std::size_t count);
  Result<> extend(Lease& lease, std::chrono::milliseconds by);
  std::size_t ack_all(std::span<Lease> leases);
  void abandon(Lease& lease) noexcept;
  MessageView view(const Lease& lease, std::size_t index) const;
  // Of the lease's first message. Constant while it is pinned.
  const Slot& slot(const Lease& lease) const { return core_.slot(lease.slot_); }
  std::size_t size(const Lease& lease) const;

  // --- timekeepers and inspectors --------------------------------------------------------------
  // False: the token was taken.
  bool run_timers();
  std::uint64_t due_hint() const;
  // What the driver goes by: the earliest deadline since it last ran the shard.
  std::uint64_t told_due() const { return hint_.told(); }
  // Steps until everything published or settled before the call is seen and nothing is due.
  // False: the queue has been closed meanwhile; so do those below answer.
  bool catch_up();
  // Brings the hint up to date with flags that changed.
  void look_again();
  Result<> stats(QueueStats* stats);
  Result<MessageStatus> status(std::uint64_t position);
  Result<MessageState> cancel(std::uint64_t position);
  // Appends letters that died at `from_us` or later, up to limit in the page. Answers where to go
  // on, 0 at the end.
  Result<std::uint64_t> dead_letters(std::uint64_t from_us,
                                     const DeadLetterQuery& query,
                                     DeadLetterPage* page);
  // The positions of those that fit, in the order in which they had joined their keys.
  std::vector<std::uint64_t> dead_in_join_order(const DeadLetterFilter& filter);
  // Delayed until `due_tick`, or at once when that is 0.
  Result<> replay(std::uint64_t position, std::uint64_t due_tick);
  Result<> discard(std::uint64_t position);
  Result<> release_key(std::string_view key, std::uint32_t key_hash);
  // Ends every lease in hand, uncounted; answers how many messages that gives back.
  std::uint64_t take_back_leases();
  // --- journal ---------------------------------------------------------------------------------
  // From now on what happens here is recorded. Before the first message.
  Result<> keep_journal(JournalHost& journal, Outbox& outbox, std::size_t record_max);
  // What an earlier life left, in their states. invalid_argument: there is no room for all of it.
  Result<> restore(RecoveredShard& recovered);
  // Last: from here on everything is recorded, first of all which positions are used.
  void begin_recording();
  ShardJournal* journal() { return journal_.get(); }
  // By whoever runs the journal. True: there is more to do, or the token was taken.
  bool run_journal();
  // Records all that was published and settled before the call. Answers how many records that
  // makes; nullopt: not before the deadline. Runs the shard; waits for its holder. journal_full.
  Result<std::optional<std::uint64_t>> record_everything(std::int64_t deadline_ns);

  // Waits until what was published and settled before the call is on stable storage: true.
  Result<bool> flush(std::chrono::milliseconds timeout);
  // For a publisher that gives up. False: the message is recorded already.
  bool withdraw(std::uint64_t position);
  // For one that waits for a message that another has published.
  Result<bool> leaves_no_trace(std::uint64_t position);

  // For good. Answers how many Lease objects have not delivered their final entry.
  std::uint64_t close();

  // For the driver's heap, guarded by its mutex.
  std::size_t heap_place = 0;
  std::uint64_t heap_tick = 0;

 private:
  friend class Hold;
  friend class ShardJournal;
  class Restoring;

  enum class Final : std::uint64_t { acked, acked_with_result, settled, unpin, unpin_run };
  static constexpr std::uint64_t kNoTick = ~std::uint64_t{0};

  static std::uint64_t entry(Final kind, std::uint32_t index) {
    return static_cast<std::uint64_t>(kind) << 32 | index;
  }
  static std::uint64_t acked_entry(const Lease& lease) {
    return entry(lease.run_ == 0 ? Final::acked : Final::settled, lease.slot_);
  }

  void step(std::uint32_t wanted, std::int64_t now_ns);
  // Answers how many messages it has looked at.
  std::uint32_t receive_new(std::uint32_t wanted,
                            const GrantTerms& terms,
                            std::int64_t now_ns,
                            LeaseBatch* batch);
  void lease(const Grant& grant, const GrantTerms& terms, std::int64_t now_ns, LeaseBatch* batch);
  std::uint32_t published(std::uint32_t wanted) const;
  void accept(std::int64_t now_ns);
  void drain_returns(std::int64_t now_ns);
  void drain_inbox(std::int64_t now_ns);
  void drain_recorded(std::int64_t now_ns);
  void apply(std::uint64_t entry, std::int64_t now_ns);
  void judge(std::uint32_t slot, std::int64_t now_ns);
  void refuse_wrapped(std::uint32_t slot, std::int64_t now_ns);
  bool saw_inbox(std::uint64_t end) const;
  bool grantable() const;
  void raise_limit();
  std::uint64_t of_key(const Admission& admission) const;
  void decide(Admission* admission, std::uint64_t key_messages_max, std::int64_t now_ns);
  std::uint64_t next_look(std::uint64_t next_due) const;
  std::uint32_t take_credits(std::uint32_t wanted);
  void return_credits();
  bool room_to_act() const { return journal_ == nullptr || journal_->room_to_act(); }
  bool help();
  bool timers_behind() const { return more_ || timers_tick_ != inbox_tick_; }
  void release();
  void deliver(Lease& lease, std::uint64_t entry);
  void depart(std::uint32_t leases);
  Error lost(SettleVerb verb, std::uint64_t settles);
  DeadLetter letter(const Slot& slot, bool payload) const;
  bool fits(const DeadLetterFilter& filter, const Slot& slot, std::int64_t now_ns) const;

  ShardHost& host_;
  const std::uint32_t number_;
  Arena arena_;
  Inbox inbox_;
  std::span<std::int32_t> priorities_;  // beside the inbox, when the queue has them
  ReturnsRing returns_;
  std::span<LeaseWord> words_;
  std::span<FailureNote> notes_;
  const std::uint64_t credits_;
  const std::uint64_t capacity_;
  const std::uint64_t first_position_;
  const bool limited_;      // by the host, in what may be granted
  const bool runs_;         // grants of more than one message
  const bool looks_ahead_;  // what is granted depends on more than the next message

  alignas(kDestructive) Token token_;
  // Under the token.
  std::uint64_t inbox_head_;
  std::uint64_t returns_head_ = 0;
  std::uint64_t inbox_tick_ = 0;         // when the inbox was last looked at
  std::uint64_t timers_tick_ = kNoTick;  // whose timers have all been fired
  std::uint64_t holds_ = 0;
  std::uint64_t credits_out_ = 0;  // of the host's, when it limits
  bool credits_returned_ = false;  // in this hold
  bool more_ = false;              // a budget ended the last step
  HoldBudget budget_;
  std::unique_ptr<ShardJournal> journal_;  // null: nothing is recorded
  ShardCore core_;

  alignas(kDestructive) ShardHint hint_;
};

}  // namespace laneway::engine

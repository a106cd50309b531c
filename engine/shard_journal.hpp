// Floor 3. ShardJournal: what the holder of a shard writes down. A publish is recorded when it is
// seen in the inbox, before the core takes it; everything after that as the core tells it. Knows of
// each message which record is its home, and tells it again when that stands in the way.
//
// All of it under the shard's token, but for what is marked.
#pragma once

#include "engine/base/arena.hpp"
#include "engine/concurrent/mailbox.hpp"
#include "engine/core/shard_core.hpp"
#include "engine/core/shard_log.hpp"
#include "engine/home_lists.hpp"
#include "engine/journal/journal.hpp"
#include "engine/shard_host.hpp"

#include <cstdint>
#include <vector>

namespace laneway::engine {

class Shard;
class JournalHost;

// What one step of a shard may do.
struct HoldBudget {
  std::uint32_t settles = kHoldItemsMax;
  std::uint32_t timers = kHoldWheelNodesMax;
  std::uint32_t grants = kHoldItemsMax;  // messages
};

class ShardJournal final : public ShardLog {
 public:
  using Home = HomeLists::Home;

  // What a submission carries in its due tick, beside the tick.
  static constexpr std::uint64_t kSync = std::uint64_t{1} << 63;       // durable before delivered
  static constexpr std::uint64_t kSilent = std::uint64_t{1} << 62;     // leaves no record
  static constexpr std::uint64_t kWithdrawn = std::uint64_t{1} << 61;  // ends as soon as accepted
  static constexpr std::uint64_t kTick = kWithdrawn - 1;
  // Positions that may have been claimed beyond the last one that the journal knows.
  static constexpr std::uint64_t kPositionsSkipped = std::uint64_t{1} << 22;

  struct Letterbox : Letter {
    Shard* shard = nullptr;
  };

  // `record_max`: bytes of the largest record that will be written.
  ShardJournal(
      ShardHost& host, JournalHost& journal, Outbox& outbox, Shard& shard, std::size_t record_max);
  bool mapped() const { return memory_.mapped(); }

  JournalHost& journal() const { return journal_; }  // any thread
  Outbox& outbox() const { return outbox_; }         // any thread
  Letterbox& letterbox() { return letterbox_; }      // any thread

  // --- what an earlier life left, before the first hold -----------------------------------------
  // In the order of the records: the home of a message, or of the id at a place of the window.
  void adopt(std::uint32_t slot, const Home& home, bool detached);
  void adopt_id(std::uint32_t place, const Home& home) { homes_.add(home_of_id(place), home); }
  // The home of nobody any more.
  void drop(const Home& home) { dropped_.push_back(home); }
  void begin_orders_above(std::uint64_t order) { orders_ = order; }

  // Says at once which positions are used.
  void mark_positions() { mark({}); }

  // --- a hold -----------------------------------------------------------------------------------
  // Records what is in the inbox, and tells again what stands in the way of reclaiming. Answers
  // what there is room for.
  [[gnu::cold, gnu::noinline]] HoldBudget begin(std::int64_t now_ns);
  // Records the publishes that are in the inbox and not yet recorded.
  void record_inbox();
  // There is so little room that publishes wait; and whether they do.
  bool behind() const { return outbox_.room() < reserve(); }
  bool publishes_wait() const { return publishes_wait_; }
  // For one thing that an operator does. Several may have looked before one of them does it.
  bool room_to_act() const { return outbox_.room() >= kActBytes; }
  // How many of `count` messages from `position` on the core may have now: those that are recorded,
  // up to the first one that must be durable and is not.
  std::uint32_t acceptable(std::uint64_t position, std::uint32_t count) const;
  // Once the core has it: one that was withdrawn, or can never be durable, ends.
  void settle_unconfirmed(std::uint64_t position, std::uint64_t due_tick);
  // Messages of this key that wait in the inbox to be durable.
  std::uint64_t unaccepted(std::string_view key, std::uint32_t key_hash) const;
  // The publisher of this message has given up. False: it is recorded.
  bool withdraw(std::uint64_t position);
  // Nobody need wait for a record of this message: it leaves none, or is over. journal_full: it was
  // withdrawn.
  Result<bool> leaves_no_trace(std::uint64_t position) const;
  // Publishes below this position are recorded, or were before there was a journal.
  std::uint64_t recorded() const { return recorded_; }
  // Shows what was recorded to the writer. True: there was something.
  [[gnu::cold, gnu::noinline]] bool publish();
  // There are publishes to record, or messages to tell again.
  bool anything_to_do() const;

  void accepted(std::uint32_t slot) override;
  void joined(std::uint32_t slot) override;
  void attempts_changed(std::uint32_t slot) override;
  void retrying(std::uint32_t slot, std::uint64_t due_tick, bool detached) override;
  void died(std::uint32_t slot) override;
  void replayed(std::uint32_t slot, std::uint64_t due_tick) override;
  void resolved(std::uint32_t slot, MessageState outcome) override;
  void released(std::string_view key) override {
    writer_.lane(header(0), key);
    append({});
  }
  void forgot_id(std::uint32_t place) override;

 private:
  static constexpr std::size_t kActBytes = std::size_t{64} << 10;

  static std::size_t bytes(const Shard& shard);
  std::size_t reserve() const { return outbox_.size() / 4; }
  std::uint32_t home_of_id(std::uint32_t place) const;
  bool silent(std::uint32_t slot) const { return homes_.home(slot).bytes == 0; }

  void relocate_some();
  bool relocate(std::uint32_t index);
  void retell(std::uint32_t slot);
  void retell_id(std::uint32_t index);
  void close(const Home& home);
  void mark(const FrameHead& head);

  void pass_over(const Submission& submission);
  void record_publish(const Submission& submission, std::uint64_t position);
  std::uint32_t id_of(std::uint64_t position);
  void order(RecordType type, std::uint32_t slot, std::uint64_t order, std::uint64_t due_tick);

  RecordHeader header(std::uint64_t position, std::uint16_t aux = 0) const;
  std::int64_t wall_ms(std::int64_t ns) const;
  DueBody due(std::uint64_t tick) const;
  RecordedAttempt attempt(const AttemptStory::Record& record) const;
  RecordedAttempt last_attempt(const Slot& slot) const;
  void content(const MessageBody& body, std::uint32_t id, RecordedMessage* message) const;
  std::uint64_t append(FrameHead head);
  std::uint32_t padded() const { return static_cast<std::uint32_t>(writer_.padded().size()); }

  ShardHost& host_;
  JournalHost& journal_;
  Outbox& outbox_;
  Shard& shard_;
  Arena memory_;
  HomeLists homes_;           // by slot; behind those, by place in the dedup window
  std::span<bool> detached_;  // by slot: left the order of its key
  std::span<Home> inbox_;     // of recorded messages, by position modulo the inbox ring
  const std::size_t event_bytes_;
  const std::size_t grant_bytes_;
  RecordWriter writer_;
  std::vector<RecordedAttempt> attempts_;  // of a message that is told again: memory to use again
  Letterbox letterbox_;
  std::uint64_t recorded_;      // positions below are recorded
  std::uint64_t told_;          // positions below are known to be used by what is recorded
  std::uint64_t ids_told_ = 0;  // numbers below in the dedup window are recorded
  std::uint64_t orders_ = 0;
  std::uint64_t last_order_record_ = 0;  // number + 1 of the last record that gave an order
  std::int64_t now_ns_ = 0;
  Home closing_;               // nobody's any more: the next record says so
  std::vector<Home> dropped_;  // the same, from an earlier life
  bool unpublished_ = false;
  bool publishes_wait_ = false;
};

}  // namespace laneway::engine

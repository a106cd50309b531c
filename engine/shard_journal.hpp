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
#include "engine/journal/journal.hpp"
#include "engine/shard_host.hpp"

#include <algorithm>
#include <cstdint>

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
  // A submission whose publisher waits until it is durable carries this in its due tick.
  static constexpr std::uint64_t kSync = std::uint64_t{1} << 63;

  // Where a message was last told whole.
  struct Home {
    std::uint64_t sequence = 0;
    std::uint64_t order = 0;
    std::uint32_t bytes = 0;
  };

  struct Letterbox : Letter {
    Shard* shard = nullptr;
  };

  ShardJournal(ShardHost& host, JournalHost& journal, Outbox& outbox, Shard& shard);
  bool mapped() const { return memory_.mapped(); }

  JournalHost& journal() const { return journal_; }  // any thread
  Outbox& outbox() const { return outbox_; }         // any thread
  Letterbox& letterbox() { return letterbox_; }      // any thread

  // A message of an earlier life has this slot and this home.
  void adopt(std::uint32_t slot, const Home& home);
  void begin_orders_above(std::uint64_t order) { orders_ = order; }

  // --- a hold -----------------------------------------------------------------------------------
  // Records what is in the inbox, and tells again what stands in the way of reclaiming.
  // Answers what there is room for.
  [[gnu::cold, gnu::noinline]] HoldBudget begin(std::int64_t now_ns);
  // Records the publishes that are in the inbox and not yet recorded.
  void record_inbox();
  // How many of `count` messages from `position` on the core may have now: those that are recorded,
  // up to the first one that must be durable and is not.
  std::uint32_t acceptable(std::uint64_t position, std::uint32_t count) const;
  // Once the core has it: a message that could not be made durable is taken back.
  void settle_unconfirmed(std::uint64_t position);
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

 private:
  // A home in a list by age: those of publishes, and those of messages told again, which are
  // younger than all told before them.
  struct Place {
    Home home;
    std::uint32_t next;  // slot + 1
    std::uint32_t prev;
    bool relocated;
    bool detached;
  };
  struct List {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  static std::size_t bytes(const Shard& shard);
  List& list_of(const Place& place) { return place.relocated ? relocated_ : published_; }
  void link(std::uint32_t slot);
  void unlink(std::uint32_t slot);
  void relocate_some();
  bool relocate_first(List& list, std::uint64_t below);
  void relocate(std::uint32_t slot);
  void record_publish(const Submission& submission, std::uint64_t position);

  RecordHeader header(std::uint64_t position, std::uint16_t aux = 0) const;
  std::int64_t wall_ms(std::int64_t ns) const;
  DueBody due(std::uint64_t tick) const;
  RecordedAttempt attempt(const AttemptStory::Record& record) const;
  RecordedAttempt last_attempt(const Slot& slot) const;
  RecordedMessage content(const MessageBody& body) const;
  void order(RecordType type, std::uint32_t slot, std::uint64_t due_tick);
  std::uint64_t append(const FrameHead& head);

  ShardHost& host_;
  JournalHost& journal_;
  Outbox& outbox_;
  Shard& shard_;
  Arena memory_;
  std::span<Place> places_;  // by slot
  std::span<Home> inbox_;    // of recorded messages, by position modulo the inbox ring
  const std::size_t event_bytes_;
  const std::size_t grant_bytes_;
  RecordWriter writer_;
  Letterbox letterbox_;
  List published_;
  List relocated_;
  std::uint64_t recorded_;  // positions below are recorded
  std::uint64_t orders_ = 0;
  std::uint64_t last_order_record_ = 0;  // number + 1 of the last record that gave an order
  std::int64_t now_ns_ = 0;
  bool unpublished_ = false;
};

}  // namespace laneway::engine

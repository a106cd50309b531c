// Floor 3. RecoveredQueues: what the records of a journal add up to: the queues it knows and the
// messages that are not over, each in its state, until their queue is opened.
#pragma once

#include <laneway/observer.hpp>

#include "engine/journal/scan.hpp"
#include "engine/shard_journal.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace laneway::engine {

struct RecoveredMessage {
  struct Attempt {
    AttemptBody body;
    std::string text;
  };

  PublishBody fixed = {};
  std::optional<DueBody> due;
  std::optional<DueBody> deadline;
  RelocateBody state = {};
  std::string key;
  std::string type;
  std::string payload;
  std::uint16_t attempts = 0;
  bool interrupted = false;  // the last attempt has no end
  std::vector<Attempt> story;
  ShardJournal::Home home;  // with its order

  RecordedState is() const { return static_cast<RecordedState>(state.state); }
};

// A dedup id. While its message lives its home is the message's.
struct RecoveredId {
  std::string id;
  std::int64_t until_ms = 0;
  ShardJournal::Home home;
};

struct RecoveredShard {
  std::unordered_map<std::uint64_t, RecoveredMessage> messages;  // by position
  std::map<std::uint64_t, RecoveredId> ids;                      // by position
  std::uint64_t orders = 0;                                      // the highest
  // The last message that joined its key only when it was accepted, behind others that had joined
  // meanwhile. Those behind it in the inbox would have done the same.
  std::uint64_t accepted_late = 0;
  std::uint64_t accepted_order = 0;

  // Those that are not dead letters.
  std::uint64_t waiting() const {
    return static_cast<std::uint64_t>(
        std::count_if(messages.begin(), messages.end(),
                      [](const auto& each) { return each.second.is() != RecordedState::dead; }));
  }
};

struct RecoveredQueue {
  std::uint16_t number;
  std::uint16_t shards;
  std::uint64_t hash_check;
};

class RecoveredQueues final : public RecordSink {
 public:
  // `observer` hears how far it is.
  explicit RecoveredQueues(EngineObserver& observer) : observer_(observer) {}

  bool record(const RecordView& record) override;
  bool batch(const BatchHeader& header, std::uint64_t file_number) override;
  std::uint64_t messages() const;

  std::map<std::string, RecoveredQueue, std::less<>> queues;
  std::map<SourceId, RecoveredShard> shards;

 private:
  bool apply(const RecordView& record);
  bool whole(const RecordView& record, RecoveredShard* shard);
  static void attempts_changed(const RecordView& record, RecoveredMessage* message);
  bool retry(const RecordView& record, RecoveredMessage* message);
  bool death(const RecordView& record, RecoveredMessage* message);
  bool order(const RecordView& record, RecoveredShard* shard, RecoveredMessage* message);
  static bool remember(const RecordView& record, RecoveredShard* shard);
  static void lane(const RecordView& record, RecoveredShard* shard);
  bool queue(const RecordView& record);

  EngineObserver& observer_;
  JournalRecovery so_far_;
  std::uint64_t told_bytes_ = 0;
};

}  // namespace laneway::engine

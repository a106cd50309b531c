// What a shard does to a journal, without a shard: messages are published, retried, settled and
// told again at random. Beside it an oracle that knows the state after each record.
#pragma once

#include "engine/journal/journal.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace laneway::engine {

// Small, so that a few records fill one.
inline constexpr std::uint64_t kSegmentBytes = 64 * 1024;

struct ReferenceMessage {
  std::string payload;
  std::uint64_t order = 0;
  std::uint32_t attempts = 0;
  friend bool operator==(const ReferenceMessage&, const ReferenceMessage&) = default;
};
using ReferenceState = std::map<std::uint64_t, ReferenceMessage>;  // by position

inline std::string payload_of(SourceId id, std::uint64_t position, std::size_t size) {
  std::string text = std::to_string(id.queue) + "/" + std::to_string(id.shard) + "/" +
                     std::to_string(position) + ":";
  text.resize(std::max(size, text.size()), static_cast<char>('a' + position % 26));
  return text;
}

// What recovery hears of one source. The number of a record in the history of its source travels in
// its time field, over all lives.
struct RecoveredSource {
  ReferenceState state;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint32_t>> homes;  // sequence and bytes
  std::uint64_t first = 0;  // number of the first record that is still there
  std::uint64_t next = 0;   // behind the last one
  bool any = false;
};

class RecoveringSink final : public RecordSink {
 public:
  bool record(const RecordView& record) override {
    if (record.type() == RecordType::queue || record.type() == RecordType::mark) {
      return true;
    }
    RecoveredSource& source = sources[record.source()];
    std::uint64_t number = 0;
    const bool known = apply(record, &source, &number);
    if (source.any) {
      gaps += number == source.next ? 0 : 1;
    } else {
      source.first = number;
    }
    source.any = true;
    source.next = number + 1;
    return known;
  }

  std::map<SourceId, RecoveredSource> sources;
  std::uint64_t gaps = 0;

 private:
  static bool apply(const RecordView& record, RecoveredSource* source, std::uint64_t* number) {
    const std::uint64_t position = record.header.position;
    switch (record.type()) {
      case RecordType::publish:
      case RecordType::relocate: {
        const auto message = read_message(record);
        if (!message) {
          return false;
        }
        *number = static_cast<std::uint64_t>(message->fixed.published_ms);
        source->state[position] = {std::string(message->payload.text()), message->fixed.order,
                                   record.header.aux};
        source->homes[position] = {record.sequence,
                                   static_cast<std::uint32_t>(padded_record(record.header.bytes))};
        return true;
      }
      case RecordType::settle: {
        const auto settle = read_settle(record);
        if (settle) {
          *number = static_cast<std::uint64_t>(settle->time_ms);
          source->state.erase(position);
          source->homes.erase(position);
        }
        return settle.has_value();
      }
      case RecordType::retry: {
        const auto retry = read_retry(record);
        if (retry) {
          *number = static_cast<std::uint64_t>(retry->fixed.due.at_ms);
          if (source->state.contains(position)) {
            source->state[position].attempts = record.header.aux;
          }
        }
        return retry.has_value();
      }
      default:
        return false;
    }
  }
};

class ReferenceSource {
 public:
  explicit ReferenceSource(SourceId id) : id_(id) { states_.emplace_back(); }

  // A life begins. `recovered` is null when the journal has no record of this source.
  void attach(Journal& journal, const RecoveredSource* recovered) {
    outbox_ = journal.attach(id_, 32 * 1024);
    homes_.clear();
    if (recovered != nullptr) {
      homes_ = recovered->homes;
    }
    records_before_ = records();
    first_sequence_ = recovered == nullptr ? 0 : recovered->next - recovered->first;
    position_ = std::max(position_, journal.positions_end(id_));
  }
  // Goes on from what came back, in a process that does not know what was before.
  void resume(const RecoveredSource& recovered) {
    base_ = recovered.next;
    states_ = {recovered.state};
  }
  void adopt(Journal& journal, const RecoveredSource& recovered) const {
    for (const auto& [position, home] : recovered.homes) {
      journal.adopt(id_, home.first, home.second);
    }
  }

  // What must hold of what came back: it is the state after some record that is not older than the
  // last durable one. Then history goes on from there.
  void judge(const RecoveredSource* recovered, std::uint64_t durable_number) {
    const std::uint64_t next = recovered == nullptr ? 0 : recovered->next;
    ASSERT_LT(next, base_ + states_.size()) << "a record that was never written";
    if (recovered == nullptr) {
      ASSERT_EQ(durable_number, 0u) << "confirmed records are gone";
      ASSERT_TRUE(state_after(next).empty() || next == 0);
    } else {
      ASSERT_GE(next, durable_number) << "confirmed records are gone";
      ASSERT_EQ(recovered->state, state_after(next)) << "after record " << next;
    }
    states_.resize(next + 1 - base_);
  }
  // What is durable is never judged by what was before it.
  void forget_before(std::uint64_t record_count) {
    for (; base_ < record_count && states_.size() > 1; ++base_) {
      states_.pop_front();
    }
  }

  // Records that are durable, counted over all lives.
  std::uint64_t durable_number() const {
    return outbox_ == nullptr ? 0 : records_before_ + (outbox_->durable() - first_sequence_);
  }
  std::uint64_t records() const { return base_ + states_.size() - 1; }
  const ReferenceState& state_after(std::uint64_t record_count) const {
    return states_[record_count - base_];
  }
  const ReferenceState& state() const { return states_.back(); }
  std::uint64_t live() const { return state().size(); }
  Outbox* outbox() { return outbox_; }
  std::uint64_t last_position() const { return position_ - 1; }

  std::function<void()> told;  // a record is there, and the writer does not see it yet

  template <class Random>
  void step(Random& random, std::size_t payload_max) {
    relocate_some(2);
    const ReferenceState& state = states_.back();
    const std::uint64_t dice = random() % 10;
    if (state.size() < 3 || dice < 4) {
      publish(payload_of(id_, position_, random() % (payload_max + 1)));
      return;
    }
    auto victim = state.begin();
    std::advance(victim, static_cast<std::ptrdiff_t>(random() % state.size()));
    if (dice < 8) {
      settle(victim->first);
    } else {
      retry(victim->first);
    }
  }

  bool publish(const std::string& payload) {
    RecordedMessage message;
    message.payload = Bytes(payload);
    message.fixed.published_ms = static_cast<std::int64_t>(records());
    message.fixed.order = position_ + 1;
    writer_.publish(header(position_), message);
    ReferenceState next = states_.back();
    next[position_] = {payload, message.fixed.order, 0};
    if (!append({.opens = true, .sync = true}, std::move(next))) {
      return false;
    }
    ++position_;
    return true;
  }
  bool settle(std::uint64_t position) {
    writer_.settle(header(position), static_cast<std::int64_t>(records()));
    ReferenceState next = states_.back();
    next.erase(position);
    if (!append(closing(position), std::move(next))) {
      return false;
    }
    homes_.erase(position);
    return true;
  }
  // Tells the messages again whose home is in the oldest segment.
  void relocate_some(std::size_t most) {
    const std::uint64_t below = outbox_->relocate_below();
    for (auto at = homes_.begin(); at != homes_.end() && most > 0; ++at) {
      if (at->second.first < below) {
        if (!relocate(at->first)) {
          return;
        }
        --most;
      }
    }
  }

 private:
  RecordHeader header(std::uint64_t position) const {
    RecordHeader header{};
    header.queue = id_.queue;
    header.shard = id_.shard;
    header.position = position;
    return header;
  }
  FrameHead closing(std::uint64_t position) const {
    const auto& [sequence, bytes] = homes_.at(position);
    return {.closes_plus_1 = sequence + 1, .closed_bytes = bytes};
  }
  bool retry(std::uint64_t position) {
    RecordHeader head = header(position);
    ReferenceState next = states_.back();
    head.aux = static_cast<std::uint16_t>(++next[position].attempts);
    RecordedRetry retry;
    retry.fixed.due.at_ms = static_cast<std::int64_t>(records());
    retry.attempt.text = "it failed";
    writer_.retry(head, retry);
    return append({}, std::move(next));
  }
  bool relocate(std::uint64_t position) {
    const ReferenceMessage& known = states_.back().at(position);
    RecordHeader head = header(position);
    head.aux = static_cast<std::uint16_t>(known.attempts);
    RecordedMessage message;
    message.payload = Bytes(known.payload);
    message.fixed.order = known.order;
    message.fixed.published_ms = static_cast<std::int64_t>(records());
    writer_.relocate(head, message);
    FrameHead frame = closing(position);
    frame.opens = true;
    return append(frame, ReferenceState(states_.back()));
  }
  bool append(const FrameHead& frame, ReferenceState next) {
    if (outbox_->room() < writer_.padded().size()) {
      return false;
    }
    const std::uint64_t sequence = outbox_->append(frame, writer_);
    if (frame.opens) {
      RecordHeader written{};
      std::memcpy(&written, writer_.padded().data(), sizeof written);
      homes_[written.position] = {sequence, static_cast<std::uint32_t>(writer_.padded().size())};
    }
    states_.push_back(std::move(next));
    if (told) {
      told();
    }
    outbox_->publish();
    return true;
  }

  const SourceId id_;
  Outbox* outbox_ = nullptr;
  RecordWriter writer_;
  std::deque<ReferenceState> states_;  // after so many records, over all lives from base_ on
  std::uint64_t base_ = 0;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint32_t>> homes_;
  std::uint64_t records_before_ = 0;
  std::uint64_t first_sequence_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace laneway::engine

// Floor 2. Outbox: where the records of one shard wait for the journal's writer, and what the
// writer tells back. The holder of the shard's token appends; anybody may ask how far it is
// durable.
#pragma once

#include "engine/base/arena.hpp"
#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/outbox_ring.hpp"
#include "engine/journal/record.hpp"
#include "engine/journal/segment_table.hpp"

#include <cstdint>

namespace laneway::engine {

class Outbox {
 public:
  // `bytes` is a power of two. Records are numbered on from `records`.
  Outbox(SourceId id, SegmentTable::Source& place, std::size_t bytes, std::uint64_t records)
      : id_(id),
        place_(place),
        memory_(ArenaSize::padded(bytes)),
        ring_(memory_.take<OutboxRing::Word>(bytes / sizeof(OutboxRing::Word))),
        bytes_(bytes),
        appended_(records),
        written_(records),
        durable_(records) {}

  SourceId id() const { return id_; }
  bool mapped() const { return memory_.mapped(); }
  std::size_t size() const { return bytes_; }

  // --- holder of the token ----------------------------------------------------------------------
  // Bytes of a record, with its padding, that append has room for.
  std::size_t room() const {
    const std::uint64_t words = ring_.room();
    constexpr std::uint64_t kOverhead = kFrameHeadWords + 1;
    return words > kOverhead ? static_cast<std::size_t>((words - kOverhead) * 8) : 0;
  }
  // Answers the record's number. Nobody sees it before publish().
  std::uint64_t append(const FrameHead& head, const RecordWriter& record) {
    std::uint64_t words[kFrameHeadWords];
    write_frame_head(head, words);
    ring_.append(words, record.words());
    return appended_++;
  }
  void publish() { ring_.publish(); }
  std::uint64_t appended() const { return appended_; }

  // --- anybody ----------------------------------------------------------------------------------
  // Records below this number are on stable storage.
  std::uint64_t durable() const { return durable_.read(); }
  // Messages that were published durably have all lower positions.
  std::uint64_t confirmed() const { return confirmed_.read(); }
  // Messages whose home is below this record number should be told again.
  std::uint64_t relocate_below() const { return relocate_below_.read(); }
  EventCount& waiters() { return waiters_; }

 private:
  friend class Journal;

  const SourceId id_;
  SegmentTable::Source& place_;
  Arena memory_;
  OutboxRing ring_;
  const std::size_t bytes_;
  std::uint64_t appended_;  // the holder's
  // The writer's.
  std::uint64_t written_;
  std::uint64_t position_seen_ = 0;  // the highest, plus 1
  std::uint64_t gathered_position_ = 0;
  bool in_batch_ = false;
  Level durable_;
  Level confirmed_{0};
  Level relocate_below_{0};
  EventCount waiters_;
};

}  // namespace laneway::engine

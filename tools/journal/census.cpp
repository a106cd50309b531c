#include "tools/journal/census.hpp"

#include <algorithm>

namespace laneway::journal_tool {

using engine::BatchHeader;
using engine::RecordedState;
using engine::RecordType;
using engine::RecordView;
using engine::ScanResult;

std::uint64_t CountedShard::in(RecordedState state) const {
  return static_cast<std::uint64_t>(
      std::count_if(messages.begin(), messages.end(),
                    [&](const auto& each) { return each.second.state == state; }));
}

std::uint64_t CountedShard::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [position, message] : messages) {
    sum += message.bytes;
  }
  return sum;
}

bool Census::batch(const BatchHeader& header, std::uint64_t file_number) {
  CountedSegment& segment = segments[file_number];
  if (segment.batches++ == 0) {
    segment.first_lsn = header.first_lsn;
  }
  segment.bytes += engine::padded_block(sizeof header + std::uint64_t{header.payload_bytes});
  if (first_lsn_ == 0) {
    first_lsn_ = header.first_lsn;
  } else if (header.first_lsn > next_lsn_) {
    gaps_.push_back({next_lsn_, header.first_lsn});
  }
  next_lsn_ = header.first_lsn + header.record_count;
  return true;
}

std::vector<Gap> Census::gaps(const ScanResult& scan) const {
  std::vector<Gap> all = gaps_;
  if (first_lsn_ > scan.manifest.first_lsn) {
    all.insert(all.begin(), {scan.manifest.first_lsn, first_lsn_});
  }
  const std::uint64_t end = std::max(next_lsn_, scan.manifest.first_lsn);
  if (scan.lost_to_lsn > end) {
    all.push_back({end, scan.lost_to_lsn});
  }
  return all;
}

bool Census::record(const RecordView& record) {
  ++by_type[record.header.type < kTypes ? record.header.type : 0];
  if (record.type() == RecordType::queue) {
    const auto queue = engine::read_queue(record);
    if (queue) {
      queues[record.header.queue] = {std::string(queue->name), queue->fixed.shards};
    }
    return queue.has_value();
  }
  CountedShard& shard = shards[record.source()];
  if (record.type() == RecordType::publish || record.type() == RecordType::relocate) {
    shard.first_position = std::min(shard.first_position, record.header.position);
  }
  shard.last_position = std::max(shard.last_position, record.header.position);
  return apply(record, &shard);
}

// False: the record has not the shape of its type.
bool Census::apply(const RecordView& record, CountedShard* shard) {
  const auto found = shard->messages.find(record.header.position);
  CountedMessage unknown;
  CountedMessage& message = found == shard->messages.end() ? unknown : found->second;
  const auto becomes = [&](bool shaped, RecordedState state) {
    message.state = state;
    return shaped;
  };
  switch (record.type()) {
    case RecordType::publish:
    case RecordType::relocate: {
      const auto told = engine::read_message(record);
      if (!told) {
        return false;
      }
      const bool delayed = record.type() == RecordType::publish && told->due;
      shard->messages[record.header.position] = {
          static_cast<std::uint32_t>(engine::padded_record(record.header.bytes)),
          delayed ? RecordedState::delayed : static_cast<RecordedState>(told->state.state)};
      return told->state.state <= static_cast<std::uint8_t>(RecordedState::dead);
    }
    case RecordType::settle:
      shard->messages.erase(record.header.position);
      return engine::read_settle(record).has_value();
    case RecordType::retry:
      return becomes(engine::read_retry(record).has_value(), RecordedState::retrying);
    case RecordType::dead:
      return becomes(engine::read_death(record).has_value(), RecordedState::dead);
    case RecordType::replay: {
      const auto order = engine::read_order(record);
      return becomes(order.has_value(), order && order->due && order->fixed.order == 0
                                            ? RecordedState::delayed
                                            : RecordedState::waiting);
    }
    case RecordType::join:
      return becomes(engine::read_order(record).has_value(), message.state == RecordedState::delayed
                                                                 ? RecordedState::waiting
                                                                 : message.state);
    case RecordType::remember:
      return engine::read_remember(record).has_value();
    case RecordType::grant:
    case RecordType::mark:
    case RecordType::lane:
      return true;
    default:
      return (record.header.flags & engine::kRecordIgnorable) != 0;
  }
}

}  // namespace laneway::journal_tool

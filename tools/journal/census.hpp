// Census: what the records of a journal add up to: queues, messages that are not over, and where
// records are missing.
#pragma once

#include "engine/journal/scan.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace laneway::journal_tool {

struct CountedMessage {
  std::uint32_t bytes = 0;  // of the record that is its home
  engine::RecordedState state = engine::RecordedState::waiting;
};

struct CountedShard {
  std::uint64_t first_position = ~std::uint64_t{0};
  std::uint64_t last_position = 0;
  std::unordered_map<std::uint64_t, CountedMessage> messages;  // by position

  std::uint64_t in(engine::RecordedState state) const;
  std::uint64_t bytes() const;
};

struct CountedQueue {
  std::string name;
  std::uint16_t shards = 0;
};

struct CountedSegment {
  std::uint64_t first_lsn = 0;
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
};

// Records that are not there: from the first LSN to before the second.
struct Gap {
  std::uint64_t from_lsn;
  std::uint64_t to_lsn;
};

class Census : public engine::RecordSink {
 public:
  static constexpr std::size_t kTypes = 13;

  bool record(const engine::RecordView& record) override;
  bool batch(const engine::BatchHeader& header, std::uint64_t file_number) override;
  // After the scan: also what is missing before the first and behind the last record.
  std::vector<Gap> gaps(const engine::ScanResult& scan) const;

  std::map<std::uint16_t, CountedQueue> queues;
  std::map<engine::SourceId, CountedShard> shards;
  std::map<std::uint64_t, CountedSegment> segments;  // by file number
  std::array<std::uint64_t, kTypes> by_type{};       // 0: unknown ones

 private:
  bool apply(const engine::RecordView& record, CountedShard* shard);

  std::uint64_t first_lsn_ = 0;
  std::uint64_t next_lsn_ = 0;
  std::vector<Gap> gaps_;
};

}  // namespace laneway::journal_tool

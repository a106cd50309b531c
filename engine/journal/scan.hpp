// Floor 2. Scan: reads a journal from its first record to its end and judges that end.
//
//   found behind the last good batch, which ends at LSN L         verdict
//   nothing valid of this use of the file, the place not ours     clean end
//   nothing valid, the place itself half written                  torn tail: cut at L
//   valid batches, all of them with durable_lsn <= L              torn tail: none was confirmed
//   one with durable_lsn > L, or the manifest says there is more  corruption
//
// Writes nothing.
#pragma once

#include "engine/journal/manifest.hpp"
#include "engine/journal/record.hpp"
#include "engine/journal/storage.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace laneway::engine {

enum class JournalEnd : std::uint8_t { clean, torn, corrupt };

// Hears every record in order.
class RecordSink {
 public:
  RecordSink() = default;
  RecordSink(const RecordSink&) = delete;
  RecordSink& operator=(const RecordSink&) = delete;
  virtual ~RecordSink() = default;
  // False: this cannot be a record of ours; it counts as corruption.
  virtual bool record(const RecordView& record) = 0;
  virtual bool batch(const BatchHeader& header, std::uint64_t file_number) {
    (void)header;
    (void)file_number;
    return true;
  }
};

// Where the records of one source lie: in which segment the one of a given number is.
struct SegmentBoundary {
  std::uint64_t first_sequence;
  std::uint64_t segment;  // index in the manifest's entries, or the table's ordinal
};

struct ScannedSource {
  std::uint64_t records = 0;
  std::uint64_t positions_end = 0;  // behind the highest position seen
  std::vector<SegmentBoundary> boundaries;
};

struct ScanResult {
  Manifest manifest;
  JournalEnd end = JournalEnd::clean;
  bool closed = false;            // the last thing in it says that it was closed in order
  int error = 0;                  // of reading: EIO, or EPROTO (version), ENOENT (no journal)
  const char* detail = "";        // why it is corrupt or cannot be read
  std::uint64_t file_number = 0;  // where the end is
  std::uint64_t offset = 0;
  std::uint64_t end_lsn = 1;
  std::uint32_t end_crc = 0;      // of the last good batch
  std::size_t end_segment = 0;    // index of the entry that the end is in
  std::uint64_t lost_to_lsn = 0;  // of corruption: confirmed records up to here are in question
  std::uint64_t records = 0;
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;                // of good batches
  std::vector<std::uint64_t> first_lsns;  // of each entry; 0: not reached
  std::vector<std::uint32_t> first_crcs;  // the chain before each entry
  std::map<SourceId, ScannedSource> sources;
};

struct ScanOptions {
  // Sync every file before it is judged: after the death of a process a read may come from a cache
  // that a power cut would lose.
  bool sync_first = true;
  // Go on behind damage with what is valid there.
  bool salvage = false;
  // Instead of the one on the disk.
  const Manifest* manifest = nullptr;
};

ScanResult scan_journal(Storage& storage, const ScanOptions& options, RecordSink* sink);

// The sum of a batch: its header with the sum left out, then its payload.
std::uint32_t batch_crc(BatchHeader header, std::span<const std::byte> payload);

}  // namespace laneway::engine

// Floor 2. SegmentTable: the segments of a journal from the oldest to the one being written, the
// prepared ones behind them, and how much of each is still needed. Writer and keeper meet here:
// every call locks, and none does I/O meanwhile.
//
//   listed -> prepared -> current -> full -> the oldest and needed by nobody -> retired: a spare
//
// A message has its home in the segment of its latest publish or relocate record. A segment is
// needed while homes are in it. Only the oldest one retires, so that the settle of a message never
// disappears before its publish.
#pragma once

#include "engine/journal/manifest.hpp"
#include "engine/journal/scan.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

namespace laneway::engine {

class SegmentTable {
 public:
  // In which segments the records of one source lie.
  struct Source {
    std::deque<SegmentBoundary> boundaries;
  };

  enum class Change : std::uint8_t {
    follows,  // the source has records in the current segment from this one on
    opens,    // the record is a home
    closes,   // the record is a home no more
  };
  struct Entry {
    Source* source;
    std::uint64_t sequence;
    std::uint32_t bytes;  // of the record, with padding
    Change change;
  };

  // --- recovery: before writer and keeper run ---------------------------------------------------
  void restore(const ScanResult& scan);
  Source& source(SourceId id);
  // A record that was read is the home of a live message.
  void adopt(SourceId id, std::uint64_t sequence, std::uint32_t bytes);

  // --- writer -----------------------------------------------------------------------------------
  struct Taken {
    ManifestEntry entry;
    std::unique_ptr<StorageFile> file;
  };
  // The next prepared segment becomes the current one; empty: there is none.
  std::optional<Taken> take(std::uint64_t first_lsn, std::uint32_t chain);
  // The current segment ends here, whatever lies behind.
  void cut(std::uint64_t end_lsn, std::uint32_t chain);
  // Would nobody need the oldest segment any more after these?
  bool frees_oldest(std::span<const Entry> entries) const;
  // What a batch in the current segment changed, once it is durable.
  void apply(std::span<const Entry> entries);

  // --- keeper -----------------------------------------------------------------------------------
  // The oldest segment leaves the table when nobody needs it.
  std::optional<ManifestEntry> retire();
  // Into the manifest, and after that to the writer.
  void list(const ManifestEntry& entry, std::unique_ptr<StorageFile> file);
  void offer_listed();
  void drop_listed();
  void fill(Manifest* manifest) const;
  // Records of this source below the answer are in the oldest segment.
  std::uint64_t oldest_end(const Source& source) const;

  struct Counts {
    std::uint64_t used = 0;  // segments that hold records, the current one included
    std::uint64_t prepared = 0;
    std::uint64_t live_records = 0;
    std::uint64_t live_bytes = 0;
  };
  Counts counts() const;

 private:
  struct Segment {
    ManifestEntry entry{};
    std::uint32_t first_crc = 0;  // the chain before its first batch
    std::uint64_t ordinal = 0;    // rises from use to use
    std::unique_ptr<StorageFile> file;
    std::uint64_t live = 0;
  };

  Segment& home(const Source& source, std::uint64_t sequence);
  void apply(const Entry& entry);

  mutable std::mutex mutex_;
  std::uint64_t ordinals_ = 0;
  bool writing_ = false;          // the last of used_ is the current one
  std::deque<Segment> used_;      // oldest first
  std::deque<Segment> prepared_;  // next first
  std::unique_ptr<Segment> listed_;
  std::map<SourceId, Source> sources_;
  std::uint64_t next_lsn_ = 1;  // where a journal without segments goes on
  std::uint32_t next_crc_ = 0;
  std::uint64_t live_records_ = 0;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace laneway::engine

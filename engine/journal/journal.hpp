// Floor 2. Journal: one log of records for all shards of an engine. It knows records and sources
// (queue number and shard number), nothing of queues.
//
// Three roles, which may be three threads: holders append to the outbox of their shard; the writer
// calls commit(), which takes what is there, writes it as one batch and returns when that is on
// stable storage; the keeper calls keep(), which prepares segments ahead of the writer and retires
// those that nobody needs. One batch is in flight at a time: what arrives meanwhile goes with the
// next. A durable block is never written again.
//
// Invariants: (1) what survives of a source is a prefix of its records that contains every durable
// one; (2) a segment is written only after a durable manifest lists it, and reused only after a
// durable manifest does not; (3) a write that failed is never repeated in its place: at most once
// in the life of a Journal the batch moves to a fresh segment, then the journal has failed for
// good.
#pragma once

#include <laneway/result.hpp>

#include "engine/journal/batch_builder.hpp"
#include "engine/journal/outbox.hpp"
#include "engine/journal/scan.hpp"
#include "engine/journal/segment_table.hpp"
#include "engine/journal/storage.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace laneway::engine {

struct JournalSettings {
  std::uint64_t segment_bytes = 64u << 20;  // of a new journal; an old one keeps its own
  std::uint64_t segments_max = 1u << 20;    // files that it may have
  std::uint64_t seed = 0;                   // of what must differ from use to use
};

// What a journal has been doing. Consistent enough to look at, no more.
struct JournalCounts {
  std::uint64_t commits = 0;
  std::uint64_t bytes_written = 0;  // of batches
  std::uint64_t durable_lsn = 0;
  std::uint64_t evacuations = 0;
  std::uint64_t segments_used = 0;
  std::uint64_t segments_prepared = 0;
  std::uint64_t live_records = 0;
  std::uint64_t live_bytes = 0;
};

class Journal {
 public:
  // Locks the directory, hands every record to `sink` and gets ready to write. `scanned`, if not
  // null, hears how the journal was found, also when it is refused. Errors: locked, corrupt,
  // version, io_error, no_memory, invalid_argument.
  static Result<std::unique_ptr<Journal>> open(std::unique_ptr<Storage> storage,
                                               const JournalSettings& settings,
                                               RecordSink& sink,
                                               ScanResult* scanned = nullptr);
  ~Journal();

  // --- after open, before start -----------------------------------------------------------------
  // A record that was read is the home of a message that lives.
  void adopt(SourceId id, std::uint64_t sequence, std::uint32_t record_bytes);
  // Homes are adopted: from here on segments may retire.
  void start() { started_.set(true); }

  // --- any thread -------------------------------------------------------------------------------
  std::uint32_t epoch() const { return manifest_.epoch; }
  std::uint64_t segment_bytes() const { return manifest_.segment_bytes; }
  std::string primitive() const { return storage_->primitive(); }
  std::size_t record_bytes_max() const;
  // No position of this source below the answer may be used again.
  std::uint64_t positions_end(SourceId id) const;
  // The outbox of a source; made at the first call. Null: no memory.
  Outbox* attach(SourceId id, std::size_t ring_bytes);
  // A record that opens the head of every segment from now on, in place of an earlier one with
  // the same number. Durable when durable_lsn() has passed the answer.
  void define(std::uint16_t queue, const RecordWriter& record);
  bool defined() const;  // all of them are durable
  // The errno of the failure that ended it, or 0.
  int failed() const { return static_cast<int>(failed_.read()); }
  // From now on it is as after a failure of the disk: for whoever cannot finish what it began.
  void give_up(int error) { failed_.set(static_cast<std::uint64_t>(error)); }
  // False: publishes must wait, so that there is room for what ends messages.
  bool admits() const { return admits_.read(); }
  // No more room can be made now.
  bool full() const { return full_.read(); }
  JournalCounts counts() const;

  // --- writer -----------------------------------------------------------------------------------
  enum class Commit : std::uint8_t {
    idle,     // there was nothing to write
    written,  // a batch is durable, and its waiters are awake
    starved,  // no segment is prepared
    failed,   // for good: what comes is thrown away
  };
  Commit commit();
  // Says on disk that the last batch is durable, so that damage to it can be told from a torn
  // tail. Once after a batch is enough.
  Commit mark_idle();
  // Writes what is left and says, if it is so, that nothing is missing.
  void close(bool complete = true);

  // --- keeper -----------------------------------------------------------------------------------
  enum class Keep : std::uint8_t { idle, busy, blocked };
  // One bounded piece of work. blocked: the disk or the limit leaves no room; try again later.
  Keep keep();
  // Does the writer depend on the keeper's next step?
  bool starving() const { return table_.counts().prepared == 0; }

 private:
  Journal(std::unique_ptr<Storage> storage, const JournalSettings& settings);
  Result<> recover(const JournalSettings& settings, RecordSink& sink, ScanResult* scan);
  Result<> create(const JournalSettings& settings);
  Result<> make_ready();
  void know_spares(const std::vector<std::string>& names);
  std::uint64_t draw();

  // Writer.
  void gather();
  bool gather_from(Outbox& outbox);
  void gather_definitions();
  Commit write_gathered();
  Commit roll(bool evacuating);
  int write(BatchBuilder& batch, std::uint16_t flags);
  int write_mark(std::uint16_t flags);
  int write_preamble();
  void complete();
  Commit fail(int error);
  void discard();
  std::uint64_t batch_bytes_max() const;

  // Keeper.
  int save_manifest();
  Keep retire_one();
  Keep make_piece();
  Keep finish_segment();
  Keep blocked(int error);
  void look_at_room();
  void set_relocation();
  std::uint64_t prepared_wanted() const;

  const std::unique_ptr<Storage> storage_;
  SegmentTable table_;
  Manifest manifest_;  // entries are filled in when it is written
  std::mutex manifest_mutex_;
  const std::uint64_t segments_max_;
  std::map<SourceId, ScannedSource> recovered_;
  Flag started_;
  Flag admits_;
  Flag full_;
  Level failed_{0};

  // The writer's.
  std::unique_ptr<StorageFile> file_;
  std::uint64_t generation_ = 0;
  std::uint64_t offset_ = 0;  // where the next batch goes
  std::uint64_t lsn_ = 1;     // of the next record
  std::uint32_t chain_ = 0;   // sum of the last batch
  bool marked_ = true;
  bool evacuated_ = false;
  bool urgent_ = false;  // somebody waits for what is in the batch
  BatchBuilder batch_;   // what has been gathered and is not durable
  BatchBuilder mark_;
  std::vector<SegmentTable::Entry> changes_;
  std::size_t turn_ = 0;  // the outbox that is asked first
  std::uint64_t definitions_gathered_ = 0;
  Level durable_lsn_{1};
  Level definitions_durable_{0};
  Counter commits_;
  Counter bytes_written_;
  Counter evacuations_;

  mutable std::mutex outboxes_mutex_;  // guards the next four
  std::vector<std::unique_ptr<Outbox>> outboxes_;
  std::map<std::uint16_t, std::vector<std::byte>> definitions_;
  std::deque<std::vector<std::byte>> new_definitions_;
  std::uint64_t definitions_made_ = 0;

  // The keeper's.
  struct Making {
    std::uint64_t file_number;
    std::unique_ptr<StorageFile> file;
    std::uint64_t zeroed;
  };
  std::optional<Making> making_;
  std::vector<std::uint64_t> spares_;
  std::vector<std::uint64_t> retired_;  // not in the table, perhaps still in the manifest
  std::uint64_t files_made_ = 0;        // highest number
  std::uint64_t drawn_ = 0;
  std::uint64_t seed_;
};

}  // namespace laneway::engine

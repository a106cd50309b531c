// Floor 2. Journal: opening, recovery, and what any thread may ask.
#include "engine/journal/journal.hpp"

#include "engine/base/hash.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>
#include <utility>

namespace laneway::engine {

namespace {

constexpr std::size_t kBatchBytes = std::size_t{256} << 10;

Error io(int error, const char* detail) {
  return {Errc::io_error, error, detail};
}

// Keeps the latest definition of each queue, on the way of all records to somebody else.
class DefinitionSink final : public RecordSink {
 public:
  using Definitions = std::map<std::uint16_t, std::vector<std::byte>>;

  DefinitionSink(RecordSink& next, Definitions& definitions)
      : next_(next), definitions_(definitions) {}

  bool record(const RecordView& record) override {
    if (record.type() == RecordType::queue) {
      const std::optional<RecordedQueue> queue = read_queue(record);
      if (!queue) {
        return false;
      }
      RecordWriter writer;
      writer.queue(record.header, *queue);
      definitions_[record.header.queue].assign(writer.padded().begin(), writer.padded().end());
    }
    return next_.record(record);
  }
  bool batch(const BatchHeader& header, std::uint64_t file_number) override {
    return next_.batch(header, file_number);
  }

 private:
  RecordSink& next_;
  Definitions& definitions_;
};

}  // namespace

Journal::Journal(std::unique_ptr<Storage> storage, const JournalSettings& settings)
    : storage_(std::move(storage)),
      segments_max_(settings.segments_max),
      batch_(kBatchBytes),
      mark_(kBlockBytes),
      seed_(settings.seed) {
  admits_.set(true);
  batch_.clear();
}

Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(std::unique_ptr<Storage> storage,
                                               const JournalSettings& settings,
                                               RecordSink& sink,
                                               ScanResult* scanned) {
  constexpr std::uint64_t kSegmentsMin = 4;
  if (settings.segment_bytes < kSegmentBytesMin || settings.segment_bytes > kSegmentBytesMax ||
      settings.segment_bytes % kBlockBytes != 0) {
    return {Errc::invalid_argument, "a segment has 64 KiB to 1 GiB, in blocks of 4 KiB"};
  }
  if (settings.segments_max < kSegmentsMin) {
    return {Errc::invalid_argument, "a journal needs room for four segments"};
  }
  if (const int error = storage->lock(); error != 0) {
    return error == EWOULDBLOCK ? Error{Errc::locked, error, "another engine has the journal open"}
                                : io(error, "the journal's lock file cannot be made");
  }
  std::unique_ptr<Journal> journal(new Journal(std::move(storage), settings));
  ScanResult scan;
  const Result<> recovered = journal->recover(settings, sink, &scan);
  if (scanned != nullptr) {
    *scanned = std::move(scan);
  }
  if (!recovered) {
    return recovered.error();
  }
  return journal;
}

Result<> Journal::recover(const JournalSettings& settings, RecordSink& sink, ScanResult* scan) {
  DefinitionSink through(sink, definitions_);
  *scan = scan_journal(*storage_, {}, &through);
  if (scan->error == ENOENT) {
    *scan = {};
    if (const Result<> created = create(settings); !created) {
      return created;
    }
    scan->manifest = manifest_;
    return make_ready();
  }
  if (scan->error == EPROTO) {
    return {Errc::version, "the journal is of a version that this one does not know"};
  }
  if (scan->error != 0) {
    return io(scan->error, scan->detail);
  }
  if (scan->end == JournalEnd::corrupt) {
    return {Errc::corrupt, scan->detail};
  }
  std::vector<std::string> names;
  if (const int error = storage_->list(&names); error != 0) {
    return io(error, "the journal's directory cannot be listed");
  }
  manifest_ = scan->manifest;
  ++manifest_.epoch;
  lsn_ = scan->end_lsn;
  chain_ = scan->end_crc;
  durable_lsn_.set(lsn_);
  recovered_ = scan->sources;
  table_.restore(*scan);
  // The old end is cut before anything is written: from here on nobody reads past it.
  if (const int error = save_manifest(); error != 0) {
    return io(error, "the journal's manifest cannot be written");
  }
  know_spares(names);
  return make_ready();
}

Result<> Journal::create(const JournalSettings& settings) {
  std::vector<std::string> names;
  if (const int error = storage_->list(&names); error != 0) {
    return io(error, "the journal's directory cannot be listed");
  }
  for (const std::string& name : names) {
    if (segment_number(name) != 0) {
      return {Errc::corrupt, "there are segments and no manifest"};
    }
  }
  manifest_.store_id[0] = draw();
  manifest_.store_id[1] = draw();
  manifest_.segment_bytes = settings.segment_bytes;
  manifest_.epoch = 1;
  if (const int error = save_manifest(); error != 0) {
    return io(error, "the journal's manifest cannot be written");
  }
  return {};
}

// The writer never waits for the first segment.
Result<> Journal::make_ready() {
  while (table_.counts().prepared < prepared_wanted()) {
    if (make_piece() == Keep::blocked) {
      if (table_.counts().prepared == 0) {
        return io(ENOSPC, "there is no room for a segment");
      }
      break;
    }
  }
  look_at_room();
  return {};
}

// Files of segments that are in nobody's list any more.
void Journal::know_spares(const std::vector<std::string>& names) {
  Manifest listed;
  table_.fill(&listed);
  for (const std::string& name : names) {
    const std::uint64_t number = segment_number(name);
    const bool used = std::any_of(listed.entries.begin(), listed.entries.end(),
                                  [&](const ManifestEntry& e) { return e.file_number == number; });
    files_made_ = std::max(files_made_, number);
    if (number != 0 && !used) {
      spares_.push_back(number);
    }
  }
}

std::uint64_t Journal::draw() {
  return mix64(seed_ + ++drawn_ * 0x9e3779b97f4a7c15u) | 1;
}

void Journal::adopt(SourceId id, std::uint64_t sequence, std::uint32_t record_bytes) {
  table_.adopt(id, sequence, record_bytes);
}

// --- any thread -------------------------------------------------------------------------------

std::size_t Journal::record_bytes_max() const {
  return static_cast<std::size_t>(manifest_.segment_bytes / 4);
}

std::uint64_t Journal::positions_end(SourceId id) const {
  const auto found = recovered_.find(id);
  return found == recovered_.end() ? 0 : found->second.positions_end;
}

Outbox* Journal::attach(SourceId id, std::size_t ring_bytes) {
  SegmentTable::Source& place = table_.source(id);
  const auto found = recovered_.find(id);
  const std::lock_guard lock(outboxes_mutex_);
  for (const auto& outbox : outboxes_) {
    if (outbox->id() == id) {
      return outbox.get();
    }
  }
  auto outbox = std::make_unique<Outbox>(id, place, std::bit_ceil(ring_bytes),
                                         found == recovered_.end() ? 0 : found->second.records);
  if (!outbox->mapped()) {
    return nullptr;
  }
  outbox->position_seen_ = positions_end(id);
  outbox->confirmed_.set(outbox->position_seen_);
  outboxes_.push_back(std::move(outbox));
  return outboxes_.back().get();
}

void Journal::define(std::uint16_t queue, const RecordWriter& record) {
  const std::span<const std::byte> bytes = record.padded();
  const std::lock_guard lock(outboxes_mutex_);
  definitions_[queue].assign(bytes.begin(), bytes.end());
  new_definitions_.push_back(definitions_[queue]);
  ++definitions_made_;
}

bool Journal::defined() const {
  const std::lock_guard lock(outboxes_mutex_);
  return definitions_durable_.read() >= definitions_made_;
}

JournalCounts Journal::counts() const {
  const SegmentTable::Counts counts = table_.counts();
  return {commits_.read(), bytes_written_.read(), durable_lsn_.read(), evacuations_.read(),
          counts.used,     counts.prepared,       counts.live_records, counts.live_bytes};
}

}  // namespace laneway::engine

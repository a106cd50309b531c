#include "engine/journal/scan.hpp"

#include "engine/journal/crc32c.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace laneway::engine {

namespace {

// Reads a segment through a window that grows to the batch that is asked for.
class Window {
 public:
  Window(StorageFile& file, std::uint64_t file_bytes) : file_(file), file_bytes_(file_bytes) {}

  // `size` bytes at `offset`, a multiple of the block; empty beyond the end or on an error.
  std::span<const std::byte> at(std::uint64_t offset, std::uint64_t size) {
    if (offset + size > file_bytes_) {
      return {};
    }
    if (offset < start_ || offset + size > start_ + filled_) {
      constexpr std::uint64_t kWindowBytes = 1u << 20;
      const std::uint64_t wanted =
          std::min(std::max(padded_block(size), kWindowBytes), file_bytes_ - offset);
      if (buffer_.bytes().size() < wanted) {
        buffer_ = BlockBuffer(static_cast<std::size_t>(wanted));
      }
      // A place that cannot be read is no reason not to read what lies before it.
      if (!fill(offset, wanted) && !fill(offset, padded_block(size))) {
        return {};
      }
    }
    return std::span<const std::byte>(buffer_.bytes())
        .subspan(static_cast<std::size_t>(offset - start_), static_cast<std::size_t>(size));
  }
  int error() const { return error_; }

 private:
  bool fill(std::uint64_t offset, std::uint64_t size) {
    error_ = file_.read(offset, buffer_.bytes().first(static_cast<std::size_t>(size)));
    start_ = offset;
    filled_ = error_ == 0 ? size : 0;
    return error_ == 0;
  }

  StorageFile& file_;
  const std::uint64_t file_bytes_;
  BlockBuffer buffer_{kBlockBytes};
  std::uint64_t start_ = 0;
  std::uint64_t filled_ = 0;
  int error_ = 0;
};

struct Batch {
  BatchHeader header{};
  std::span<const std::byte> payload;
};

class Scanner {
 public:
  Scanner(Storage& storage, const ScanOptions& options, RecordSink* sink)
      : storage_(storage), options_(options), sink_(sink) {}

  ScanResult run() {
    if (options_.manifest != nullptr) {
      result_.manifest = *options_.manifest;
    } else {
      result_.error = read_manifest(storage_, &result_.manifest);
    }
    if (result_.error == EBADMSG) {
      result_.error = 0;
      corrupt(0, 0, "the manifest is damaged");
    }
    if (result_.error != 0 || result_.end == JournalEnd::corrupt) {
      result_.detail = result_.error == ENOENT ? "there is no manifest" : result_.detail;
      return std::move(result_);
    }
    result_.end_lsn = result_.manifest.first_lsn;
    result_.end_crc = result_.manifest.previous_crc;
    result_.first_lsns.resize(result_.manifest.entries.size());
    result_.first_crcs.resize(result_.manifest.entries.size());
    if (options_.sync_first && !sync_all()) {
      return std::move(result_);
    }
    for (std::size_t i = 0; i < result_.manifest.entries.size() && segment(i); ++i) {
    }
    return std::move(result_);
  }

 private:
  const ManifestEntry& entry(std::size_t index) const { return result_.manifest.entries[index]; }
  std::uint64_t segment_bytes() const { return result_.manifest.segment_bytes; }

  bool corrupt(std::uint64_t file_number, std::uint64_t offset, const char* detail) {
    if (result_.end != JournalEnd::corrupt) {
      result_.end = JournalEnd::corrupt;
      result_.file_number = file_number;
      result_.offset = offset;
      result_.detail = detail;
    }
    return false;
  }
  // What is damaged is left out.
  bool goes_on() const { return options_.salvage && result_.end == JournalEnd::corrupt; }
  bool unreadable(int error, const char* detail) {
    result_.error = error;
    result_.detail = detail;
    return false;
  }

  bool sync_all() {
    for (const ManifestEntry& each : result_.manifest.entries) {
      std::unique_ptr<StorageFile> file;
      int error = storage_.open(segment_name(each.file_number), StorageUse::read, &file);
      if (error == ENOENT) {
        return corrupt(each.file_number, 0, "a segment of the manifest is missing");
      }
      error = error != 0 ? error : file->sync();
      if (error != 0) {
        return unreadable(error, "a segment could not be synced");
      }
    }
    const int error = storage_.sync_directory();
    return error == 0 || unreadable(error, "the directory could not be synced");
  }

  // Opens the segment and checks that it is the one that the manifest means.
  bool open(std::size_t index, std::unique_ptr<StorageFile>* file) {
    const ManifestEntry& wanted = entry(index);
    std::uint64_t size = 0;
    int error = storage_.open(segment_name(wanted.file_number), StorageUse::read, file);
    if (error == ENOENT) {
      return corrupt(wanted.file_number, 0, "a segment of the manifest is missing");
    }
    error = error != 0 ? error : (*file)->size(&size);
    if (error != 0) {
      return unreadable(error, "a segment cannot be opened");
    }
    if (size != segment_bytes()) {
      corrupt(wanted.file_number, 0, "a segment has not the size it was made with");
      return goes_on();
    }
    const BlockBuffer block(kBlockBytes);
    error = (*file)->read(0, block.bytes());
    if (error != 0) {
      return unreadable(error, "a segment cannot be read");
    }
    SegmentHeader found{};
    std::memcpy(&found, block.bytes().data(), sizeof found);
    error = check_segment_header(found, segment_header(result_.manifest, wanted));
    if (error == EPROTO) {
      return unreadable(error, "a segment is of a version that is not known");
    }
    return error == 0 || corrupt(wanted.file_number, 0, "a segment is not the one it should be") ||
           goes_on();
  }

  // A batch that was written at this place in this use of the file, whole.
  bool valid(Window& window, const ManifestEntry& segment, std::uint64_t offset, Batch* batch) {
    const std::span<const std::byte> head = window.at(offset, kBlockBytes);
    if (head.empty()) {
      return false;
    }
    BatchHeader& header = batch->header;
    std::memcpy(&header, head.data(), sizeof header);
    if (header.magic != kBatchMagic || header.header_bytes != sizeof header ||
        header.generation != segment.generation || header.offset != offset) {
      return false;
    }
    const std::uint64_t size = sizeof header + std::uint64_t{header.payload_bytes};
    const std::span<const std::byte> whole = window.at(offset, size);
    if (whole.empty()) {
      return false;
    }
    batch->payload = whole.subspan(sizeof header);
    return batch_crc(header, batch->payload) == header.crc;
  }

  bool follows(const BatchHeader& header) const {
    return header.first_lsn == result_.end_lsn && header.previous_crc == result_.end_crc &&
           header.epoch >= epoch_ && header.durable_lsn <= header.first_lsn;
  }

  // False: the scan ends here.
  bool segment(std::size_t index) {
    std::unique_ptr<StorageFile> file;
    if (!open(index, &file)) {
      return goes_on();
    }
    const ManifestEntry& here = entry(index);
    result_.end_segment = index;
    result_.first_lsns[index] = result_.end_lsn;
    result_.first_crcs[index] = result_.end_crc;
    Window window(*file, segment_bytes());
    std::uint64_t offset = kBlockBytes;
    while (offset < segment_bytes() && (here.end_lsn == 0 || result_.end_lsn < here.end_lsn)) {
      Batch batch;
      if (!valid(window, here, offset, &batch) || !follows(batch.header)) {
        if (window.error() != 0 && !options_.salvage) {
          return unreadable(window.error(), "a segment cannot be read");
        }
        if (window.error() != 0) {
          corrupt(here.file_number, offset, "a segment cannot be read");
        }
        if (!bad_place(index, window, &offset, &batch)) {
          return goes_on();
        }
      }
      if (!deliver(index, offset, batch)) {
        return false;
      }
      offset += padded_block(sizeof(BatchHeader) + batch.payload.size());
      if ((batch.header.flags & kBatchSeal) != 0) {
        break;
      }
    }
    if (here.end_lsn != 0 && result_.end_lsn == here.end_lsn) {
      result_.end_crc = here.end_crc;  // whatever lies behind the cut
    }
    mark_end(index, offset);
    return true;
  }

  void mark_end(std::size_t index, std::uint64_t offset) {
    if (result_.end != JournalEnd::corrupt) {
      result_.file_number = entry(index).file_number;
      result_.offset = offset;
    }
  }

  // At `offset` there is not what should come next. True: salvage goes on with *batch at *offset.
  bool bad_place(std::size_t index, Window& window, std::uint64_t* offset, Batch* batch) {
    const ManifestEntry& here = entry(index);
    BatchHeader found{};
    const std::span<const std::byte> block = window.at(*offset, kBlockBytes);
    if (!block.empty()) {
      std::memcpy(&found, block.data(), sizeof found);
    }
    const bool half_written = found.magic == kBatchMagic && found.generation == here.generation &&
                              found.offset == *offset;
    mark_end(index, *offset);
    const std::uint64_t beyond = confirmed_beyond(index, window, *offset);
    if (here.end_lsn > result_.end_lsn || beyond > result_.end_lsn) {
      result_.lost_to_lsn = std::max({result_.lost_to_lsn, here.end_lsn, beyond});
      corrupt(here.file_number, *offset, "confirmed records are damaged");
    }
    if (goes_on()) {
      return next_valid(window, here, offset, batch);
    }
    if (result_.end == JournalEnd::clean) {
      result_.end = half_written || seen_beyond_ ? JournalEnd::torn : JournalEnd::clean;
    }
    return false;
  }

  // The highest durable_lsn of valid batches behind this place.
  std::uint64_t confirmed_beyond(std::size_t index, Window& window, std::uint64_t offset) {
    std::uint64_t highest = beyond_in(window, entry(index), offset + kBlockBytes);
    for (std::size_t i = index + 1; i < result_.manifest.entries.size(); ++i) {
      std::unique_ptr<StorageFile> file;
      if (open(i, &file)) {
        Window other(*file, segment_bytes());
        highest = std::max(highest, beyond_in(other, entry(i), kBlockBytes));
      }
    }
    return highest;
  }

  std::uint64_t beyond_in(Window& window, const ManifestEntry& segment, std::uint64_t offset) {
    std::uint64_t highest = 0;
    for (Batch batch; next_valid(window, segment, &offset, &batch); offset += kBlockBytes) {
      highest = std::max(highest, batch.header.durable_lsn);
      seen_beyond_ = true;
    }
    return highest;
  }

  // The next valid batch that is not older than what was read.
  bool next_valid(Window& window,
                  const ManifestEntry& segment,
                  std::uint64_t* offset,
                  Batch* batch) {
    for (; *offset < segment_bytes(); *offset += kBlockBytes) {
      if (valid(window, segment, *offset, batch) && batch->header.first_lsn >= result_.end_lsn) {
        return true;
      }
    }
    return false;
  }

  bool deliver(std::size_t index, std::uint64_t offset, const Batch& batch) {
    const std::uint64_t file_number = entry(index).file_number;
    if (sink_ != nullptr && !sink_->batch(batch.header, file_number)) {
      return corrupt(file_number, offset, "a batch makes no sense");
    }
    std::span<const std::byte> rest = batch.payload;
    std::uint64_t lsn = batch.header.first_lsn;
    for (std::uint32_t i = 0; i < batch.header.record_count; ++i, ++lsn) {
      RecordView record;
      if (!read_record(rest, &record)) {
        return corrupt(file_number, offset, "a record is longer than its batch");
      }
      rest = rest.subspan(padded_record(record.header.bytes));
      record.lsn = lsn;
      count(index, &record);
      if (sink_ != nullptr && !sink_->record(record)) {
        return corrupt(file_number, offset, "a record makes no sense");
      }
    }
    if (!rest.empty()) {
      return corrupt(file_number, offset, "a batch is longer than its records");
    }
    result_.end_lsn = lsn;
    result_.end_crc = batch.header.crc;
    epoch_ = batch.header.epoch;
    result_.records += batch.header.record_count;
    result_.batches += 1;
    result_.bytes += padded_block(sizeof(BatchHeader) + batch.payload.size());
    result_.closed = (batch.header.flags & kBatchClose) != 0;
    return true;
  }

  void count(std::size_t index, RecordView* record) {
    if (record->type() == RecordType::queue) {
      return;
    }
    ScannedSource& source = result_.sources[record->source()];
    source.positions_end = std::max(source.positions_end, record->header.position + 1);
    if (record->type() == RecordType::mark) {
      return;
    }
    if (source.boundaries.empty() || source.boundaries.back().segment != index) {
      source.boundaries.push_back({source.records, index});
    }
    record->sequence = source.records++;
  }

  Storage& storage_;
  const ScanOptions& options_;
  RecordSink* const sink_;
  ScanResult result_;
  std::uint32_t epoch_ = 0;
  bool seen_beyond_ = false;
};

}  // namespace

std::uint32_t batch_crc(BatchHeader header, std::span<const std::byte> payload) {
  header.crc = 0;
  return crc32c(payload, crc32c(std::as_bytes(std::span(&header, 1))));
}

ScanResult scan_journal(Storage& storage, const ScanOptions& options, RecordSink* sink) {
  return Scanner(storage, options, sink).run();
}

}  // namespace laneway::engine

#include "tools/journal/journal_copy.hpp"

#include <algorithm>
#include <cstring>

namespace laneway::journal_tool {

using engine::BatchBuilder;
using engine::BatchHeader;
using engine::BlockBuffer;
using engine::kBlockBytes;
using engine::ManifestEntry;
using engine::RecordHeader;

namespace {

constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20;

}  // namespace

JournalCopy::JournalCopy(engine::Storage& storage, const engine::Manifest& model)
    : storage_(storage), batch_(kBatchBytes) {
  manifest_.store_id[0] = model.store_id[0];
  manifest_.store_id[1] = model.store_id[1];
  manifest_.segment_bytes = model.segment_bytes;
  manifest_.epoch = model.epoch;
  batch_.clear();
}

int JournalCopy::add(const RecordHeader& header, std::span<const std::byte> body) {
  const std::size_t bytes = engine::padded_record(header.bytes);
  // As large as a batch of the engine may be, so that it fits a segment of any size.
  const std::uint64_t most = std::min<std::uint64_t>(kBatchBytes, manifest_.segment_bytes / 4);
  if (!batch_.empty() && (!batch_.fits(bytes) || batch_.disk_bytes() + bytes > most)) {
    if (const int error = flush(); error != 0) {
      return error;
    }
  }
  if (!batch_.fits(bytes)) {
    batch_.grow(bytes);
  }
  const std::span<std::byte> place = batch_.add(bytes);
  std::memset(place.data(), 0, place.size());
  std::memcpy(place.data(), &header, sizeof header);
  if (!body.empty()) {
    std::memcpy(place.data() + sizeof header, body.data(), body.size());
  }
  return 0;
}

int JournalCopy::finish() {
  int error = batch_.empty() ? 0 : flush();
  error = error != 0 || file_ == nullptr ? error : seal(engine::kBatchSeal | engine::kBatchClose);
  error = error != 0 ? error : storage_.sync_directory();
  return error != 0 ? error : write_manifest(storage_, manifest_);
}

int JournalCopy::flush() {
  const std::uint64_t end = manifest_.segment_bytes - kBlockBytes;  // the last block is the seal's
  if (file_ == nullptr || offset_ + batch_.disk_bytes() > end) {
    int error = file_ == nullptr ? 0 : seal(engine::kBatchSeal);
    error = error != 0 ? error : begin_segment();
    if (error != 0) {
      return error;
    }
  }
  const int error = write(batch_, 0);
  batch_.clear();
  return error;
}

int JournalCopy::seal(std::uint16_t flags) {
  BatchBuilder empty(kBlockBytes);
  empty.clear();
  const int error = write(empty, flags);
  return error != 0 ? error : file_->sync();
}

int JournalCopy::begin_segment() {
  const std::uint64_t number = manifest_.entries.size() + 1;
  // Must differ from one to the next; nothing of an earlier use is in these files.
  const ManifestEntry entry{number, manifest_.store_id[0] + number, lsn_, 0, 0, 0};
  const engine::SegmentHeader header = engine::segment_header(manifest_, entry);
  BlockBuffer piece(kPieceBytes);
  const std::string name = engine::segment_name(number);
  int error = storage_.open(name, engine::StorageUse::create, &file_);
  for (std::uint64_t at = 0; at < manifest_.segment_bytes && error == 0; at += kPieceBytes) {
    const std::uint64_t bytes = std::min(kPieceBytes, manifest_.segment_bytes - at);
    error = file_->write(at, piece.bytes().first(static_cast<std::size_t>(bytes)));
  }
  std::memcpy(piece.bytes().data(), &header, sizeof header);
  error = error != 0 ? error : file_->write(0, piece.bytes().first(kBlockBytes));
  manifest_.entries.push_back(entry);
  offset_ = kBlockBytes;
  return error;
}

int JournalCopy::write(BatchBuilder& batch, std::uint16_t flags) {
  BatchHeader header{};
  header.flags = flags;
  header.generation = manifest_.entries.back().generation;
  header.first_lsn = lsn_;
  header.durable_lsn = lsn_;
  header.offset = static_cast<std::uint32_t>(offset_);
  header.epoch = manifest_.epoch;
  header.previous_crc = chain_;
  const std::span<const std::byte> whole = batch.finish(&header);
  const int error = file_->write(offset_, whole);
  offset_ += whole.size();
  lsn_ += batch.count();
  chain_ = header.crc;
  return error;
}

}  // namespace laneway::journal_tool

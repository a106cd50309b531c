#include "tools/journal/rebuilt_manifest.hpp"

#include "engine/journal/storage.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace laneway::journal_tool {

using engine::BatchHeader;
using engine::BlockBuffer;
using engine::kBlockBytes;
using engine::Manifest;
using engine::ManifestEntry;
using engine::SegmentHeader;

namespace {

struct FoundSegment {
  SegmentHeader header{};
  BatchHeader first{};
};

// What can be the first batch of this use of the file.
bool find_first_batch(engine::StorageFile& file, FoundSegment* segment) {
  const BlockBuffer block(kBlockBytes);
  for (std::uint64_t at = kBlockBytes; at < segment->header.segment_bytes; at += kBlockBytes) {
    if (file.read(at, block.bytes()) == 0) {
      BatchHeader& batch = segment->first;
      std::memcpy(&batch, block.bytes().data(), sizeof batch);
      if (batch.magic == engine::kBatchMagic && batch.offset == at &&
          batch.generation == segment->header.generation) {
        return true;
      }
    }
  }
  return false;
}

std::optional<FoundSegment> read_segment(engine::Storage& storage, const std::string& name) {
  std::unique_ptr<engine::StorageFile> file;
  const BlockBuffer block(kBlockBytes);
  if (storage.open(name, engine::StorageUse::read, &file) != 0 ||
      file->read(0, block.bytes()) != 0) {
    return std::nullopt;
  }
  FoundSegment found;
  SegmentHeader& header = found.header;
  std::memcpy(&header, block.bytes().data(), sizeof header);
  const bool whole = engine::check_segment_header(header, header) == 0 &&
                     header.segment_bytes <= engine::kSegmentBytesMax &&
                     engine::segment_name(header.file_number) == name;
  return whole && find_first_batch(*file, &found) ? std::optional(found) : std::nullopt;
}

}  // namespace

bool rebuild_manifest(engine::Storage& storage,
                      const std::vector<std::string>& names,
                      Manifest* manifest) {
  std::vector<FoundSegment> segments;
  for (const std::string& name : names) {
    if (const auto found = read_segment(storage, name)) {
      segments.push_back(*found);
    }
  }
  if (segments.empty()) {
    return false;
  }
  // A later open goes on at the record at which it cut the one before.
  std::sort(segments.begin(), segments.end(), [](const FoundSegment& a, const FoundSegment& b) {
    return std::pair(a.first.first_lsn, a.first.epoch) <
           std::pair(b.first.first_lsn, b.first.epoch);
  });
  const FoundSegment& oldest = segments.front();
  manifest->store_id[0] = oldest.header.store_id[0];
  manifest->store_id[1] = oldest.header.store_id[1];
  manifest->segment_bytes = oldest.header.segment_bytes;
  manifest->first_lsn = oldest.first.first_lsn;
  manifest->previous_crc = oldest.first.previous_crc;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    manifest->epoch = std::max(manifest->epoch, segments[i].first.epoch);
    ManifestEntry entry{};
    entry.file_number = segments[i].header.file_number;
    entry.generation = segments[i].header.generation;
    if (i + 1 < segments.size()) {
      entry.end_lsn = segments[i + 1].first.first_lsn;
      entry.end_crc = segments[i + 1].first.previous_crc;
    }
    manifest->entries.push_back(entry);
  }
  return true;
}

}  // namespace laneway::journal_tool

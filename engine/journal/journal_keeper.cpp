// Floor 2. Journal: the keeper's part.
#include "engine/journal/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace laneway::engine {

namespace {

// A piece this size does not show in the writer's latency.
constexpr std::uint64_t kPieceBytes = std::uint64_t{128} << 10;
// What it takes to end a message: a settle, and some grants and retries before it.
constexpr std::uint64_t kEndingBytes = 128;
// Used segments may hold twice what lives, less what is kept for its end, and this many more.
constexpr std::uint64_t kUsedSlack = 2;
constexpr std::uint64_t kPreparedMin = 2;
// Files kept for the next segments; others go.
constexpr std::size_t kSparesMax = 1;

}  // namespace

int Journal::save_manifest() {
  const std::lock_guard lock(manifest_mutex_);
  Manifest manifest = manifest_;
  table_.fill(&manifest);
  return write_manifest(*storage_, manifest);
}

Journal::Keep Journal::keep() {
  if (failed() != 0) {
    return Keep::idle;
  }
  if (started_.read()) {
    if (const Keep retired = retire_one(); retired != Keep::idle) {
      return retired;
    }
    set_relocation();
  }
  const SegmentTable::Counts counts = table_.counts();
  if (counts.prepared < prepared_wanted()) {
    const Keep made = make_piece();
    look_at_room();
    return made;
  }
  full_.set(false);
  admits_.set(true);
  if (spares_.size() > kSparesMax) {
    (void)storage_->unlink(segment_name(spares_.back()));
    spares_.pop_back();
    return Keep::busy;
  }
  return Keep::idle;
}

// The writer needs one; those that end what lives must find room when nothing more can be made.
std::uint64_t Journal::prepared_wanted() const {
  const std::uint64_t ending = table_.counts().live_records * kEndingBytes;
  return kPreparedMin + ending / (manifest_.segment_bytes - 2 * kBlockBytes);
}

void Journal::look_at_room() {
  admits_.set(table_.counts().prepared + 1 >= prepared_wanted());
}

Journal::Keep Journal::blocked(int error) {
  (void)error;
  full_.set(table_.counts().prepared + 1 < prepared_wanted());
  return Keep::blocked;
}

Journal::Keep Journal::retire_one() {
  const std::optional<ManifestEntry> oldest = table_.retire();
  if (oldest) {
    retired_.push_back(oldest->file_number);
  }
  if (retired_.empty()) {
    return Keep::idle;
  }
  // Its file is free only when no manifest can name it any more.
  if (const int error = save_manifest(); error != 0) {
    return blocked(error);
  }
  spares_.insert(spares_.end(), retired_.begin(), retired_.end());
  retired_.clear();
  return Keep::busy;
}

// One piece of the next segment: a spare as it is, or a new file that is written once, so that
// later writes change no metadata.
Journal::Keep Journal::make_piece() {
  if (!making_) {
    Making making{};
    const bool spare = !spares_.empty();
    const SegmentTable::Counts counts = table_.counts();
    // One that ended with its last segment needs another to move what lives out of the oldest.
    const std::uint64_t most = segments_max_ + (started_.read() || counts.prepared != 0 ? 0 : 1);
    if (!spare && counts.used + counts.prepared + retired_.size() >= most) {
      return blocked(ENOSPC);
    }
    making.file_number = spare ? spares_.back() : ++files_made_;
    making.zeroed = spare ? manifest_.segment_bytes : 0;
    const std::string name = segment_name(making.file_number);
    std::unique_ptr<StorageFile> made;
    int error = spare ? 0 : storage_->open(name, StorageUse::create, &made);
    made.reset();
    error = error != 0 ? error : storage_->open(name, StorageUse::segment, &making.file);
    std::uint64_t size = 0;
    if (spare && error == 0 && making.file->size(&size) == 0 && size != manifest_.segment_bytes) {
      making.zeroed = 0;  // it was left half made
    }
    if (spare) {
      spares_.pop_back();
    }
    if (error != 0) {
      return blocked(error);
    }
    making_ = std::move(making);
    return Keep::busy;
  }
  if (making_->zeroed < manifest_.segment_bytes) {
    const std::uint64_t bytes =
        std::min<std::uint64_t>(kPieceBytes, manifest_.segment_bytes - making_->zeroed);
    const BlockBuffer zeros(static_cast<std::size_t>(bytes));
    const int error = making_->file->write(making_->zeroed, zeros.bytes());
    if (error != 0) {
      (void)storage_->unlink(segment_name(making_->file_number));
      making_.reset();
      return blocked(error);
    }
    making_->zeroed += bytes;
    return Keep::busy;
  }
  return finish_segment();
}

// In this order: the file is whole and named, the manifest lists it, the writer may have it.
Journal::Keep Journal::finish_segment() {
  Making making = std::move(*making_);
  making_.reset();
  ManifestEntry entry{making.file_number, draw(), 0, 0, 0, 0};
  const SegmentHeader header = segment_header(manifest_, entry);
  const BlockBuffer block(kBlockBytes);
  std::memcpy(block.bytes().data(), &header, sizeof header);
  int error = making.file->sync();
  error = error != 0 ? error : making.file->write_durable(0, block.bytes());
  error = error != 0 ? error : storage_->sync_directory();
  if (error != 0) {
    // A file whose sync failed once is not to be trusted again.
    (void)storage_->unlink(segment_name(making.file_number));
    return blocked(error);
  }
  table_.list(entry, std::move(making.file));
  if (error = save_manifest(); error != 0) {
    // Perhaps the manifest lists it all the same: so it stays where it is and is not used again.
    table_.drop_listed();
    return blocked(error);
  }
  table_.offer_listed();
  return Keep::busy;
}

// More is used than lives: whoever lives in the oldest segment is to be told again.
void Journal::set_relocation() {
  const SegmentTable::Counts counts = table_.counts();
  const std::uint64_t payload = manifest_.segment_bytes - 2 * kBlockBytes;
  const std::uint64_t twice = 2 * counts.live_bytes / manifest_.segment_bytes;
  const std::uint64_t kept = prepared_wanted() - kPreparedMin;
  // Closer to what lives than this, everything would be told again and again.
  const std::uint64_t least = counts.live_bytes / payload * 5 / 4;
  const std::uint64_t enough = std::max(twice - std::min(twice, kept), least) + kUsedSlack;
  const std::lock_guard lock(outboxes_mutex_);
  for (const auto& outbox : outboxes_) {
    // Asked first: what becomes durable later may lie elsewhere.
    const std::uint64_t durable = outbox->durable();
    const std::uint64_t end = counts.used > enough ? table_.oldest_end(outbox->place_) : 0;
    // What has been told again meanwhile is not told a third time.
    outbox->relocate_below_.set(std::min(durable, end));
  }
}

}  // namespace laneway::engine

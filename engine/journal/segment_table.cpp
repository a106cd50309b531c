#include "engine/journal/segment_table.hpp"

#include "engine/base/assert.hpp"

#include <algorithm>
#include <utility>

namespace laneway::engine {

void SegmentTable::restore(const ScanResult& scan) {
  const std::lock_guard lock(mutex_);
  next_lsn_ = scan.end_lsn;
  next_crc_ = scan.end_crc;
  for (std::size_t i = 0; i <= scan.end_segment && i < scan.manifest.entries.size(); ++i) {
    Segment segment;
    segment.entry = scan.manifest.entries[i];
    segment.entry.first_lsn = scan.first_lsns[i];
    if (i == scan.end_segment) {
      segment.entry.end_lsn = scan.end_lsn;  // nobody reads past it any more
      segment.entry.end_crc = scan.end_crc;
    }
    segment.first_crc = scan.first_crcs[i];
    if (i != scan.end_segment || segment.entry.first_lsn != scan.end_lsn) {
      segment.ordinal = ordinals_++;  // its index, by which the scan knows it
      used_.push_back(std::move(segment));
    }
  }
  for (const auto& [id, scanned] : scan.sources) {
    Source& source = sources_[id];
    source.boundaries.assign(scanned.boundaries.begin(), scanned.boundaries.end());
  }
}

SegmentTable::Source& SegmentTable::source(SourceId id) {
  const std::lock_guard lock(mutex_);
  return sources_[id];
}

SegmentTable::Segment& SegmentTable::home(const Source& source, std::uint64_t sequence) {
  const auto after = std::upper_bound(
      source.boundaries.begin(), source.boundaries.end(), sequence,
      [](std::uint64_t value, const SegmentBoundary& each) { return value < each.first_sequence; });
  LANEWAY_CHECK(after != source.boundaries.begin());
  const std::uint64_t ordinal = std::prev(after)->segment;
  LANEWAY_CHECK(ordinal >= used_.front().ordinal);
  return used_[static_cast<std::size_t>(ordinal - used_.front().ordinal)];
}

void SegmentTable::adopt(SourceId id, std::uint64_t sequence, std::uint32_t bytes) {
  const std::lock_guard lock(mutex_);
  ++home(sources_[id], sequence).live;
  ++live_records_;
  live_bytes_ += bytes;
}

std::optional<SegmentTable::Taken> SegmentTable::take(std::uint64_t first_lsn,
                                                      std::uint32_t chain) {
  const std::lock_guard lock(mutex_);
  if (prepared_.empty()) {
    return std::nullopt;
  }
  Segment segment = std::move(prepared_.front());
  prepared_.pop_front();
  segment.entry.first_lsn = first_lsn;
  segment.first_crc = chain;
  segment.ordinal = ordinals_++;
  Taken taken{segment.entry, std::move(segment.file)};
  used_.push_back(std::move(segment));
  writing_ = true;
  return taken;
}

void SegmentTable::cut(std::uint64_t end_lsn, std::uint32_t chain) {
  const std::lock_guard lock(mutex_);
  used_.back().entry.end_lsn = end_lsn;
  used_.back().entry.end_crc = chain;
}

bool SegmentTable::frees_oldest(std::span<const Entry> entries) const {
  const std::lock_guard lock(mutex_);
  if (used_.size() < 2) {
    return false;
  }
  const auto in_oldest = [this](const Entry& entry) {
    const auto& boundaries = entry.source->boundaries;
    return entry.change == Change::closes && !boundaries.empty() &&
           boundaries.front().segment == used_.front().ordinal &&
           (boundaries.size() == 1 || entry.sequence < boundaries[1].first_sequence);
  };
  const auto closed = std::count_if(entries.begin(), entries.end(), in_oldest);
  return closed != 0 && static_cast<std::uint64_t>(closed) >= used_.front().live;
}

void SegmentTable::apply(std::span<const Entry> entries) {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries) {
    apply(entry);
  }
}

void SegmentTable::apply(const Entry& entry) {
  auto& boundaries = entry.source->boundaries;
  Segment& current = used_.back();
  if (entry.change == Change::follows) {
    if (boundaries.empty() || boundaries.back().segment != current.ordinal) {
      boundaries.push_back({entry.sequence, current.ordinal});
    }
    return;
  }
  if (entry.change == Change::opens) {
    ++current.live;
    ++live_records_;
    live_bytes_ += entry.bytes;
    return;
  }
  Segment& segment = home(*entry.source, entry.sequence);
  LANEWAY_CHECK(segment.live > 0);
  --segment.live;
  --live_records_;
  live_bytes_ -= entry.bytes;
}

std::optional<ManifestEntry> SegmentTable::retire() {
  const std::lock_guard lock(mutex_);
  const std::size_t full = used_.size() - (writing_ ? 1 : 0);
  if (full == 0 || used_.front().live != 0) {
    return std::nullopt;
  }
  const ManifestEntry entry = used_.front().entry;
  used_.pop_front();
  const std::uint64_t oldest = used_.empty() ? ordinals_ : used_.front().ordinal;
  for (auto& [id, source] : sources_) {
    while (!source.boundaries.empty() && source.boundaries.front().segment < oldest) {
      source.boundaries.pop_front();
    }
  }
  return entry;
}

void SegmentTable::list(const ManifestEntry& entry, std::unique_ptr<StorageFile> file) {
  const std::lock_guard lock(mutex_);
  listed_ = std::make_unique<Segment>();
  listed_->entry = entry;
  listed_->file = std::move(file);
}

void SegmentTable::offer_listed() {
  const std::lock_guard lock(mutex_);
  prepared_.push_back(std::move(*listed_));
  listed_.reset();
}

void SegmentTable::drop_listed() {
  const std::lock_guard lock(mutex_);
  listed_.reset();
}

void SegmentTable::fill(Manifest* manifest) const {
  const std::lock_guard lock(mutex_);
  manifest->entries.clear();
  manifest->first_lsn = used_.empty() ? next_lsn_ : used_.front().entry.first_lsn;
  manifest->previous_crc = used_.empty() ? next_crc_ : used_.front().first_crc;
  for (const Segment& segment : used_) {
    manifest->entries.push_back(segment.entry);
  }
  for (const Segment& segment : prepared_) {
    manifest->entries.push_back(segment.entry);
  }
  if (listed_) {
    manifest->entries.push_back(listed_->entry);
  }
}

std::uint64_t SegmentTable::oldest_end(const Source& source) const {
  const std::lock_guard lock(mutex_);
  const auto& boundaries = source.boundaries;
  // The segment that is being written is nobody's past.
  if (boundaries.empty() || used_.size() < 2 ||
      boundaries.front().segment != used_.front().ordinal) {
    return 0;
  }
  return boundaries.size() > 1 ? boundaries[1].first_sequence : ~std::uint64_t{0} >> 1;
}

SegmentTable::Counts SegmentTable::counts() const {
  const std::lock_guard lock(mutex_);
  return {used_.size(), prepared_.size(), live_records_, live_bytes_};
}

}  // namespace laneway::engine

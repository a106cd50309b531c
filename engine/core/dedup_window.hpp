// Floor 2. DedupWindow: which message came with which dedup id, for a time and in bounded memory: a
// ring of the newest ids, oldest first out, and a table from their hashes. Ids are compared whole.
// Complexity: O(1) expected.
#pragma once

#include "engine/base/limits.hpp"
#include "engine/core/probe_table.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace laneway::engine {

class DedupWindow {
 public:
  struct Entry {
    std::uint64_t position;
    std::int64_t until_ns;
    std::uint32_t hash;
    std::uint8_t bytes;
    char id[kDedupIdBytesMax];

    std::string_view view() const { return {id, bytes}; }
  };

  static std::size_t table_entries(std::size_t ids) {
    return std::bit_ceil(std::max<std::size_t>(ids, 1) * 2);
  }

  // Zeroed memory; the table is as large as table_entries says.
  DedupWindow(std::span<Entry> entries, std::span<ProbeTable::Entry> table, std::int64_t window_ns)
      : entries_(entries), table_(table), window_ns_(window_ns) {}

  // Position of the message that came with this id, or 0.
  std::uint64_t find(std::string_view id, std::uint32_t hash, std::int64_t now_ns) const {
    const std::uint32_t link = table_.find(hash, [&](std::uint32_t value) {
      const Entry& entry = entries_[value - 1];
      return entry.until_ns > now_ns && entry.view() == id;
    });
    return link == 0 ? 0 : entries_[link - 1].position;
  }

  // After find answered 0. True: an id had to go before its time.
  bool add(std::string_view id, std::uint32_t hash, std::uint64_t position, std::int64_t now_ns) {
    LANEWAY_ASSERT(id.size() <= kDedupIdBytesMax);
    bool early = false;
    // Two for one, so that old ones do not stay.
    for (int i = 0; i < 2 && count_ != 0 && entries_[oldest_].until_ns <= now_ns; ++i) {
      forget_oldest();
    }
    if (count_ == entries_.size()) {
      early = entries_[oldest_].until_ns > now_ns;
      forget_oldest();
    }
    const std::size_t place = (oldest_ + count_++) % entries_.size();
    Entry& entry = entries_[place];
    entry.position = position;
    entry.until_ns = now_ns + window_ns_;
    entry.hash = hash;
    entry.bytes = static_cast<std::uint8_t>(id.size());
    std::copy(id.begin(), id.end(), entry.id);
    table_.insert(hash, static_cast<std::uint32_t>(place) + 1);
    return early;
  }

 private:
  void forget_oldest() {
    table_.erase(entries_[oldest_].hash, static_cast<std::uint32_t>(oldest_) + 1);
    oldest_ = (oldest_ + 1) % entries_.size();
    --count_;
  }

  std::span<Entry> entries_;
  ProbeTable table_;
  std::int64_t window_ns_;
  std::size_t oldest_ = 0;
  std::size_t count_ = 0;
};

}  // namespace laneway::engine

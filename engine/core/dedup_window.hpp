// Floor 2. DedupWindow: which message came with which dedup id, for a time and in bounded memory: a
// ring of the newest ids, oldest first out, and a table from their hashes. Ids are compared whole.
// An id has a number, rising by one, and a place in the ring. Complexity: O(1) expected.
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
    return add(entry_of(id, hash, position, now_ns + window_ns_), now_ns, [](std::uint32_t) {});
  }
  // The same with an end of its own; calls forget(place) for each id that goes.
  template <class Forget>
  bool add(const Entry& added, std::int64_t now_ns, Forget forget) {
    bool early = false;
    // Two for one, so that old ones do not stay.
    for (int i = 0; i < 2 && begin_ != end_ && entries_[oldest()].until_ns <= now_ns; ++i) {
      forget(forget_oldest());
    }
    if (end_ - begin_ == entries_.size()) {
      early = entries_[oldest()].until_ns > now_ns;
      forget(forget_oldest());
    }
    const auto place = static_cast<std::uint32_t>(end_++ % entries_.size());
    entries_[place] = added;
    table_.insert(added.hash, place + 1);
    return early;
  }
  Entry entry_of(std::string_view id,
                 std::uint32_t hash,
                 std::uint64_t position,
                 std::int64_t until_ns) const {
    LANEWAY_ASSERT(id.size() <= kDedupIdBytesMax);
    Entry entry{position, until_ns, hash, static_cast<std::uint8_t>(id.size()), {}};
    std::copy(id.begin(), id.end(), entry.id);
    return entry;
  }
  std::int64_t window_ns() const { return window_ns_; }

  // Numbers of the ids that are in the ring.
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }
  std::uint32_t place_of(std::uint64_t number) const {
    return static_cast<std::uint32_t>(number % entries_.size());
  }
  const Entry& at(std::uint32_t place) const { return entries_[place]; }
  // Is the id at this place of the ring the one of the message at this position?
  bool knows(std::uint32_t place, std::uint64_t position, std::int64_t now_ns) const {
    const Entry& entry = entries_[place];
    return entry.position == position && entry.until_ns > now_ns;
  }
  // The message at this position never was, and its id may come again. `from`: no newer number.
  void take_back(std::uint64_t position, std::uint64_t from) {
    for (std::uint64_t number = std::max(from, begin_); number < end_; ++number) {
      Entry& entry = entries_[place_of(number)];
      entry.until_ns = entry.position == position ? 0 : entry.until_ns;
    }
  }
  std::size_t size() const { return entries_.size(); }

 private:
  std::uint32_t oldest() const { return place_of(begin_); }
  std::uint32_t forget_oldest() {
    const std::uint32_t place = oldest();
    table_.erase(entries_[place].hash, place + 1);
    entries_[place].position = 0;
    ++begin_;
    return place;
  }

  std::span<Entry> entries_;
  ProbeTable table_;
  std::int64_t window_ns_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace laneway::engine

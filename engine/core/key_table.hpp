// Floor 2. KeyTable: a ProbeTable that is as small as its content. Few keys are active at a time,
// and a table that fits the cache answers without a miss. It doubles by moving a few entries with
// each insertion, so that no step pays for a growth alone, and starts anew when it is empty.
//
// While it grows, an entry is in exactly one of the two tables. Between two growths at least half
// as many insertions come as the old table has places, so it is empty long before the next.
// Complexity: O(1) expected; insert looks at no more than 8 entries of the old table.
#pragma once

#include "engine/core/probe_table.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace laneway::engine {

class KeyTable {
 public:
  // Entries of memory that a table for so many values needs: all its sizes, one after the other.
  static std::size_t entries(std::uint64_t values) { return 2 * largest(values); }

  // Zeroed memory; pages that are not needed are not touched.
  KeyTable(std::span<ProbeTable::Entry> memory, std::uint64_t values)
      : memory_(memory), largest_(largest(values)), current_(part(smallest())), size_(smallest()) {
    LANEWAY_CHECK(memory.size() >= entries(values));
  }

  // The value with this tag for which `matches(value)` holds; when there is none, puts `value` in
  // and answers 0.
  template <class Matches>
  std::uint32_t find_or_insert(std::uint32_t tag, std::uint32_t value, Matches matches) {
    if (left_ != 0 || values_ * 2 >= size_) [[unlikely]] {
      make_room();
      const std::uint32_t found = left_ != 0 ? old_.find(tag, matches) : 0;
      if (found != 0) {
        return found;
      }
    }
    const std::uint32_t found = current_.find_or_insert(tag, value, matches);
    values_ += found == 0 ? 1 : 0;
    return found;
  }

  // The value with this tag for which `matches(value)` holds, or 0.
  template <class Matches>
  std::uint32_t find(std::uint32_t tag, Matches matches) const {
    const std::uint32_t found = current_.find(tag, matches);
    return found != 0 || left_ == 0 ? found : old_.find(tag, matches);
  }

  // The value must be in the table under this tag; another one takes its place.
  void replace(std::uint32_t tag, std::uint32_t value, std::uint32_t by) {
    if (!current_.replace(tag, value, by)) {
      LANEWAY_CHECK(left_ != 0 && old_.replace(tag, value, by));
    }
  }

  // The value must be in the table under this tag.
  void erase(std::uint32_t tag, std::uint32_t value) {
    const auto is_it = [value](std::uint32_t other) { return other == value; };
    if (left_ != 0 && current_.find(tag, is_it) == 0) {
      old_.erase(tag, value);
      --left_;
    } else {
      current_.erase(tag, value);
    }
    if (--values_ == 0) {
      size_ = smallest();
      current_ = ProbeTable(part(size_));
    }
  }

  std::uint64_t size() const { return values_; }

 private:
  static constexpr std::size_t kSmallest = 512;
  static constexpr int kLooked = 8;

  static std::size_t largest(std::uint64_t values) {
    return std::bit_ceil(static_cast<std::size_t>(values) * 2);
  }
  std::size_t smallest() const { return std::min(kSmallest, largest_); }

  // The part of the memory for a table of this size: behind those of all smaller sizes.
  std::span<ProbeTable::Entry> part(std::size_t size) const { return memory_.subspan(size, size); }

  void make_room() {
    if (left_ == 0 && size_ < largest_) {
      grow();
    }
    move_some();
  }

  void grow() {
    old_ = current_;
    left_ = values_;
    cursor_ = 0;
    size_ *= 2;
    current_ = ProbeTable(part(size_));
  }

  // Erasing may shift another entry into the place under the cursor, so it stays there until the
  // place is empty.
  void move_some() {
    for (int looked = 0; looked < kLooked && left_ != 0; ++looked) {
      const ProbeTable::Entry entry = old_.at(cursor_);
      if (entry.value == 0) {
        ++cursor_;
        continue;
      }
      old_.erase(entry.tag, entry.value);
      current_.insert(entry.tag, entry.value);
      --left_;
    }
  }

  std::span<ProbeTable::Entry> memory_;
  std::size_t largest_;
  ProbeTable current_;
  ProbeTable old_ = current_;
  std::size_t size_;  // of current_
  std::size_t cursor_ = 0;
  std::uint64_t left_ = 0;  // values still in the old table
  std::uint64_t values_ = 0;
};

}  // namespace laneway::engine

// Floor 2. ProbeTable: 32-bit tags to 32-bit values, open addressing with linear probing and
// back-shift deletion, at most half full. The caller tells equal tags apart. Tags must be hashes:
// tags that follow one another make runs as long as the table is full, and erase walks a run to its
// end. Complexity: O(1) expected; a probe touches consecutive entries. Source: Knuth, TAOCP 3, 6.4,
// R.
#pragma once

#include "engine/base/assert.hpp"

#include <bit>
#include <cstdint>
#include <span>

namespace laneway::engine {

class ProbeTable {
 public:
  struct Entry {
    std::uint32_t tag;
    std::uint32_t value;  // 0: empty
  };

  // Power of two, at least twice the values that will ever be in it; zeroed.
  explicit ProbeTable(std::span<Entry> entries)
      : entries_(entries.data()), mask_(entries.size() - 1) {
    LANEWAY_CHECK(std::has_single_bit(entries.size()));
  }

  // The value with this tag for which `matches(value)` holds, or 0.
  template <class Matches>
  std::uint32_t find(std::uint32_t tag, Matches matches) const {
    for (std::size_t at = tag & mask_; entries_[at].value != 0; at = (at + 1) & mask_) {
      if (entries_[at].tag == tag && matches(entries_[at].value)) {
        return entries_[at].value;
      }
    }
    return 0;
  }

  // As find; but when there is none, puts `value` in its place and answers 0.
  template <class Matches>
  std::uint32_t find_or_insert(std::uint32_t tag, std::uint32_t value, Matches matches) {
    LANEWAY_ASSERT(value != 0);
    std::size_t at = tag & mask_;
    for (; entries_[at].value != 0; at = (at + 1) & mask_) {
      if (entries_[at].tag == tag && matches(entries_[at].value)) {
        return entries_[at].value;
      }
    }
    entries_[at] = {tag, value};
    return 0;
  }

  void insert(std::uint32_t tag, std::uint32_t value) {
    LANEWAY_ASSERT(value != 0);
    std::size_t at = tag & mask_;
    while (entries_[at].value != 0) {
      at = (at + 1) & mask_;
    }
    entries_[at] = {tag, value};
  }

  // False: the value is not in the table under this tag. Else `by` takes its place.
  bool replace(std::uint32_t tag, std::uint32_t value, std::uint32_t by) {
    std::size_t at = tag & mask_;
    for (; entries_[at].value != value; at = (at + 1) & mask_) {
      if (entries_[at].value == 0) {
        return false;
      }
    }
    entries_[at].value = by;
    return true;
  }

  // Removes a value that is in the table under this tag.
  void erase(std::uint32_t tag, std::uint32_t value) {
    std::size_t hole = tag & mask_;
    while (entries_[hole].value != value) {
      LANEWAY_ASSERT(entries_[hole].value != 0);
      hole = (hole + 1) & mask_;
    }
    // Back-shift: move up each follower that may live in the hole, until an empty entry ends the
    // run.
    for (std::size_t at = (hole + 1) & mask_; entries_[at].value != 0; at = (at + 1) & mask_) {
      const std::size_t home = entries_[at].tag & mask_;
      if (((at - home) & mask_) >= ((at - hole) & mask_)) {
        entries_[hole] = entries_[at];
        hole = at;
      }
    }
    entries_[hole].value = 0;
  }

  const Entry& at(std::size_t place) const { return entries_[place]; }

 private:
  Entry* entries_;
  std::size_t mask_;
};

}  // namespace laneway::engine

// Floor 2. RunRecords: which messages an ordered run holds. A record lives as long as the Lease of
// its run, also past its expiry: it says which slots that Lease pins.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/limits.hpp"

#include <cstdint>
#include <span>

namespace laneway::engine {

struct RunMember {
  std::uint32_t slot;
  std::uint32_t attempt;
};

struct RunRecord {
  std::uint32_t next_free;  // index + 1
  std::uint32_t size;
  RunMember members[kRunMax];
};

class RunRecords {
 public:
  explicit RunRecords(std::span<RunRecord> records) : records_(records) {}

  // Index + 1 of an empty record, or 0 when all are in use.
  std::uint32_t take() {
    std::uint32_t link = free_;
    if (link != 0) {
      free_ = records_[link - 1].next_free;
    } else if (fresh_ < records_.size()) {
      link = ++fresh_;
    } else {
      return 0;
    }
    records_[link - 1].size = 0;
    return link;
  }

  void give(std::uint32_t link) {
    LANEWAY_ASSERT(link != 0);
    records_[link - 1].next_free = free_;
    free_ = link;
  }

  RunRecord& at(std::uint32_t link) { return records_[link - 1]; }
  const RunRecord& at(std::uint32_t link) const { return records_[link - 1]; }

 private:
  std::span<RunRecord> records_;
  std::uint32_t free_ = 0;
  std::uint32_t fresh_ = 0;
};

}  // namespace laneway::engine

// Floor 2. AgeList: the messages of a shard in the order in which they came, for
// Overflow::drop_oldest. Its links lie beside the slots, so that queues without it do not pay for
// them.
#pragma once

#include "engine/base/assert.hpp"

#include <cstdint>
#include <span>

namespace laneway::engine {

class AgeList {
 public:
  // Index + 1; zeroed memory is in no list.
  struct Links {
    std::uint32_t prev;
    std::uint32_t next;
  };

  explicit AgeList(std::span<Links> links) : links_(links) {}

  bool used() const { return !links_.empty(); }
  // Index + 1 of the oldest, and of the next younger one; 0: none.
  std::uint32_t oldest() const { return oldest_; }
  std::uint32_t younger(std::uint32_t slot) const { return links_[slot].next; }

  void push(std::uint32_t slot) {
    links_[slot] = {youngest_, 0};
    (youngest_ != 0 ? links_[youngest_ - 1].next : oldest_) = slot + 1;
    youngest_ = slot + 1;
  }

  void remove(std::uint32_t slot) {
    const Links links = links_[slot];
    LANEWAY_ASSERT(links.prev != 0 || oldest_ == slot + 1);
    (links.prev != 0 ? links_[links.prev - 1].next : oldest_) = links.next;
    (links.next != 0 ? links_[links.next - 1].prev : youngest_) = links.prev;
  }

 private:
  std::span<Links> links_;
  std::uint32_t oldest_ = 0;
  std::uint32_t youngest_ = 0;
};

}  // namespace laneway::engine

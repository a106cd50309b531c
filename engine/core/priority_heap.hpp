// Floor 2. PriorityHeap: the ready messages of a shard by priority, higher first, and in the order
// in which they became ready among equals. A binary heap of slots, with ranks and places beside the
// slots, so that queues without priorities do not pay for them. push, remove: O(log n) steps;
// front: O(1).
#pragma once

#include "engine/base/assert.hpp"

#include <cstdint>
#include <span>
#include <utility>

namespace laneway::engine {

class PriorityHeap {
 public:
  // Per slot; zeroed memory is in no heap.
  struct Rank {
    std::int64_t order;
    std::int32_t priority;
    std::uint32_t place;  // in the heap + 1
  };

  // As many of both, or none.
  PriorityHeap(std::span<Rank> ranks, std::span<std::uint32_t> heap) : ranks_(ranks), heap_(heap) {}

  // Of a slot that is not in the heap.
  void set_priority(std::uint32_t slot, std::int32_t priority) {
    LANEWAY_ASSERT(ranks_[slot].place == 0);
    ranks_[slot].priority = priority;
  }

  std::int32_t priority(std::uint32_t slot) const { return ranks_[slot].priority; }

  // The first one; not for an empty heap.
  std::uint32_t front() const { return heap_[0]; }

  // Behind those of its priority, or before them.
  void push(std::uint32_t slot, bool at_front) {
    LANEWAY_ASSERT(ranks_[slot].place == 0);
    ranks_[slot].order = at_front ? --first_ : ++last_;
    put(slot, size_++);
    rise(size_ - 1);
  }

  void remove(std::uint32_t slot) {
    LANEWAY_ASSERT(ranks_[slot].place != 0);
    const std::uint32_t place = ranks_[slot].place - 1;
    const std::uint32_t moved = heap_[--size_];
    ranks_[slot].place = 0;
    if (moved != slot) {
      put(moved, place);
      rise(place);
      sink(ranks_[moved].place - 1);
    }
  }

 private:
  void put(std::uint32_t slot, std::uint32_t place) {
    heap_[place] = slot;
    ranks_[slot].place = place + 1;
  }

  bool before(std::uint32_t a, std::uint32_t b) const {
    const Rank& first = ranks_[heap_[a]];
    const Rank& second = ranks_[heap_[b]];
    return first.priority != second.priority ? first.priority > second.priority
                                             : first.order < second.order;
  }

  void exchange(std::uint32_t a, std::uint32_t b) {
    const std::uint32_t slot = heap_[a];
    put(heap_[b], a);
    put(slot, b);
  }

  void rise(std::uint32_t place) {
    while (place > 0 && before(place, (place - 1) / 2)) {
      exchange(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }

  void sink(std::uint32_t place) {
    for (;;) {
      std::uint32_t first = place;
      for (std::uint32_t child = 2 * place + 1; child <= 2 * place + 2; ++child) {
        first = child < size_ && before(child, first) ? child : first;
      }
      if (first == place) {
        return;
      }
      exchange(place, first);
      place = first;
    }
  }

  std::span<Rank> ranks_;
  std::span<std::uint32_t> heap_;
  std::uint32_t size_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace laneway::engine

// Floor 2. SlotList: a FIFO of slots linked through list_prev and list_next; any member can be
// taken out. Serves as ready list and as list of dead letters. The first one's list_prev is not
// kept up to date, so that taking it out does not touch the second.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/core/slot.hpp"

#include <cstdint>
#include <span>

namespace laneway::engine {

class SlotList {
 public:
  explicit SlotList(std::span<Slot> slots) : slots_(slots.data()) {}

  bool empty() const { return size_ == 0; }
  std::uint64_t size() const { return size_; }
  // The first slot; not for an empty list.
  std::uint32_t front() const { return head_ - 1; }
  // Index + 1 of the member after this one, 0 at the end.
  std::uint32_t link_after(std::uint32_t slot) const { return slots_[slot].list_next; }

  void push_back(std::uint32_t slot) {
    slots_[slot].list_prev = tail_;
    slots_[slot].list_next = 0;
    (tail_ != 0 ? slots_[tail_ - 1].list_next : head_) = slot + 1;
    tail_ = slot + 1;
    ++size_;
  }

  void push_front(std::uint32_t slot) {
    slots_[slot].list_next = head_;
    (head_ != 0 ? slots_[head_ - 1].list_prev : tail_) = slot + 1;
    head_ = slot + 1;
    ++size_;
  }

  // Takes the first one out.
  std::uint32_t pop_front() {
    LANEWAY_ASSERT(size_ > 0);
    const std::uint32_t slot = head_ - 1;
    head_ = slots_[slot].list_next;
    if (head_ == 0) {
      tail_ = 0;
    }
    --size_;
    return slot;
  }

  void remove(std::uint32_t slot) {
    LANEWAY_ASSERT(size_ > 0);
    const std::uint32_t prev = slot + 1 == head_ ? 0 : slots_[slot].list_prev;
    const std::uint32_t next = slots_[slot].list_next;
    (prev != 0 ? slots_[prev - 1].list_next : head_) = next;
    (next != 0 ? slots_[next - 1].list_prev : tail_) = prev;
    --size_;
  }

 private:
  Slot* slots_;
  std::uint32_t head_ = 0;  // index + 1
  std::uint32_t tail_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace laneway::engine

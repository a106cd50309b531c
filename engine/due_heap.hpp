// Floor 3. DueHeap: a binary heap of deadlines in which each member is at most once and can be
// moved. Members carry their place: a struct with `std::size_t heap_place` (0: not in the heap) and
// `std::uint64_t heap_tick`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace laneway::engine {

template <class Member>
class DueHeap {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  std::uint64_t earliest() const { return members_.empty() ? kNever : members_[0]->heap_tick; }

  // Makes room for so many more members; without that, set may allocate.
  void expect(std::size_t members) {
    expected_ += members;
    members_.reserve(expected_);
  }

  // Puts the member in, or moves it, to this tick; kNever takes it out.
  void set(Member& member, std::uint64_t tick) {
    if (tick == kNever) {
      remove(member);
      return;
    }
    member.heap_tick = tick;
    if (member.heap_place == 0) {
      members_.push_back(&member);
      member.heap_place = members_.size();
    }
    settle(member.heap_place - 1);
  }

  // The earliest member, taken out. Not for an empty heap.
  Member& pop() {
    Member& first = *members_[0];
    remove(first);
    return first;
  }

  void remove(Member& member) {
    if (member.heap_place == 0) {
      return;
    }
    const std::size_t place = member.heap_place - 1;
    exchange(place, members_.size() - 1);
    members_.pop_back();
    member.heap_place = 0;
    if (place < members_.size()) {
      settle(place);
    }
  }

 private:
  bool before(std::size_t a, std::size_t b) const {
    return members_[a]->heap_tick < members_[b]->heap_tick;
  }

  void exchange(std::size_t a, std::size_t b) {
    std::swap(members_[a], members_[b]);
    members_[a]->heap_place = a + 1;
    members_[b]->heap_place = b + 1;
  }

  void settle(std::size_t place) {
    while (place > 0 && before(place, (place - 1) / 2)) {
      exchange(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
    for (;;) {
      std::size_t first = place;
      for (std::size_t child = 2 * place + 1; child <= 2 * place + 2; ++child) {
        if (child < members_.size() && before(child, first)) {
          first = child;
        }
      }
      if (first == place) {
        return;
      }
      exchange(place, first);
      place = first;
    }
  }

  std::vector<Member*> members_;
  std::size_t expected_ = 0;
};

}  // namespace laneway::engine

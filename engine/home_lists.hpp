// Floor 3. HomeLists: in which record each message of a shard was last told whole, its home, and
// each dedup id that outlives its message. A segment of the journal is needed while there are homes
// in it, so the oldest ones are looked for: two lists, each in the order of the records. Those told
// again are younger than all that were told again before them, though not than all publishes.
#pragma once

#include <cstdint>
#include <span>

namespace laneway::engine {

class HomeLists {
 public:
  struct Home {
    std::uint64_t sequence = 0;  // number of the record among those of the shard
    std::uint64_t order = 0;     // of the message in its key; 0: has not joined yet
    std::uint32_t bytes = 0;     // of the record; 0: there is none
    std::uint32_t id = 0;        // place of its dedup id in the window, + 1; 0: it has none
  };
  struct Place {
    Home home;
    std::uint32_t next;  // index + 1
    std::uint32_t prev;
    bool relocated;
  };

  // Zeroed memory.
  explicit HomeLists(std::span<Place> places) : places_(places) {}

  Home& home(std::uint32_t index) { return places_[index].home; }
  const Home& home(std::uint32_t index) const { return places_[index].home; }

  // Told by a publish, or by an earlier life: after all that were added before. One without a
  // record is known but in no list.
  void add(std::uint32_t index, const Home& home) {
    places_[index] = {home, 0, 0, false};
    if (home.bytes != 0) {
      link(index);
    }
  }
  // Told again: younger than all others.
  void retell(std::uint32_t index, const Home& home) {
    remove(index);
    places_[index] = {home, 0, 0, true};
    link(index);
  }
  void remove(std::uint32_t index) {
    Place& place = places_[index];
    List& list = list_of(place);
    (place.prev != 0 ? places_[place.prev - 1].next : list.first) = place.next;
    (place.next != 0 ? places_[place.next - 1].prev : list.last) = place.prev;
    place.home = {};
  }
  // The home is that of another one from now on.
  void inherit(std::uint32_t from, std::uint32_t to) {
    Place& place = places_[from];
    List& list = list_of(place);
    (place.prev != 0 ? places_[place.prev - 1].next : list.first) = to + 1;
    (place.next != 0 ? places_[place.next - 1].prev : list.last) = to + 1;
    places_[to] = place;
    place.home = {};
  }

  // Index + 1 of one whose home is below this record, the oldest of its list first; 0: there is
  // none.
  std::uint32_t below(std::uint64_t sequence) const {
    for (const List& list : {told_, retold_}) {
      if (list.first != 0 && places_[list.first - 1].home.sequence < sequence) {
        return list.first;
      }
    }
    return 0;
  }

 private:
  struct List {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  List& list_of(const Place& place) { return place.relocated ? retold_ : told_; }
  void link(std::uint32_t index) {
    Place& place = places_[index];
    List& list = list_of(place);
    place.prev = list.last;
    (list.last != 0 ? places_[list.last - 1].next : list.first) = index + 1;
    list.last = index + 1;
  }

  std::span<Place> places_;
  List told_;
  List retold_;
};

}  // namespace laneway::engine

// The Lease objects of the test and their lease words: who wins a lease is decided here, as it is
// by one atomic word in the engine; the core only hears the verdict.
#pragma once

#include "engine/core/shard_core.hpp"
#include "tests/core/reference_core.hpp"
#include "tests/core/require.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace laneway::engine {

struct HeldLease {
  enum class Word : std::uint8_t {
    leased,   // the holder may still settle it
    settled,  // and its final entry is on the way
    ended,    // by the core: a zombie, until the object dies
  };

  std::uint64_t fence = 0;
  std::uint32_t slot = 0;
  std::uint32_t run = 0;
  std::uint64_t deadline_tick = 0;
  Word word = Word::leased;
  std::uint32_t prefix = 0;  // messages of the run acknowledged so far
  LeaseEnd verdict = LeaseEnd::acked;
  bool with_note = false;
  FailureNote note = {};
  std::vector<reference::Position> members = {};
  std::vector<std::uint32_t> slots = {};
};

class HeldLeases {
 public:
  HeldLease& add(HeldLease lease) {
    live_.push_back(lease.fence);
    const std::uint64_t fence = lease.fence;
    by_slot_[lease.slot] = fence;
    return all_.emplace(fence, std::move(lease)).first->second;
  }

  HeldLease& at(std::uint64_t fence) { return all_.at(fence); }
  const std::map<std::uint64_t, HeldLease>& all() const { return all_; }
  // Fences of those that may be settled, and of those that the core has ended.
  const std::vector<std::uint64_t>& live() const { return live_; }
  const std::vector<std::uint64_t>& zombies() const { return zombies_; }
  std::size_t on_the_way() const { return entries_.size(); }

  // The lease that the core knows by this slot.
  HeldLease& leased(std::uint32_t slot) {
    const auto found = by_slot_.find(slot);
    require(found != by_slot_.end(), "only slots with a lease are judged");
    return all_.at(found->second);
  }

  void settle(HeldLease& lease, LeaseEnd verdict) {
    lease.word = HeldLease::Word::settled;
    lease.verdict = verdict;
    forget(live_, lease.fence);
    entries_.push_back(lease.fence);
  }

  void end(HeldLease& lease) {
    lease.word = HeldLease::Word::ended;
    forget(live_, lease.fence);
    zombies_.push_back(lease.fence);
    by_slot_.erase(lease.slot);
  }

  void drop_zombie(std::uint64_t fence) {
    forget(zombies_, fence);
    entries_.push_back(fence);
  }

  // The oldest final entry; its Lease is gone.
  HeldLease deliver() {
    const auto found = all_.find(entries_.front());
    entries_.pop_front();
    HeldLease lease = std::move(found->second);
    all_.erase(found);
    if (lease.word == HeldLease::Word::settled) {
      by_slot_.erase(lease.slot);
    }
    return lease;
  }

 private:
  static void forget(std::vector<std::uint64_t>& fences, std::uint64_t fence) {
    const auto found = std::find(fences.begin(), fences.end(), fence);
    *found = fences.back();
    fences.pop_back();
  }

  std::map<std::uint64_t, HeldLease> all_;  // by fence
  std::map<std::uint32_t, std::uint64_t> by_slot_;
  std::vector<std::uint64_t> live_;
  std::vector<std::uint64_t> zombies_;
  std::deque<std::uint64_t> entries_;  // the returns ring
};

}  // namespace laneway::engine

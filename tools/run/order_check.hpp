// OrderCheck: watches deliveries and finds every breach of the order of keys. It knows the input's
// order from the reader, and shares nothing with the engine it checks.
//
// Allowed: the same record again after a failure or a lost lease; the next one of a key once the
// one before is finished, which is acknowledged or given up.
// Breaches: a record ahead of an earlier one of its key; a finished record again; two workers on
// one record whose settles both took effect; a record that was never finished. A delivery whose
// lease is over may begin or go on at any time: it is one whose settle does not take effect.
#pragma once

#include "tools/run/handler.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace laneway::tools {

// Any thread. Memory follows the records that are read and not finished.
class OrderCheck {
 public:
  void join(std::string_view key, std::uint64_t number);
  void begin(const Delivery& delivery);
  void settling(const Delivery& delivery, Verdict::Kind kind);
  void settled(const Delivery& delivery, bool kept);
  // Everything should be finished by now.
  void finish();

  std::uint64_t deliveries() const { return deliveries_; }
  std::uint64_t breaches() const { return breaches_; }
  // The first few, a sentence each.
  const std::vector<std::string>& stories() const { return stories_; }

 private:
  using Tickets = std::vector<std::uint64_t>;
  struct Entry {
    std::uint64_t number = 0;
    std::set<std::uint64_t> finals = {};  // settles that finish it, unless they come too late
    bool finished = false;                // one of them took effect
    Tickets working = {};                 // of those between begin and settling
    Tickets open = {};                    // of those between begin and settled
    // Of those that worked on it at the same time: with whom, and whose settle took effect.
    std::map<std::uint64_t, Tickets> rivals = {};
    std::set<std::uint64_t> kept = {};

    bool done() const { return !finals.empty(); }
  };
  using Lane = std::deque<Entry>;

  static std::string lane_name(std::string_view key, std::uint64_t number);
  Entry* find(const Delivery& delivery);
  void check_rivals(Entry& entry, const Delivery& delivery);
  void drop_done(const std::string& name);
  void breach(std::string story);

  std::mutex mutex_;
  std::unordered_map<std::string, Lane> lanes_;
  std::set<std::uint64_t> late_;  // began when their record was finished and forgotten
  std::vector<std::string> stories_;
  std::uint64_t deliveries_ = 0;
  std::uint64_t breaches_ = 0;
};

}  // namespace laneway::tools

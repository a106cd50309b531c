// SeenIds: which ids were met within a window of time.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace laneway::tools {

// One thread. Remembers at most `ids_max`; beyond that the oldest are forgotten before their time.
class SeenIds {
 public:
  using Time = std::chrono::steady_clock::time_point;

  SeenIds(std::chrono::milliseconds window, std::size_t ids_max)
      : window_(window), ids_max_(ids_max) {}

  // True: it was added less than a window before `now`, which never goes back. Else it is added.
  bool seen(std::string_view id, Time now) {
    while (!order_.empty() && order_.front().first + window_ <= now) {
      forget_oldest();
    }
    if (ids_.count(id) != 0) {
      return true;
    }
    if (order_.size() == ids_max_) {
      forget_oldest();
    }
    ids_.insert(order_.emplace_back(now, id).second);
    return false;
  }

 private:
  void forget_oldest() {
    ids_.erase(order_.front().second);
    order_.pop_front();
  }

  const std::chrono::milliseconds window_;
  const std::size_t ids_max_;
  std::deque<std::pair<Time, std::string>> order_;  // oldest first
  std::unordered_set<std::string_view> ids_;        // views of those in order_
};

}  // namespace laneway::tools

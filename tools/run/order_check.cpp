#include "tools/run/order_check.hpp"

#include "tools/run/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace laneway::tools {

namespace {

using Kind = Verdict::Kind;

constexpr std::size_t kStoriesMax = 5;

std::string named(const Delivery& delivery) {
  return fmt::format("record {} of key '{}'", delivery.number, printable(delivery.key));
}

}  // namespace

void OrderCheck::join(std::string_view key, std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  lanes_[lane_name(key, number)].push_back({.number = number});
}

void OrderCheck::begin(const Delivery& delivery) {
  const std::lock_guard lock(mutex_);
  ++deliveries_;
  Entry* entry = find(delivery);
  if (entry == nullptr) {
    late_.insert(delivery.ticket);
    return;
  }
  for (const Entry& earlier : lanes_[lane_name(delivery.key, delivery.number)]) {
    if (&earlier == entry) {
      break;
    }
    if (!earlier.done()) {
      breach(fmt::format("{} came before record {}", named(delivery), earlier.number));
      break;
    }
  }
  for (const std::uint64_t other : entry->working) {
    entry->rivals[other].push_back(delivery.ticket);
    entry->rivals[delivery.ticket].push_back(other);
  }
  entry->working.push_back(delivery.ticket);
  entry->open.push_back(delivery.ticket);
}

void OrderCheck::settling(const Delivery& delivery, Verdict::Kind kind) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(delivery);
  if (entry == nullptr) {
    return;  // late
  }
  std::erase(entry->working, delivery.ticket);
  const bool gives_up = delivery.last && (kind == Kind::retry || kind == Kind::lose);
  if (kind == Kind::ack || kind == Kind::reject || gives_up) {
    entry->finals.insert(delivery.ticket);
  }
}

void OrderCheck::settled(const Delivery& delivery, bool kept) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(delivery);
  if (late_.erase(delivery.ticket) != 0 || entry == nullptr) {
    if (kept) {
      breach(named(delivery) + " came again after it was finished");
    }
    return;
  }
  std::erase(entry->open, delivery.ticket);
  const bool finishes = entry->finals.count(delivery.ticket) != 0;
  if (kept) {
    check_rivals(*entry, delivery);
    if (finishes && std::exchange(entry->finished, true)) {
      breach(named(delivery) + " was finished twice");
    }
  } else if (delivery.last) {
    entry->finals.insert(delivery.ticket);  // the lease ran out, and with it the attempts
  } else {
    entry->finals.erase(delivery.ticket);  // too late: it comes again
  }
  drop_done(lane_name(delivery.key, delivery.number));
}

void OrderCheck::finish() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, lane] : lanes_) {
    for (const Entry& entry : lane) {
      if (!entry.done()) {
        breach(fmt::format("record {} was never finished", entry.number));
      }
    }
  }
}

// A record without a key is a lane of its own: it has no order to keep.
std::string OrderCheck::lane_name(std::string_view key, std::uint64_t number) {
  return key.empty() ? fmt::format("-{}", number) : fmt::format("+{}", key);
}

OrderCheck::Entry* OrderCheck::find(const Delivery& delivery) {
  const auto lane = lanes_.find(lane_name(delivery.key, delivery.number));
  if (lane == lanes_.end()) {
    return nullptr;
  }
  const auto entry = std::find_if(lane->second.begin(), lane->second.end(),
                                  [&](const Entry& one) { return one.number == delivery.number; });
  return entry == lane->second.end() ? nullptr : &*entry;
}

// Two leases on one record may overlap, when one of them has expired: then its settle is refused.
void OrderCheck::check_rivals(Entry& entry, const Delivery& delivery) {
  const auto rivals = entry.rivals.find(delivery.ticket);
  if (rivals == entry.rivals.end()) {
    return;
  }
  for (const std::uint64_t rival : rivals->second) {
    if (entry.kept.count(rival) != 0) {
      breach(named(delivery) + " was worked on twice at the same time");
    }
  }
  entry.kept.insert(delivery.ticket);
}

// Forgets what is finished at the front of a lane.
void OrderCheck::drop_done(const std::string& name) {
  const auto found = lanes_.find(name);
  Lane& lane = found->second;
  while (!lane.empty() && lane.front().done() && lane.front().open.empty()) {
    lane.pop_front();
  }
  if (lane.empty()) {
    lanes_.erase(found);
  }
}

void OrderCheck::breach(std::string story) {
  ++breaches_;
  if (stories_.size() < kStoriesMax) {
    stories_.push_back(std::move(story));
  }
}

}  // namespace laneway::tools

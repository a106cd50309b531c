#include "tools/run/order_check.hpp"

#include "tools/run/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace laneway::tools {

namespace {

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
    breach(named(delivery) + " came again after it was finished");
    return;
  }
  for (const Entry& earlier : lanes_[lane_name(delivery.key, delivery.number)]) {
    if (&earlier == entry) {
      break;
    }
    if (!earlier.done) {
      breach(fmt::format("{} came before record {}", named(delivery), earlier.number));
      break;
    }
  }
  for (const std::uint64_t other : entry->working) {
    entry->rivals[other].push_back(delivery.ticket);
    entry->rivals[delivery.ticket].push_back(other);
  }
  entry->done = false;
  entry->working.push_back(delivery.ticket);
  entry->open.push_back(delivery.ticket);
}

void OrderCheck::settling(const Delivery& delivery, Verdict::Kind kind) {
  using Kind = Verdict::Kind;
  const std::lock_guard lock(mutex_);
  Entry* entry = find(delivery);
  if (entry == nullptr) {
    return;  // a breach, and told as one when it began
  }
  std::erase(entry->working, delivery.ticket);
  const bool gives_up = delivery.last && (kind == Kind::retry || kind == Kind::lose);
  entry->done = kind == Kind::ack || kind == Kind::reject || gives_up;
}

void OrderCheck::settled(const Delivery& delivery, bool kept) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(delivery);
  if (entry == nullptr || entry->open.empty()) {
    return;  // it began with a breach
  }
  const bool latest = entry->open.back() == delivery.ticket;
  std::erase(entry->open, delivery.ticket);
  if (kept) {
    check_rivals(*entry, delivery);
    drop_done(lane_name(delivery.key, delivery.number));
  } else if (latest) {
    entry->done = delivery.last;  // the settle was too late: it comes again, if it may
  }
}

void OrderCheck::finish() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, lane] : lanes_) {
    for (const Entry& entry : lane) {
      if (!entry.done) {
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
  while (!lane.empty() && lane.front().done && lane.front().open.empty()) {
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

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
  const auto lane = lanes_.find(lane_name(delivery.key, delivery.number));
  if (lane != lanes_.end()) {
    drop_done(lane->second, delivery.number);
  }
  Entry* entry = find(delivery);
  if (entry == nullptr) {
    strays_.insert(delivery.ticket);
    breach(named(delivery) + " came again after it was finished");
    return;
  }
  if (lane->second.front().number != delivery.number) {
    breach(fmt::format("{} came before record {}", named(delivery), lane->second.front().number));
  }
  if (!entry->holding.empty()) {
    entry->contested.insert(entry->holding.begin(), entry->holding.end());
    entry->contested.insert(delivery.ticket);
  }
  entry->done = false;
  entry->holding.push_back(delivery.ticket);
}

void OrderCheck::settling(const Delivery& delivery, Verdict::Kind kind) {
  using Kind = Verdict::Kind;
  const std::lock_guard lock(mutex_);
  Entry* entry = find(delivery);
  if (entry == nullptr) {
    strays_.insert(delivery.ticket);
    return;
  }
  std::erase(entry->holding, delivery.ticket);
  const bool gives_up = delivery.last && (kind == Kind::retry || kind == Kind::lose);
  entry->done = kind == Kind::ack || kind == Kind::reject || gives_up;
}

void OrderCheck::settled(const Delivery& delivery, bool kept) {
  const std::lock_guard lock(mutex_);
  const bool stray = strays_.erase(delivery.ticket) != 0;
  if (!kept) {
    return;
  }
  if (stray) {
    breach(named(delivery) + " was settled after it was finished");
    return;
  }
  Entry* entry = find(delivery);
  if (entry == nullptr) {
    return;  // the next record of the key has begun, and found this one done
  }
  if (entry->contested.count(delivery.ticket) != 0) {
    if (entry->contested_kept) {
      breach(named(delivery) + " was worked on twice at the same time");
    }
    entry->contested_kept = true;
  }
  const auto lane = lanes_.find(lane_name(delivery.key, delivery.number));
  drop_done(lane->second, 0);
  if (lane->second.empty()) {
    lanes_.erase(lane);
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

// Forgets what is finished at the front of a lane, up to the record `keep`.
void OrderCheck::drop_done(Lane& lane, std::uint64_t keep) {
  while (!lane.empty() && lane.front().done && lane.front().number != keep &&
         lane.front().holding.empty()) {
    lane.pop_front();
  }
}

void OrderCheck::breach(std::string story) {
  ++breaches_;
  if (stories_.size() < kStoriesMax) {
    stories_.push_back(std::move(story));
  }
}

}  // namespace laneway::tools

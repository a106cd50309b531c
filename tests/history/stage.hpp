// Stage: the queue, and what the threads of one round share.
#pragma once

#include <laneway/queue.hpp>

#include "tools/check/event.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

namespace laneway::history {

constexpr unsigned kProducers = 2;
constexpr unsigned kConsumers = 3;
constexpr unsigned kParties = kProducers + kConsumers + 1;

// Long enough that only a lost wake-up takes it, whatever else the machine does.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kLongWait{30};

// What is drawn for a run.
struct Shape {
  explicit Shape(std::uint64_t seed) {
    using std::chrono::milliseconds;
    std::mt19937_64 random(seed);
    const auto draw = [&random](auto... values) {
      const std::uint64_t all[] = {static_cast<std::uint64_t>(values)...};
      return all[random() % sizeof...(values)];
    };
    options.capacity = draw(64, 1'024, 16'384);
    options.shards = static_cast<std::uint32_t>(draw(1, 2, 4));
    options.backoff = {milliseconds(1), milliseconds(2), milliseconds(1)};
    options.lease = milliseconds(5 + random() % 30);
    options.overflow = static_cast<Overflow>(draw(0, 0, 1, 2));
    options.block_max = milliseconds(2);
    options.priorities = draw(0, 0, 1) == 1;
    options.in_flight_max =
        static_cast<std::uint32_t>(draw(0, 0, 48));  // more than there are late leases
    // Enough for what a round publishes, so that each of its messages can be asked for.
    options.dead_letters_max = options.outcomes_remembered = std::uint64_t{1} << 20;
    keys = draw(20, 5'000);
    if (seed % 8 == 0) {
      options = {.kind = QueueKind::handoff, .capacity = options.capacity};
      keys = 0;
      return;
    }
    if (draw(0, 0, 0, 1) == 1) {
      options.kind = QueueKind::unordered;
      keys = 0;
      return;
    }
    options.run_max = static_cast<std::uint32_t>(draw(1, 1, 8));
    options.on_failure = static_cast<OnFailure>(draw(0, 0, 1));
    options.key_messages_max = draw(0, 0, 16);
  }

  bool is_handoff() const { return options.kind == QueueKind::handoff; }
  // For the judge a hand-off queue has one key: first in, first out.
  std::uint64_t key_of(std::uint64_t key) const { return is_handoff() ? 1 : key; }

  check::Rules rules() const {
    check::Rules rules;
    rules.by_key = options.kind != QueueKind::unordered;
    rules.hold = options.on_failure == OnFailure::hold;
    rules.capacity = options.capacity;
    rules.shards = std::max(options.shards, 1u);
    rules.attempts = options.attempts_max;
    rules.drops = options.overflow == Overflow::drop_oldest;
    rules.in_flight = options.in_flight_max;
    rules.key_capacity = options.key_messages_max;
    rules.patience_ns = std::chrono::nanoseconds(kPatience).count();
    return rules;
  }

  QueueOptions options;
  std::uint64_t keys = 0;
};

struct Stage {
  Stage(Queue used, const Shape& drawn, std::uint64_t wanted)
      : queue(std::move(used)), shape(drawn), operations(wanted) {}

  bool more() const { return done.load(std::memory_order_relaxed) < operations; }
  void did(std::uint64_t count) { done.fetch_add(count, std::memory_order_relaxed); }

  Queue queue;
  const Shape& shape;
  const std::uint64_t operations;
  std::atomic<std::uint64_t> done{0};  // messages accepted, settles answered
  std::atomic<unsigned> producing{kProducers};
  std::atomic<unsigned> consuming{kConsumers};
  std::atomic<bool> leaving{false};
  std::atomic<std::uint64_t> newest{0};  // an id; operators ask for it
};

// What a payload says of its message; the rest of its bytes follows from that.
struct Content {
  std::uint64_t message = 0;
  std::uint64_t key = 0;

  std::string payload() const {
    std::string bytes(sizeof *this + message % 90, static_cast<char>(message));
    std::memcpy(bytes.data(), this, sizeof *this);
    return bytes;
  }
  std::string key_text() const { return key == 0 ? std::string() : std::to_string(key); }

  static Content of(const MessageView& view) {
    Content content;
    std::memcpy(&content, view.payload.data(), std::min(view.payload.size(), sizeof content));
    return content;
  }
  bool is_what(const MessageView& view) const {
    return view.payload.text() == payload() && view.key == key_text();
  }
};

inline check::Answer answer_of(Errc code) {
  switch (code) {
    case Errc::queue_full:
      return check::Answer::full;
    case Errc::lease_lost:
      return check::Answer::lost;
    case Errc::cancelled:  // an extend that has been done all the same
      return check::Answer::ok;
    default:
      return check::Answer::refused;
  }
}

}  // namespace laneway::history

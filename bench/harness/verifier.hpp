// Verifier: what each consumer checks of each message, and what the run adds up at its end.
//
// Payload intact; order as promised (per producer for each consumer, or exactly per key); no key
// held by two consumers at once; nothing lost, nothing twice. The work is the same whatever is
// promised, only the verdict differs, so that no system is charged for its better guarantees.
#pragma once

#include "bench/harness/arrivals.hpp"
#include "bench/harness/element.hpp"
#include "bench/harness/feed.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace laneway::bench {

enum class OrderPromise { none, per_producer, per_key };

// One small word per key: the next sequence number that may come, modulo 2^31, and whether a
// consumer holds the key. Loads and stores are apart: a system that lets two consumers in is caught
// sooner or later, and one that does not pays two plain moves.
class KeyLedger {
 public:
  explicit KeyLedger(std::uint32_t keys) : words_(keys) {}

  // False when the key is held by somebody else, or the message comes too late.
  bool begin(std::uint64_t key_index, std::uint64_t sequence) {
    std::atomic<std::uint32_t>& word = words_[key_index];
    const std::uint32_t before = word.load(std::memory_order_relaxed);
    const auto after = static_cast<std::uint32_t>(sequence + 1) & ~kHeld;
    word.store(kHeld | after, std::memory_order_relaxed);
    // Held, or not one to 2^30 behind: two messages of a key are never further apart than that.
    return (before & kHeld) == 0 && ((after - before - 1) & ~kHeld) < kHeld / 2;
  }
  void end(std::uint64_t key_index) {
    std::atomic<std::uint32_t>& word = words_[key_index];
    word.store(word.load(std::memory_order_relaxed) & ~kHeld, std::memory_order_relaxed);
  }
  void prefetch(std::uint64_t key_index) const {
    if (key_index < words_.size()) {
      __builtin_prefetch(&words_[key_index], 1);
    }
  }
  std::uint64_t size() const { return words_.size(); }

 private:
  static constexpr std::uint32_t kHeld = std::uint32_t{1} << 31;
  std::vector<std::atomic<std::uint32_t>> words_;
};

class Verifier {
 public:
  Verifier(OrderPromise promise, std::uint32_t producers, KeyLedger& keys)
      : promise_(promise), keys_(&keys), expected_(producers) {}

  // A message without lease: `bytes` are its payload.
  void take(const void* bytes) {
    Payload stamped;
    check_payload(noted(bytes, &stamped));
  }

  // In an open loop: every message carries the moment of its sending, and is timed.
  void time_arrivals(Arrivals* arrivals) { arrivals_ = arrivals; }

  // Of a batch, each payload is announced before the first is checked: the ledger is too large for
  // the nearest cache, and its misses are not what is to be measured.
  void announce(const void* bytes) const { keys_->prefetch(payload_word(bytes, 1)); }

  // A lease on a message begins and ends; the key came along with it.
  std::uint64_t begin(std::uint64_t key, const void* bytes) {
    Payload stamped;
    const void* const payload = noted(bytes, &stamped);
    if (!check_payload(payload)) {
      return 0;
    }
    const std::uint64_t key_index = payload_word(payload, 1);
    if (key != KeySet::bytes_of(key_index)) {
      report("key differs from the one published", payload);
    }
    if (!keys_->begin(key_index, MessageTag::sequence(payload_word(payload, 0))) &&
        promise_ == OrderPromise::per_key) {
      report("key held twice, or out of its order", payload);
    }
    return key_index;
  }
  void end(std::uint64_t key_index) { keys_->end(key_index); }
  void ack_refused() { report_text("an ack was refused"); }

  std::uint64_t count() const { return count_; }
  std::uint64_t digest() const { return digest_; }
  std::uint64_t violations() const { return violations_; }
  const std::string& first_violation() const { return first_violation_; }

 private:
  // In an open loop the payload carries a stamp, which is taken out of a copy of it.
  const void* noted(const void* bytes, Payload* stamped) {
    if (arrivals_ == nullptr) [[likely]] {
      return bytes;
    }
    *stamped = load_payload(bytes);
    arrivals_->note(*stamped);
    return stamped;
  }

  bool check_payload(const void* payload) {
    const std::uint64_t tag = payload_word(payload, 0);
    const std::uint32_t producer = MessageTag::producer(tag);
    ++count_;
    digest_ += MessageTag::digest(tag);
    if (!payload_intact(payload) || producer >= expected_.size() ||
        payload_word(payload, 1) >= keys_->size()) {
      report("payload damaged", payload);
      return false;
    }
    const std::uint64_t sequence = MessageTag::sequence(tag);
    if (sequence < expected_[producer] && promise_ == OrderPromise::per_producer) {
      report("out of the order of its producer", payload);
    }
    expected_[producer] = sequence + 1;
    return true;
  }

  [[gnu::cold, gnu::noinline]] void report(const char* what, const void* payload) {
    const std::uint64_t tag = payload_word(payload, 0);
    const std::uint32_t producer = MessageTag::producer(tag);
    std::string text = std::string(what) + ": producer " + std::to_string(producer) + " sequence " +
                       std::to_string(MessageTag::sequence(tag)) + " key " +
                       std::to_string(payload_word(payload, 1));
    if (producer < expected_.size()) {
      text += ", next expected from this producer " + std::to_string(expected_[producer]);
    }
    report_text(text);
  }
  [[gnu::cold, gnu::noinline]] void report_text(const std::string& text) {
    if (violations_++ == 0) {
      first_violation_ = text;
    }
  }

  OrderPromise promise_;
  KeyLedger* keys_;
  Arrivals* arrivals_ = nullptr;
  std::vector<std::uint64_t> expected_;  // next sequence number of each producer
  std::uint64_t count_ = 0;
  std::uint64_t digest_ = 0;
  std::uint64_t violations_ = 0;
  std::string first_violation_;
};

// Elements that a queue without leases gave by value.
inline void verify_elements(std::span<const Payload> elements, Verifier& verifier) {
  for (const Payload& element : elements) {
    verifier.take(&element);
  }
}
inline void verify_elements(std::span<const KeyedElement> elements, Verifier& verifier) {
  for (const KeyedElement& element : elements) {
    verifier.announce(&element.payload);
  }
  for (const KeyedElement& element : elements) {
    verifier.end(verifier.begin(element.key, &element.payload));
  }
}

}  // namespace laneway::bench

// Verifier: what each consumer checks of each message, and what the run adds up at its end.
//
// Payload intact; order as promised (per producer for each consumer, or exactly per key); no key
// held by two consumers at once; nothing lost, nothing twice. The work is the same whatever is
// promised, only the verdict differs, so that no system is charged for its better guarantees.
#pragma once

#include "bench/harness/element.hpp"
#include "bench/harness/feed.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace laneway::bench {

enum class OrderPromise { none, per_producer, per_key };

// One word per key: the next sequence number that may come, and whether a consumer holds the key.
// Loads and stores are apart: a system that lets two consumers in is caught sooner or later, and
// one that does not pays two plain moves.
class KeyLedger {
 public:
  explicit KeyLedger(std::uint32_t keys) : words_(keys) {}

  // False when the key is held by somebody else, or the message comes too late.
  bool begin(std::uint64_t key_index, std::uint64_t sequence) {
    std::atomic<std::uint64_t>& word = words_[key_index];
    const std::uint64_t before = word.load(std::memory_order_relaxed);
    word.store(kHeld | (sequence + 1), std::memory_order_relaxed);
    return before <= sequence;  // kHeld is above every sequence number
  }
  void end(std::uint64_t key_index) {
    std::atomic<std::uint64_t>& word = words_[key_index];
    word.store(word.load(std::memory_order_relaxed) & ~kHeld, std::memory_order_relaxed);
  }
  std::uint64_t size() const { return words_.size(); }

 private:
  static constexpr std::uint64_t kHeld = std::uint64_t{1} << 63;
  std::vector<std::atomic<std::uint64_t>> words_;
};

class Verifier {
 public:
  Verifier(OrderPromise promise, std::uint32_t producers, KeyLedger& keys)
      : promise_(promise), keys_(&keys), expected_(producers) {}

  // A message without lease: `bytes` are its payload.
  void take(const void* bytes) {
    const Payload payload = load_payload(bytes);
    check_payload(payload);
  }

  // A lease on a message begins and ends; the key came along with it.
  std::uint64_t begin(std::uint64_t key, const void* bytes) {
    const Payload payload = load_payload(bytes);
    if (!check_payload(payload)) {
      return 0;
    }
    const std::uint64_t key_index = payload.words[1];
    const std::uint64_t sequence = MessageTag::sequence(payload.words[0]);
    if (key != KeySet::bytes_of(key_index)) {
      report("key differs from the one published", payload);
    }
    if (!keys_->begin(key_index, sequence) && promise_ == OrderPromise::per_key) {
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
  bool check_payload(const Payload& payload) {
    const std::uint64_t tag = payload.words[0];
    const std::uint32_t producer = MessageTag::producer(tag);
    ++count_;
    digest_ += MessageTag::digest(tag);
    if (!payload_intact(payload) || producer >= expected_.size() ||
        payload.words[1] >= keys_->size()) {
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

  [[gnu::cold, gnu::noinline]] void report(const char* what, const Payload& payload) {
    const std::uint32_t producer = MessageTag::producer(payload.words[0]);
    std::string text = std::string(what) + ": producer " + std::to_string(producer) + " sequence " +
                       std::to_string(MessageTag::sequence(payload.words[0])) + " key " +
                       std::to_string(payload.words[1]);
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
  std::vector<std::uint64_t> expected_;  // next sequence number of each producer
  std::uint64_t count_ = 0;
  std::uint64_t digest_ = 0;
  std::uint64_t violations_ = 0;
  std::string first_violation_;
};

// One element that a queue without leases gave by value.
inline void verify_element(const Payload& payload, Verifier& verifier) {
  verifier.take(&payload);
}
inline void verify_element(const KeyedElement& element, Verifier& verifier) {
  verifier.end(verifier.begin(element.key, &element.payload));
}

}  // namespace laneway::bench

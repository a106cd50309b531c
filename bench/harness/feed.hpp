// Feed: where a producer's elements come from. 8-byte keys made beforehand, chosen by a seeded
// generator that costs one multiplication, or read from draws made before the run; the same for
// every system, so nobody pays more.
#pragma once

#include "bench/harness/element.hpp"
#include "bench/harness/key_plan.hpp"

#include <cstdint>
#include <vector>

namespace laneway::bench {

// The keys of a run. Bytes are spread so that no system profits from small integers.
class KeySet {
 public:
  explicit KeySet(std::uint32_t count) : keys_(count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      keys_[i] = bytes_of(i);
    }
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(keys_.size()); }
  std::uint64_t operator[](std::uint32_t index) const { return keys_[index]; }

  void prefetch(std::uint32_t index) const { __builtin_prefetch(&keys_[index]); }

  // The key of an index without looking it up, for whoever checks what arrived.
  static constexpr std::uint64_t bytes_of(std::uint64_t index) {
    const std::uint64_t mixed = (index + 1) * 0xbf58476d1ce4e5b9u;
    return mixed ^ mixed >> 31;
  }

 private:
  std::vector<std::uint64_t> keys_;
};

// The next key is drawn, and called into the cache, one element ahead: what is to be measured is
// not this table.
//
// Each producer has its own part of the keys, so that the order in which a key's messages were
// published is known exactly and can be checked without asking the system under test.
class Feed {
 public:
  struct Part {
    std::uint32_t producer;
    std::uint32_t producers;  // not more than there are keys
  };

  Feed(const KeySet& keys, Part part, KeyPlan::Draw draw_as, std::uint64_t seed)
      : keys_(&keys),
        producer_(part.producer),
        part_(keys.size() / part.producers),
        first_key_(part.producer * part_),
        state_(seed * 2 + part.producer) {
    if (draw_as != KeyPlan::Draw::uniform) {
      draws_ = draws_of({draw_as, part_}, kDraws, state_);
    }
    draw();
  }

  void write(Payload& payload) { next(payload); }
  void write(KeyedElement& element) { element.key = (*keys_)[next(element.payload)]; }

  std::uint64_t written() const { return sequence_; }
  std::uint64_t digest() const { return digest_; }

 private:
  void draw() {
    if (draws_.empty()) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      drawn_ = first_key_ + static_cast<std::uint32_t>(((state_ >> 32) * part_) >> 32);
    } else {
      drawn_ = first_key_ + draws_[sequence_ % kDraws];
    }
    keys_->prefetch(drawn_);
  }

  std::uint32_t next(Payload& payload) {
    const std::uint32_t key_index = drawn_;
    const std::uint64_t tag = MessageTag::make(producer_, sequence_++);
    draw();
    digest_ += MessageTag::digest(tag);
    write_payload(payload, tag, key_index);
    return key_index;
  }

  static constexpr std::uint32_t kDraws = 1u << 18;

  const KeySet* keys_;
  std::vector<std::uint32_t> draws_;
  std::uint32_t producer_;
  std::uint32_t part_;
  std::uint32_t first_key_;
  std::uint64_t state_;
  std::uint32_t drawn_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace laneway::bench

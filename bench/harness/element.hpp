// The element that every system carries: 64 bytes of payload, and an 8-byte key where there are
// keys. The producer writes all of it and the consumer reads all of it, so that no system profits
// from bytes that never move.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace laneway::bench {

struct Payload {
  // Producer and sequence number, the index of the key, then a pattern made of both.
  std::array<std::uint64_t, 8> words;
};
static_assert(sizeof(Payload) == 64);

struct KeyedElement {
  std::uint64_t key;
  Payload payload;
};
static_assert(sizeof(KeyedElement) == 72);

inline Payload& payload_of(Payload& element) {
  return element;
}
inline Payload& payload_of(KeyedElement& element) {
  return element.payload;
}

// What a producer calls its message: unique in a run, rising for each producer.
struct MessageTag {
  static constexpr unsigned kSequenceBits = 48;

  static constexpr std::uint64_t make(std::uint32_t producer, std::uint64_t sequence) {
    return std::uint64_t{producer} << kSequenceBits | sequence;
  }
  static constexpr std::uint32_t producer(std::uint64_t tag) {
    return static_cast<std::uint32_t>(tag >> kSequenceBits);
  }
  static constexpr std::uint64_t sequence(std::uint64_t tag) {
    return tag & ((std::uint64_t{1} << kSequenceBits) - 1);
  }
  // Sums of this over two equal sets of tags are equal, and over different ones almost never.
  static constexpr std::uint64_t digest(std::uint64_t tag) {
    const std::uint64_t mixed = tag * 0x9e3779b97f4a7c15u;
    return mixed ^ mixed >> 29;
  }
};

inline constexpr std::uint64_t kPatternStep = 0x0101010101010101u;

inline void write_payload(Payload& payload, std::uint64_t tag, std::uint64_t key_index) {
  payload.words[0] = tag;
  payload.words[1] = key_index;
  for (std::size_t i = 2; i < payload.words.size(); ++i) {
    payload.words[i] = (tag ^ key_index) + i * kPatternStep;
  }
}

// The last word may carry a time on top of its pattern; taken out, the payload is as written.
inline constexpr std::size_t kStampWord = 7;

inline void stamp_payload(Payload& payload, std::int64_t ns) {
  payload.words[kStampWord] ^= static_cast<std::uint64_t>(ns);
}
inline std::int64_t take_stamp(Payload& payload) {
  const std::uint64_t pattern = (payload.words[0] ^ payload.words[1]) + kStampWord * kPatternStep;
  return static_cast<std::int64_t>(std::exchange(payload.words[kStampWord], pattern) ^ pattern);
}

// A word of a payload where it lies, which needs no alignment.
inline std::uint64_t payload_word(const void* payload, std::size_t index) {
  std::uint64_t word;
  std::memcpy(&word, static_cast<const std::byte*>(payload) + index * sizeof word, sizeof word);
  return word;
}

// Reads all 64 bytes, two words at a time: what a check costs is taken from every system.
inline bool payload_intact(const void* payload) {
  using Pair = std::uint64_t __attribute__((vector_size(16)));
  const std::uint64_t start = payload_word(payload, 0) ^ payload_word(payload, 1);
  Pair difference{};
  for (std::size_t i = 2; i < 8; i += 2) {
    Pair words;
    std::memcpy(&words, static_cast<const std::byte*>(payload) + i * sizeof(std::uint64_t),
                sizeof words);
    difference |= words ^ (Pair{start, start} + Pair{i * kPatternStep, (i + 1) * kPatternStep});
  }
  return (difference[0] | difference[1]) == 0;
}

inline Payload load_payload(const void* bytes) {
  Payload payload;
  std::memcpy(&payload, bytes, sizeof payload);
  return payload;
}

}  // namespace laneway::bench

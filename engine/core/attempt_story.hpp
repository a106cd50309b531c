// Floor 2. AttemptStory: what happened in each failed attempt of the messages of a shard, in a
// bounded pool of records, newest first. A message keeps its last 32; when the pool is used up a
// message gives up its own oldest record, and one that has none goes without.
#pragma once

#include <laneway/dead_letter.hpp>

#include "engine/base/limits.hpp"
#include "engine/core/slot.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace laneway::engine {

// What a settler says about a failure, or its result; lies beside the slot until the core reads it.
struct FailureNote {
  static constexpr std::uint64_t kBackoff = 0;  // no delay of its own

  std::uint64_t after_ms_plus_1;  // explicit delay + 1, or kBackoff
  std::uint32_t error_class;
  std::uint8_t text_bytes;
  char text[kErrorTextBytesMax];

  std::string_view text_view() const { return {text, text_bytes}; }
  void set_text(std::string_view said) {
    text_bytes = static_cast<std::uint8_t>(std::min<std::size_t>(said.size(), sizeof text));
    std::copy_n(said.data(), text_bytes, text);
  }
};

class AttemptStory {
 public:
  struct Record {
    std::uint32_t older;  // index + 1; also the free list
    std::uint32_t error_class;
    std::uint32_t consumer;
    std::uint16_t number;
    AttemptEnd end;
    std::uint8_t text_bytes;
    std::int64_t granted_ns;
    std::int64_t ended_ns;
    char text[kErrorTextBytesMax];
  };

  explicit AttemptStory(std::span<Record> records) : records_(records) {}

  // Appends to the story of the slot. `note` may be null (expired, abandoned).
  void add(Slot& slot, AttemptEnd end, const FailureNote* note, std::int64_t now_ns);
  void forget(Slot& slot);

  // For a slot whose story is not empty.
  const Record& newest(const Slot& slot) const { return records_[slot.story - 1]; }
  // Calls tell(record) for each of the slot's records, newest first.
  template <class Tell>
  void each(const Slot& slot, Tell tell) const {
    for (std::uint32_t link = slot.story; link != 0; link = records_[link - 1].older) {
      tell(records_[link - 1]);
    }
  }

 private:
  std::uint32_t take();  // index + 1, or 0
  std::uint32_t cut_oldest(Slot& slot);

  std::span<Record> records_;
  std::uint32_t free_ = 0;   // index + 1
  std::uint32_t fresh_ = 0;  // records never used so far
};

}  // namespace laneway::engine

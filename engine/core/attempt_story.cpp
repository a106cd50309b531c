#include "engine/core/attempt_story.hpp"

#include "engine/base/assert.hpp"

#include <cstring>

namespace laneway::engine {

void AttemptStory::add(Slot& slot, AttemptEnd end, const FailureNote* note, std::int64_t now_ns) {
  std::uint32_t link = slot.story_length < kStoryAttemptsMax ? take() : 0;
  if (link == 0) {
    link = cut_oldest(slot);
  }
  if (link == 0) {
    return;
  }
  Record& record = records_[link - 1];
  record.older = slot.story;
  record.number = slot.attempts;
  record.end = end;
  record.consumer = slot.consumer;
  record.granted_ns = slot.since_ns;
  record.ended_ns = now_ns;
  record.error_class = note != nullptr ? note->error_class : 0;
  record.text_bytes = note != nullptr ? note->text_bytes : std::uint8_t{0};
  if (note != nullptr) {
    std::memcpy(record.text, note->text, note->text_bytes);
  }
  slot.story = link;
  ++slot.story_length;
}

void AttemptStory::forget(Slot& slot) {
  while (slot.story != 0) {
    Record& record = records_[slot.story - 1];
    const std::uint32_t link = slot.story;
    slot.story = record.older;
    record.older = free_;
    free_ = link;
  }
  slot.story_length = 0;
}

std::uint32_t AttemptStory::take() {
  if (free_ != 0) {
    const std::uint32_t link = free_;
    free_ = records_[link - 1].older;
    return link;
  }
  return fresh_ < records_.size() ? ++fresh_ : 0;
}

std::uint32_t AttemptStory::cut_oldest(Slot& slot) {
  if (slot.story == 0) {
    return 0;
  }
  std::uint32_t* newer = &slot.story;
  while (records_[*newer - 1].older != 0) {
    newer = &records_[*newer - 1].older;
  }
  const std::uint32_t oldest = *newer;
  *newer = 0;
  --slot.story_length;
  return oldest;
}

}  // namespace laneway::engine

#include "tools/run/dead_letter_collector.hpp"

#include "tools/run/dead_letter_json.hpp"
#include "tools/run/envelope.hpp"

namespace laneway::tools {

namespace {

constexpr std::size_t kPage = 64;
constexpr std::size_t kSamples = 5;

// Of the last attempt: its error text, or else how it ended.
std::string last_error(const DeadLetter& letter) {
  if (letter.story.empty()) {
    return {};
  }
  const Attempt& last = letter.story.back();
  return last.error.empty() ? std::string(to_string(last.end)) : last.error;
}

}  // namespace

void DeadLetterCollector::collect() {
  while (true) {
    // What has been taken is discarded, so that the first page is always the next one.
    const auto page = parts_.queue.dead_letters({.limit = kPage, .payloads = true});
    if (!page) {
      parts_.control.fail("cannot list the dead letters: " + to_string(page.error()));
      return;
    }
    if (page->letters.empty()) {
      return;
    }
    for (const DeadLetter& letter : page->letters) {
      if (!take(letter)) {
        return;
      }
    }
  }
}

// False: it could not be written, and stays in the queue.
bool DeadLetterCollector::take(const DeadLetter& letter) {
  const std::string failed = parts_.dead_letters.write_line(
      parts_.dead_letters.is_open() ? dead_letter_json(letter) : std::string());
  if (!failed.empty()) {
    parts_.control.fail(failed);
    return false;
  }
  const Opened opened =
      open_envelope({reinterpret_cast<const char*>(letter.payload.data()), letter.payload.size()});
  ++(letter.reason == DeadReason::rejected ? rejected_ : attempts_);
  samples_.push_back({.number = opened.number,
                      .key = letter.key,
                      .attempts = letter.attempts,
                      .error = last_error(letter)});
  if (samples_.size() > kSamples) {
    samples_.pop_front();
  }
  parts_.pending.remove(opened.number);
  parts_.tally.dying.add(-1);
  const auto discarded = parts_.queue.discard(letter.id);
  if (!discarded) {
    parts_.control.fail("cannot take a dead letter away: " + to_string(discarded.error()));
  }
  return discarded.has_value();
}

}  // namespace laneway::tools

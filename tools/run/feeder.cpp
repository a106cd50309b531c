#include "tools/run/feeder.hpp"

#include "tools/run/dead_letter_json.hpp"
#include "tools/run/envelope.hpp"
#include "tools/run/option_values.hpp"
#include "tools/run/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace laneway::tools {

namespace {

// Keys that are told apart for the report; about 30 MiB at most.
constexpr std::size_t kKeysCounted = 262'144;
constexpr std::size_t kIdsRemembered = 262'144;
// Of a line of dead letters: what stands around its record, and what a byte may grow to in JSON.
constexpr std::size_t kStoryBytesMax = 64 * 1024;
constexpr std::size_t kEscapedBytesMax = 6;

RecordSplitter splitter_for(const InputOptions& options) {
  if (options.replay.empty()) {
    return RecordSplitter(options.separator, options.record_bytes_max);
  }
  return RecordSplitter('\n', kEscapedBytesMax * options.record_bytes_max + kStoryBytesMax);
}

}  // namespace

Feeder::Feeder(const RunParts& parts, InputStream& input, RecordRules rules)
    : parts_(parts),
      input_(input),
      rules_(std::move(rules)),
      seen_(parts.options.input.dedup_window, kIdsRemembered),
      splitter_(splitter_for(parts.options.input)),
      counts_(kKeysCounted),
      from_(std::max(parts.options.input.from, parts.journal.next_number())) {}

void Feeder::run() {
  try {
    read_all();
  } catch (const std::exception& error) {
    parts_.control.fail(fmt::format("reading stopped: {}", error.what()));
  }
  done_.store(true, std::memory_order_release);
}

void Feeder::read_all() {
  while (parts_.control.reading()) {
    std::string_view bytes;
    switch (input_.read(bytes)) {
      case InputStream::Got::nothing:
        continue;
      case InputStream::Got::error:
        parts_.control.fail(input_.error());
        return;
      case InputStream::Got::end:
        splitter_.finish();
        reached_end_ = take_records() && noted(parts_.journal.note());
        return;
      case InputStream::Got::bytes:
        splitter_.feed(bytes);
        if (!take_records()) {
          return;
        }
        parts_.tally.bytes_read.add(static_cast<std::int64_t>(bytes.size()));
        break;
    }
  }
}

// False: the run reads no more.
bool Feeder::take_records() {
  Record record;
  while (parts_.control.reading()) {
    if (!splitter_.next(record)) {
      return true;
    }
    next_number_ = record.number;
    if (!take(record)) {
      return false;
    }
    next_number_ = record.number + 1;
  }
  return false;
}

// False: it was not taken, because the run reads no more.
bool Feeder::take(const Record& record) {
  const InputOptions& options = parts_.options.input;
  if (record.number < from_) {
    parts_.tally.passed_over.add();
    return true;
  }
  if (record.size == 0) {
    parts_.tally.empty.add();
    return true;
  }
  if (!options.replay.empty()) {
    return take_letter(record);
  }
  if (record.too_long) {
    parts_.tally.read.add();
    parts_.tally.refused_long.add();
    refuse(record, fmt::format("the record has {} bytes, more than {}", format_count(record.size),
                               format_count(options.record_bytes_max)));
    return true;
  }
  return take_keyed(record, rules_.key->extract(record.bytes));
}

bool Feeder::take_letter(const Record& line) {
  const InputOptions& options = parts_.options.input;
  const auto letter = line.too_long ? std::nullopt : read_dead_letter(line.bytes);
  if (!letter || (letter->record && letter->record->size() > options.record_bytes_max)) {
    parts_.control.fail(fmt::format(
        "line {} of {} {}", line.number, options.replay,
        letter ? "holds a record above --record-bytes-max" : "is no dead letter of laneway run"));
    return false;
  }
  if (!letter->record) {  // its bytes were never kept: it stays what it is
    parts_.tally.read.add();
    parts_.tally.refused_long.add();
    write_dead(std::string(line.bytes));
    return true;
  }
  Record record = line;
  record.bytes = *letter->record;
  record.size = record.bytes.size();
  return take_keyed(record, options.key.empty() ? KeyFound{letter->key, "it had none"}
                                                : rules_.key->extract(record.bytes));
}

// False: as take().
bool Feeder::take_keyed(const Record& record, const KeyFound& found) {
  const InputOptions& options = parts_.options.input;
  if (is_duplicate(record)) {
    parts_.tally.duplicates.add();
    return true;
  }
  if (found.key.empty() && options.strict_key) {
    parts_.tally.read.add();
    parts_.tally.refused_unkeyed.add();
    refuse(record, fmt::format("no key: {}", found.lack));
    return true;
  }
  if (!publish(record, found.key)) {
    return false;
  }
  if (!found.key.empty()) {
    counts_.add(found.key);
  } else if (options.has_keys()) {
    parts_.tally.unkeyed.add();
  }
  return true;
}

bool Feeder::is_duplicate(const Record& record) {
  const std::string_view id = rules_.dedup->extract(record.bytes).key;
  return !id.empty() && seen_.seen(id, std::chrono::steady_clock::now());
}

bool Feeder::publish(const Record& record, std::string_view key) {
  seal(record.number, record.bytes, envelope_);
  const std::int32_t priority = parse_priority(rules_.priority->extract(record.bytes).key);
  // They are told before the queue is: a worker may have the record before publish returns.
  parts_.pending.add(record.number);
  parts_.handler.joining(key, record.number);
  parts_.tally.read.add();
  for (int round = 0;; ++round) {
    const bool room = parts_.tally.dying.get() <= parts_.options.input.read_ahead;
    const auto id =
        room ? parts_.queue.publish({.key = key, .payload = envelope_, .priority = priority})
             : Result<MessageId>(Errc::queue_full);
    if (id) {
      parts_.tally.published.add();
      return noted(parts_.journal.published(record.number, envelope_.size()));
    }
    if (id.error().code != Errc::queue_full) {
      parts_.control.fail("cannot publish a record: " + to_string(id.error()));
    }
    if (!wait_for_room(round)) {
      parts_.pending.remove(record.number);
      parts_.tally.read.add(-1);
      return false;
    }
  }
}

// Longer and longer, up to 32 ms: room comes soon when workers are quick, and they are slow else.
// False: the run reads no more.
bool Feeder::wait_for_room(int round) {
  constexpr int kRoundsOfASecond = 32;
  std::this_thread::sleep_for(std::chrono::milliseconds(1 << std::min(round, 5)));
  const bool note = round % kRoundsOfASecond == kRoundsOfASecond - 1;
  return noted(note ? parts_.journal.note() : std::string()) && parts_.control.reading();
}

// What went wrong, if anything, ends the run.
bool Feeder::noted(const std::string& failed) {
  if (!failed.empty()) {
    parts_.control.fail(failed);
  }
  return failed.empty();
}

void Feeder::refuse(const Record& record, std::string error) {
  RefusedRecord refused{.number = record.number,
                        .offset = record.offset,
                        .size = record.size,
                        .record = record.bytes,
                        .too_long = record.too_long,
                        .error = std::move(error),
                        .when = std::chrono::system_clock::now()};
  write_dead(parts_.dead_letters.is_open() ? refused_record_json(refused) : std::string());
}

void Feeder::write_dead(const std::string& line) {
  const std::string failed = parts_.dead_letters.write_line(line);
  if (!failed.empty()) {
    parts_.control.fail(failed);
  }
}

}  // namespace laneway::tools

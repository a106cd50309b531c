#include "engine/shard_journal.hpp"

#include "engine/journal_host.hpp"
#include "engine/shard.hpp"

#include <algorithm>
#include <utility>

namespace laneway::engine {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// The largest record of an event, a failed attempt with its text; and the settle of another message
// that makes room for it.
constexpr std::size_t kEventBytes =
    sizeof(RecordHeader) + sizeof(RetryBody) + sizeof(AttemptBody) + kErrorTextBytesMax + 128;
// A settle, with what the outbox adds.
constexpr std::size_t kEndBytes = sizeof(RecordHeader) + sizeof(SettleBody) + 32;
constexpr std::uint32_t kRelocatedAtOnce = 16;
// Of messages without a record, between two marks; and how far they may go beyond a durable one.
constexpr std::uint64_t kMarkEvery = std::uint64_t{1} << 20;
constexpr std::uint64_t kSilentAhead = 2 * kMarkEvery;

}  // namespace

std::size_t ShardJournal::bytes(const Shard& shard) {
  ArenaSize size;
  size.add<HomeLists::Place>(shard.core_.slots() + shard.core_.dedup().size());
  size.add<bool>(shard.core_.slots());
  size.add<Home>(static_cast<std::size_t>(shard.inbox_.size()));
  return size.bytes();
}

ShardJournal::ShardJournal(
    ShardHost& host, JournalHost& journal, Outbox& outbox, Shard& shard, std::size_t record_max)
    : host_(host),
      journal_(journal),
      outbox_(outbox),
      shard_(shard),
      memory_(bytes(shard)),
      homes_({}),
      event_bytes_(kEventBytes * (shard.core_.run_max() + 1)),
      // Looking for a message to grant may end some whose deadline has passed.
      grant_bytes_(kEventBytes + kHoldItemsMax * kEndBytes),
      recorded_(shard.inbox_head_),
      told_(outbox.confirmed()) {
  letterbox_.shard = &shard;
  writer_.reserve(record_max);  // nothing may fail during a hold
  attempts_.reserve(kStoryAttemptsMax);
  if (memory_.mapped()) {
    const std::size_t slots = shard.core_.slots();
    homes_ = HomeLists(memory_.take<HomeLists::Place>(slots + shard.core_.dedup().size()));
    detached_ = memory_.take<bool>(slots);
    inbox_ = memory_.take<Home>(static_cast<std::size_t>(shard.inbox_.size()));
  }
}

HoldBudget ShardJournal::begin(std::int64_t now_ns) {
  now_ns_ = now_ns;
  while (!dropped_.empty() && outbox_.room() > 2 * reserve()) {
    close(dropped_.back());
    dropped_.pop_back();
  }
  relocate_some();
  record_inbox();
  // A quarter for each, and one for what is accepted.
  const std::size_t room = outbox_.room() / 4;
  const auto fitting = [room](std::uint32_t wanted, std::size_t bytes) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(wanted, room / bytes));
  };
  return {fitting(kHoldItemsMax, event_bytes_), fitting(kHoldWheelNodesMax, event_bytes_),
          fitting(kHoldItemsMax, grant_bytes_)};
}

// --- homes ------------------------------------------------------------------------------------

std::uint32_t ShardJournal::home_of_id(std::uint32_t place) const {
  return static_cast<std::uint32_t>(shard_.core_.slots()) + place;
}

void ShardJournal::adopt(std::uint32_t slot, const Home& home, bool detached) {
  homes_.add(slot, home);
  detached_[slot] = detached;
}

void ShardJournal::accepted(std::uint32_t slot) {
  const Slot& message = shard_.core_.slot(slot);
  const Home& home = inbox_[message.position & (inbox_.size() - 1)];
  adopt(slot, home, false);
  // It was recorded some time ago. Another one may have joined since, and is before it.
  if (!silent(slot) && home.order != 0 && home.sequence + 1 < last_order_record_) {
    order(RecordType::join, slot, ++orders_, 0);
  }
}

void ShardJournal::relocate_some() {
  const std::uint64_t below = outbox_.relocate_below();
  for (std::uint32_t i = 0; i < kRelocatedAtOnce; ++i) {
    const std::uint32_t link = homes_.below(below);
    if (link == 0 || !relocate(link - 1)) {
      break;
    }
  }
  if (closing_.bytes != 0 && closing_.sequence < below) {
    mark({});
  }
}

bool ShardJournal::relocate(std::uint32_t index) {
  // With the story of its attempts it may be longer than where it lies.
  if (outbox_.room() < homes_.home(index).bytes + kEventBytes * (kStoryAttemptsMax + 1)) {
    return false;
  }
  if (index < shard_.core_.slots()) {
    retell(index);
  } else {
    retell_id(index);
  }
  return true;
}

void ShardJournal::retell(std::uint32_t index) {
  const Slot& slot = shard_.core_.slot(index);
  const Home old = homes_.home(index);
  const bool known = old.id != 0 && shard_.core_.dedup().knows(old.id - 1, slot.position, now_ns_);
  RecordedMessage message;
  message.attempts = std::move(attempts_);
  message.attempts.clear();
  content(slot, known ? old.id : 0, &message);
  message.fixed.published_ms = wall_ms(slot.published_ns);
  message.fixed.order = old.order;
  message.fixed.priority = shard_.core_.priority(index);
  message.state.detached = detached_[index] ? 1 : 0;
  RecordedState state = RecordedState::waiting;
  if (slot.state == SlotState::delayed || slot.state == SlotState::retrying) {
    state = slot.state == SlotState::delayed ? RecordedState::delayed : RecordedState::retrying;
    message.due = due(shard_.core_.due_tick(index));
  } else if (slot.state == SlotState::dead) {
    state = RecordedState::dead;
    message.state.died_ms = wall_ms(slot.since_ns);
    message.state.reason = slot.reason;
    message.state.stops = slot.lane_prev != 0 ? 1 : 0;
  }
  message.state.state = static_cast<std::uint8_t>(state);
  shard_.core_.story().each(slot, [&](const AttemptStory::Record& record) {
    message.attempts.push_back(attempt(record));
  });
  std::reverse(message.attempts.begin(), message.attempts.end());
  // Without grants on record the one that is running is not known to have begun.
  const bool uncounted = slot.state == SlotState::leased && !host_.count_interrupted;
  writer_.relocate(
      header(slot.position, static_cast<std::uint16_t>(slot.attempts - (uncounted ? 1 : 0))),
      message);
  attempts_ = std::move(message.attempts);
  const std::uint64_t sequence =
      append({.closes_plus_1 = old.sequence + 1, .closed_bytes = old.bytes, .opens = true});
  homes_.retell(index, {sequence, old.order, padded(), known ? old.id : 0});
}

void ShardJournal::retell_id(std::uint32_t index) {
  const Home old = homes_.home(index);
  const DedupWindow::Entry& entry =
      shard_.core_.dedup().at(index - static_cast<std::uint32_t>(shard_.core_.slots()));
  if (entry.until_ns <= now_ns_) {
    homes_.remove(index);
    close(old);
    return;
  }
  writer_.remember(header(entry.position), {{wall_ms(entry.until_ns), 0, {}}, entry.view()});
  const std::uint64_t sequence =
      append({.closes_plus_1 = old.sequence + 1, .closed_bytes = old.bytes, .opens = true});
  homes_.retell(index, {sequence, 0, padded(), old.id});
}

// The record is nobody's home any more. What is recorded next says so.
void ShardJournal::close(const Home& home) {
  if (closing_.bytes != 0) {
    mark({});
  }
  closing_ = home;
}

// A record that says little: how far positions are used.
void ShardJournal::mark(const FrameHead& head) {
  writer_.bare(mark_header(outbox_.id(), recorded_));
  append(head);
  told_ = recorded_;
}

void ShardJournal::forgot_id(std::uint32_t place) {
  const std::uint32_t index = home_of_id(place);
  const Home home = homes_.home(index);
  if (home.bytes != 0) {
    homes_.remove(index);
    close(home);
  }
}

// --- the inbox --------------------------------------------------------------------------------

bool ShardJournal::anything_to_do() const {
  return shard_.inbox_.published(std::max(recorded_, shard_.inbox_head_)) ||
         homes_.below(outbox_.relocate_below()) != 0;
}

void ShardJournal::record_inbox() {
  recorded_ = std::max(recorded_, shard_.inbox_head_);
  publishes_wait_ = false;
  for (std::uint32_t i = 0; i < kHoldItemsMax && shard_.inbox_.published(recorded_); ++i) {
    const Submission& submission = shard_.inbox_.entry(recorded_);
    if ((submission.due_tick & kSilent) != 0) {
      pass_over(submission);
      continue;
    }
    const std::size_t bytes = sizeof(RecordHeader) + sizeof(PublishBody) + 2 * sizeof(DueBody) +
                              16 + kDedupIdBytesMax + submission.content_bytes();
    // The last quarter of the outbox is for what ends messages.
    // A journal that has failed makes no room any more, and needs none.
    const bool admitted = journal_.admits() || journal_.failed() != 0;
    publishes_wait_ = !admitted || outbox_.room() < bytes + reserve() + event_bytes_;
    if (publishes_wait_) {
      return;
    }
    record_publish(submission, recorded_);
    told_ = ++recorded_;
  }
}

// It leaves no trace, but that its position is used.
void ShardJournal::pass_over(const Submission& submission) {
  Home& home = inbox_[recorded_ & (inbox_.size() - 1)];
  home = {};
  home.order = (submission.due_tick & kTick) == 0 ? ++orders_ : 0;
  ++recorded_;
  if (recorded_ - told_ >= kMarkEvery && !behind()) {
    mark({});
  }
}

void ShardJournal::record_publish(const Submission& submission, std::uint64_t position) {
  const std::uint64_t due_tick = submission.due_tick & kTick;
  const bool sync = (submission.due_tick & kSync) != 0;
  const std::size_t index = position & (inbox_.size() - 1);
  const std::uint32_t id = id_of(position);
  RecordedMessage message;
  content(submission, id, &message);
  message.fixed.published_ms = wall_ms(now_ns_);
  message.fixed.order = due_tick == 0 ? ++orders_ : 0;
  message.fixed.priority = shard_.priorities_.empty() ? 0 : shard_.priorities_[index];
  if (due_tick != 0) {
    message.due = due(due_tick);
  }
  RecordHeader head = header(position);
  head.flags = sync ? kRecordSync : 0;
  writer_.publish(head, message);
  const std::uint64_t sequence = append({.opens = true, .sync = sync});
  inbox_[index] = {sequence, message.fixed.order, padded(), id};
}

// Place of its dedup id + 1, or 0. Ids come in the order of the positions.
std::uint32_t ShardJournal::id_of(std::uint64_t position) {
  const DedupWindow& ids = shard_.core_.dedup();
  for (ids_told_ = std::max(ids_told_, ids.begin()); ids_told_ < ids.end(); ++ids_told_) {
    const std::uint32_t place = ids.place_of(ids_told_);
    if (ids.at(place).position > position) {
      break;
    }
    if (ids.at(place).position == position) {
      ++ids_told_;
      return place + 1;
    }
  }
  return 0;
}

std::uint32_t ShardJournal::acceptable(std::uint64_t position, std::uint32_t count) const {
  const std::uint64_t recorded = recorded_ > position ? recorded_ - position : 0;
  const auto known = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, recorded));
  const std::uint64_t confirmed = journal_.failed() != 0 ? ~std::uint64_t{0} : outbox_.confirmed();
  for (std::uint32_t i = 0; i < known; ++i, ++position) {
    const std::uint64_t asked = shard_.inbox_.entry(position).due_tick;
    const std::uint64_t ahead = position < confirmed ? 0 : position - confirmed + 1;
    const bool early =
        ((asked & kSync) != 0 && ahead != 0) || ((asked & kSilent) != 0 && ahead > kSilentAhead);
    // Room also for what a grant or an expiry of it would record.
    if (early || outbox_.room() < event_bytes_ * (i + 1)) {
      return i;
    }
  }
  return known;
}

void ShardJournal::settle_unconfirmed(std::uint64_t position, std::uint64_t due_tick) {
  const bool never_durable =
      (due_tick & kSync) != 0 && position >= outbox_.confirmed() && journal_.failed() != 0;
  if (!never_durable && (due_tick & kWithdrawn) == 0) {
    return;
  }
  const std::uint32_t slot = shard_.core_.find(position);
  if (slot == ShardCore::kNoSlot) {
    return;
  }
  // Of a key that is diverted it was dead at once.
  if (shard_.core_.slot(slot).state == SlotState::dead) {
    shard_.core_.discard(slot, now_ns_);
  } else {
    shard_.core_.cancel(slot, now_ns_);
  }
}

std::uint64_t ShardJournal::unaccepted(std::string_view key, std::uint32_t key_hash) const {
  std::uint64_t count = 0;
  for (std::uint64_t at = shard_.inbox_head_; shard_.inbox_.published(at); ++at) {
    const Submission& submission = shard_.inbox_.entry(at);
    const bool joins = (submission.due_tick & (kTick | kWithdrawn)) == 0;
    count += joins && submission.key_hash == key_hash && submission.key_view() == key ? 1 : 0;
  }
  return count;
}

// --- events -----------------------------------------------------------------------------------

void ShardJournal::order(RecordType type,
                         std::uint32_t slot,
                         std::uint64_t order,
                         std::uint64_t due_tick) {
  homes_.home(slot).order = order;
  RecordHeader head = header(shard_.core_.slot(slot).position);
  head.type = static_cast<std::uint8_t>(type);
  RecordedOrder told;
  told.fixed = {wall_ms(now_ns_), order};
  if (due_tick != 0) {
    told.due = due(due_tick);
  }
  writer_.order(head, told);
  last_order_record_ = append({}) + 1;
}

void ShardJournal::joined(std::uint32_t slot) {
  if (!silent(slot)) {
    order(RecordType::join, slot, ++orders_, 0);
  }
}

void ShardJournal::replayed(std::uint32_t slot, std::uint64_t due_tick) {
  if (silent(slot)) {
    return;
  }
  detached_[slot] = false;
  const bool in_place = shard_.core_.slot(slot).lane_prev != 0;
  const std::uint64_t place = in_place ? homes_.home(slot).order : due_tick != 0 ? 0 : ++orders_;
  order(RecordType::replay, slot, place, due_tick);
}

void ShardJournal::attempts_changed(std::uint32_t slot) {
  if (silent(slot) || !host_.count_interrupted) {
    return;
  }
  const Slot& message = shard_.core_.slot(slot);
  RecordHeader head = header(message.position, message.attempts);
  head.type = static_cast<std::uint8_t>(RecordType::grant);
  head.flags = message.state == SlotState::leased ? kRecordAttempt : 0;
  writer_.bare(head);
  append({});
}

void ShardJournal::retrying(std::uint32_t slot, std::uint64_t due_tick, bool detached) {
  if (silent(slot)) {
    return;
  }
  const Slot& message = shard_.core_.slot(slot);
  detached_[slot] = detached;
  RecordedRetry retry;
  retry.fixed.due = due(due_tick);
  retry.fixed.detached = detached ? 1 : 0;
  retry.attempt = last_attempt(message);
  writer_.retry(header(message.position, message.attempts), retry);
  append({});
}

void ShardJournal::died(std::uint32_t slot) {
  if (silent(slot)) {
    return;
  }
  const Slot& message = shard_.core_.slot(slot);
  RecordedDeath death;
  death.fixed.died_ms = wall_ms(message.since_ns);
  death.fixed.reason = message.reason;
  death.fixed.stops = message.lane_prev != 0 ? 1 : 0;
  if (message.story != 0 && shard_.core_.story().newest(message).number == message.attempts) {
    death.attempt = last_attempt(message);
  }
  writer_.dead(header(message.position, message.attempts), death);
  append({});
}

void ShardJournal::resolved(std::uint32_t slot, MessageState outcome) {
  const std::uint64_t position = shard_.core_.slot(slot).position;
  const Home home = homes_.home(slot);
  if (silent(slot)) {
    return;
  }
  writer_.settle(header(position, static_cast<std::uint16_t>(outcome)), wall_ms(now_ns_));
  if (home.id != 0 && shard_.core_.dedup().knows(home.id - 1, position, now_ns_)) {
    append({});
    homes_.inherit(slot, home_of_id(home.id - 1));
  } else {
    append({.closes_plus_1 = home.sequence + 1, .closed_bytes = home.bytes});
    homes_.remove(slot);
  }
}

// --- values -----------------------------------------------------------------------------------

RecordHeader ShardJournal::header(std::uint64_t position, std::uint16_t aux) const {
  RecordHeader header{};
  header.queue = outbox_.id().queue;
  header.shard = outbox_.id().shard;
  header.aux = aux;
  header.position = position;
  return header;
}

std::int64_t ShardJournal::wall_ms(std::int64_t ns) const {
  return duration_cast<milliseconds>(host_.wall(ns).time_since_epoch()).count();
}

DueBody ShardJournal::due(std::uint64_t tick) const {
  const std::uint64_t now = ShardCore::tick_floor(now_ns_);
  return {wall_ms(static_cast<std::int64_t>(tick) * kTickNanos), tick > now ? tick - now : 0};
}

RecordedAttempt ShardJournal::attempt(const AttemptStory::Record& record) const {
  RecordedAttempt told;
  told.body.granted_ms = wall_ms(record.granted_ns);
  told.body.ended_ms = wall_ms(record.ended_ns);
  told.body.error_class = record.error_class;
  told.body.consumer = record.consumer;
  told.body.number = record.number;
  told.body.end = static_cast<std::uint8_t>(record.end);
  told.text = {record.text, record.text_bytes};
  return told;
}

// The bounded memory for stories may have had no room for it.
RecordedAttempt ShardJournal::last_attempt(const Slot& slot) const {
  if (slot.story != 0 && shard_.core_.story().newest(slot).number == slot.attempts) {
    return attempt(shard_.core_.story().newest(slot));
  }
  RecordedAttempt told;
  told.body.granted_ms = told.body.ended_ms = wall_ms(now_ns_);
  told.body.number = slot.attempts;
  return told;
}

void ShardJournal::content(const MessageBody& body,
                           std::uint32_t id,
                           RecordedMessage* message) const {
  message->fixed.attempts_max = body.attempts_max;
  message->key = body.key_view();
  message->type = body.type_view();
  message->payload = body.payload_view();
  if (body.ttl_tick != 0) {
    message->deadline = due(body.ttl_tick);
  }
  if (id != 0) {
    const DedupWindow::Entry& entry = shard_.core_.dedup().at(id - 1);
    message->dedup = entry.view();
    message->dedup_until_ms = wall_ms(entry.until_ns);
  }
}

std::uint64_t ShardJournal::append(FrameHead head) {
  if (head.closes_plus_1 == 0 && closing_.bytes != 0) {
    head.closes_plus_1 = closing_.sequence + 1;
    head.closed_bytes = closing_.bytes;
    closing_ = {};
  }
  LANEWAY_CHECK(outbox_.room() >= writer_.padded().size());
  unpublished_ = true;
  return outbox_.append(head, writer_);
}

bool ShardJournal::publish() {
  const bool anything = unpublished_;
  if (anything) {
    unpublished_ = false;
    outbox_.publish();
  }
  return anything;
}

}  // namespace laneway::engine

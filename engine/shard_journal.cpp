#include "engine/shard_journal.hpp"

#include "engine/journal_host.hpp"
#include "engine/shard.hpp"

#include <algorithm>

namespace laneway::engine {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// The largest record of an event: a failed attempt with its text.
constexpr std::size_t kEventBytes =
    sizeof(RecordHeader) + sizeof(RetryBody) + sizeof(AttemptBody) + kErrorTextBytesMax + 64;
// A settle, with what the outbox adds.
constexpr std::size_t kEndBytes = sizeof(RecordHeader) + sizeof(SettleBody) + 32;
constexpr std::uint32_t kRelocatedAtOnce = 16;

}  // namespace

std::size_t ShardJournal::bytes(const Shard& shard) {
  ArenaSize size;
  size.add<Place>(shard.core_.slots());
  size.add<Home>(static_cast<std::size_t>(shard.inbox_.size()));
  return size.bytes();
}

ShardJournal::ShardJournal(ShardHost& host, JournalHost& journal, Outbox& outbox, Shard& shard)
    : host_(host),
      journal_(journal),
      outbox_(outbox),
      shard_(shard),
      memory_(bytes(shard)),
      event_bytes_(kEventBytes * (shard.core_.run_max() + 1)),
      // Looking for a message to grant may end some whose deadline has passed.
      grant_bytes_(kEventBytes + kHoldItemsMax * kEndBytes),
      recorded_(shard.inbox_head_) {
  letterbox_.shard = &shard;
  if (memory_.mapped()) {
    places_ = memory_.take<Place>(shard.core_.slots());
    inbox_ = memory_.take<Home>(static_cast<std::size_t>(shard.inbox_.size()));
  }
}

HoldBudget ShardJournal::begin(std::int64_t now_ns) {
  now_ns_ = now_ns;
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

void ShardJournal::link(std::uint32_t slot) {
  Place& place = places_[slot];
  List& list = list_of(place);
  place.next = 0;
  place.prev = list.last;
  (list.last != 0 ? places_[list.last - 1].next : list.first) = slot + 1;
  list.last = slot + 1;
}

void ShardJournal::unlink(std::uint32_t slot) {
  const Place& place = places_[slot];
  List& list = list_of(place);
  (place.prev != 0 ? places_[place.prev - 1].next : list.first) = place.next;
  (place.next != 0 ? places_[place.next - 1].prev : list.last) = place.prev;
}

void ShardJournal::adopt(std::uint32_t slot, const Home& home) {
  places_[slot] = {home, 0, 0, false, false};
  link(slot);
}

void ShardJournal::accepted(std::uint32_t slot) {
  const Slot& message = shard_.core_.slot(slot);
  const Home& home = inbox_[message.position & (inbox_.size() - 1)];
  adopt(slot, home);
  // It was recorded some time ago. Another one may have joined since, and is before it.
  if (home.order != 0 && home.sequence + 1 < last_order_record_) {
    order(RecordType::join, slot, 0);
  }
}

void ShardJournal::relocate_some() {
  const std::uint64_t below = outbox_.relocate_below();
  for (std::uint32_t i = 0; below != 0 && i < kRelocatedAtOnce; ++i) {
    if (!relocate_first(published_, below) && !relocate_first(relocated_, below)) {
      return;
    }
  }
}

bool ShardJournal::relocate_first(List& list, std::uint64_t below) {
  if (list.first == 0 || places_[list.first - 1].home.sequence >= below) {
    return false;
  }
  const std::uint32_t slot = list.first - 1;
  // With the story of its attempts it may be longer than where it lies.
  if (outbox_.room() < places_[slot].home.bytes + kEventBytes * (kStoryAttemptsMax + 1)) {
    return false;
  }
  relocate(slot);
  return true;
}

void ShardJournal::relocate(std::uint32_t index) {
  const Slot& slot = shard_.core_.slot(index);
  Place& place = places_[index];
  RecordedMessage message = content(slot);
  message.fixed.published_ms = wall_ms(slot.published_ns);
  message.fixed.order = place.home.order;
  message.state.detached = place.detached ? 1 : 0;
  RecordedState state = RecordedState::waiting;
  if (slot.state == SlotState::delayed || slot.state == SlotState::retrying) {
    state = slot.state == SlotState::delayed ? RecordedState::delayed : RecordedState::retrying;
    message.due = due(shard_.core_.due_tick(index));
  } else if (slot.state == SlotState::dead) {
    state = RecordedState::dead;
    message.state.died_ms = wall_ms(slot.since_ns);
    message.state.reason = slot.reason;
  }
  message.state.state = static_cast<std::uint8_t>(state);
  shard_.core_.story().each(slot, [&](const AttemptStory::Record& record) {
    message.attempts.push_back(attempt(record));
  });
  std::reverse(message.attempts.begin(), message.attempts.end());
  writer_.relocate(header(slot.position, slot.attempts), message);
  unlink(index);
  const auto bytes = static_cast<std::uint32_t>(writer_.padded().size());
  const std::uint64_t sequence = append(
      {.closes_plus_1 = place.home.sequence + 1, .closed_bytes = place.home.bytes, .opens = true});
  place.home = {sequence, place.home.order, bytes};
  place.relocated = true;
  link(index);
}

// --- the inbox --------------------------------------------------------------------------------

bool ShardJournal::anything_to_do() const {
  const std::uint64_t below = outbox_.relocate_below();
  const auto old = [&](const List& list) {
    return list.first != 0 && places_[list.first - 1].home.sequence < below;
  };
  return shard_.inbox_.published(std::max(recorded_, shard_.inbox_head_)) || old(published_) ||
         old(relocated_);
}

void ShardJournal::record_inbox() {
  // The last quarter of the outbox is for what ends messages.
  const std::size_t reserve = outbox_.size() / 4 + event_bytes_;
  recorded_ = std::max(recorded_, shard_.inbox_head_);
  for (std::uint32_t i = 0; i < kHoldItemsMax && shard_.inbox_.published(recorded_); ++i) {
    const Submission& submission = shard_.inbox_.entry(recorded_);
    const std::size_t bytes = sizeof(RecordHeader) + sizeof(PublishBody) + 2 * sizeof(DueBody) + 8 +
                              submission.key_view().size() + submission.type_view().size() +
                              submission.payload_view().size();
    if (!journal_.admits() || outbox_.room() < bytes + reserve) {
      return;
    }
    record_publish(submission, recorded_);
    ++recorded_;
  }
}

void ShardJournal::record_publish(const Submission& submission, std::uint64_t position) {
  const std::uint64_t due_tick = submission.due_tick & ~kSync;
  const bool sync = (submission.due_tick & kSync) != 0;
  RecordedMessage message = content(submission);
  message.fixed.published_ms = wall_ms(now_ns_);
  message.fixed.order = due_tick == 0 ? ++orders_ : 0;
  if (due_tick != 0) {
    message.due = due(due_tick);
  }
  RecordHeader head = header(position);
  head.flags = sync ? kRecordSync : 0;
  writer_.publish(head, message);
  const auto bytes = static_cast<std::uint32_t>(writer_.padded().size());
  const std::uint64_t sequence = append({.opens = true, .sync = sync});
  inbox_[position & (inbox_.size() - 1)] = {sequence, message.fixed.order, bytes};
}

std::uint32_t ShardJournal::acceptable(std::uint64_t position, std::uint32_t count) const {
  const std::uint64_t recorded = recorded_ > position ? recorded_ - position : 0;
  const auto known = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, recorded));
  const std::uint64_t confirmed = journal_.failed() != 0 ? ~std::uint64_t{0} : outbox_.confirmed();
  for (std::uint32_t i = 0; i < known; ++i) {
    const bool sync = (shard_.inbox_.entry(position + i).due_tick & kSync) != 0;
    // Room also for what a grant or an expiry of it would record.
    if ((sync && position + i >= confirmed) || outbox_.room() < event_bytes_ * (i + 1)) {
      return i;
    }
  }
  return known;
}

void ShardJournal::settle_unconfirmed(std::uint64_t position) {
  if (position < outbox_.confirmed() || journal_.failed() == 0) {
    return;
  }
  const std::uint32_t slot = shard_.core_.find(position);
  if (slot != ShardCore::kNoSlot) {
    shard_.core_.cancel(slot, now_ns_);
  }
}

// --- events -----------------------------------------------------------------------------------

void ShardJournal::order(RecordType type, std::uint32_t slot, std::uint64_t due_tick) {
  places_[slot].home.order = ++orders_;
  RecordHeader head = header(shard_.core_.slot(slot).position);
  head.type = static_cast<std::uint8_t>(type);
  RecordedOrder told;
  told.fixed = {wall_ms(now_ns_), orders_};
  if (due_tick != 0) {
    told.due = due(due_tick);
  }
  writer_.order(head, told);
  last_order_record_ = append({}) + 1;
}

void ShardJournal::joined(std::uint32_t slot) {
  order(RecordType::join, slot, 0);
}

void ShardJournal::replayed(std::uint32_t slot, std::uint64_t due_tick) {
  places_[slot].detached = false;
  order(RecordType::replay, slot, due_tick);
}

void ShardJournal::attempts_changed(std::uint32_t slot) {
  const Slot& message = shard_.core_.slot(slot);
  RecordHeader head = header(message.position, message.attempts);
  head.type = static_cast<std::uint8_t>(RecordType::grant);
  head.flags = message.state == SlotState::leased ? kRecordAttempt : 0;
  writer_.bare(head);
  append({});
}

void ShardJournal::retrying(std::uint32_t slot, std::uint64_t due_tick, bool detached) {
  const Slot& message = shard_.core_.slot(slot);
  places_[slot].detached = detached;
  RecordedRetry retry;
  retry.fixed.due = due(due_tick);
  retry.fixed.detached = detached ? 1 : 0;
  retry.attempt = last_attempt(message);
  writer_.retry(header(message.position, message.attempts), retry);
  append({});
}

void ShardJournal::died(std::uint32_t slot) {
  const Slot& message = shard_.core_.slot(slot);
  RecordedDeath death;
  death.fixed.died_ms = wall_ms(message.since_ns);
  death.fixed.reason = message.reason;
  if (message.story != 0 && shard_.core_.story().newest(message).number == message.attempts) {
    death.attempt = last_attempt(message);
  }
  writer_.dead(header(message.position, message.attempts), death);
  append({});
}

void ShardJournal::resolved(std::uint32_t slot, MessageState outcome) {
  const Place& place = places_[slot];
  writer_.settle(header(shard_.core_.slot(slot).position, static_cast<std::uint16_t>(outcome)),
                 wall_ms(now_ns_));
  append({.closes_plus_1 = place.home.sequence + 1, .closed_bytes = place.home.bytes});
  unlink(slot);
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

RecordedMessage ShardJournal::content(const MessageBody& body) const {
  RecordedMessage message;
  message.fixed.attempts_max = body.attempts_max;
  message.key = body.key_view();
  message.type = body.type_view();
  message.payload = body.payload_view();
  if (body.ttl_tick != 0) {
    message.deadline = due(body.ttl_tick);
  }
  return message;
}

std::uint64_t ShardJournal::append(const FrameHead& head) {
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

// Floor 3. Publishing by more rules than the capacity: a bound of bytes, a limit of each key,
// waiting or dropping when there is no room, watermarks. One message at a time; what the shard's
// core must be asked for is decided while the shard is held.
#include "engine/base/hash.hpp"
#include "engine/driver.hpp"
#include "engine/hold.hpp"
#include "engine/journal_host.hpp"
#include "engine/message_item.hpp"
#include "engine/publish_draft.hpp"
#include "engine/queue_state.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Messages that one publish may drop before it gives up: others may take the room it makes.
constexpr int kDropsMax = 16;

std::uint64_t content_bytes(const Message& message) {
  return message.payload.size() + message.key.size() + message.type.size();
}

const char* detail_of(Errc why) {
  switch (why) {
    case Errc::key_full:
      return "the key has as many messages as it may";
    case Errc::shed:
      return "the queue is above its high watermark, and the priority too low";
    case Errc::closed:
      return "the queue has been closed";
    default:
      return "no room in the shard, the payload pool or bytes_max";
  }
}

}  // namespace

// One call of publish.
struct QueueState::Ruled {
  explicit Ruled(const ShardHost& host) : times{host} {}

  Times times;
  std::int64_t block_until_ns = -1;  // of the first message that had to wait
  bool hurry = true;                 // to look again at once when there seems to be room
  // No message is taken after a refused one of its key: shards that were full, and keys that were.
  std::array<bool, kShardsMax> full{};
  struct Key {
    std::uint32_t hash;
    Errc why;
  };
  std::array<Key, kBatchMax> keys_full{};
  std::size_t keys_full_count = 0;

  Errc refused_before(const Draft& draft, bool keyed) const {
    if (full[draft.shard]) {
      return Errc::queue_full;
    }
    for (std::size_t i = 0; keyed && i < keys_full_count; ++i) {
      if (keys_full[i].hash == draft.key_hash) {
        return keys_full[i].why;
      }
    }
    return Errc{};
  }

  void remember(const Draft& draft, bool keyed, Errc why) {
    const bool key_alone = why == Errc::key_full || why == Errc::shed;
    if (!key_alone || keys_full_count == keys_full.size()) {
      full[draft.shard] = true;
    } else if (keyed) {
      keys_full[keys_full_count++] = {draft.key_hash, why};
    }
  }
};

Result<> QueueState::check_message_rules(const Message& message) const {
  const bool sheds = options_.shed_below != std::numeric_limits<std::int32_t>::min();
  if (message.priority != 0 && !options_.priorities && !sheds) {
    return {Errc::invalid_argument, "the queue has no priorities"};
  }
  if (!message.dedup_id.empty() && options_.dedup_window == milliseconds::zero()) {
    return {Errc::invalid_argument, "the queue has no dedup window"};
  }
  return message.durability ? check_durability(*message.durability) : Result<>();
}

Result<MessageId> QueueState::publish_by_rules(const Message& message) {
  Ruled call(*this);
  const Published published = admit(message, &call);
  if (published.accepted()) {
    return published.id;
  }
  return {published.refused, detail_of(published.refused)};
}

std::size_t QueueState::publish_by_rules(std::span<const Message> messages,
                                         std::span<Published> results) {
  Ruled call(*this);
  std::size_t accepted = 0;
  // Messages that are decided under the token are decided together, if nothing may make them wait.
  const bool exact = options_.dedup_window > milliseconds::zero() || options_.key_messages_max != 0;
  if (exact && options_.overflow == Overflow::reject && !watched) {
    for (std::size_t at = 0; at < messages.size(); at += kBatchMax) {
      const std::size_t size = std::min<std::size_t>(kBatchMax, messages.size() - at);
      accepted += admit_chunk(messages.subspan(at, size),
                              results.empty() ? results : results.subspan(at, size), &call);
    }
    return accepted;
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Published published = admit(messages[i], &call);
    accepted += published.accepted() ? 1u : 0u;
    if (!results.empty()) {
      results[i] = published;
    }
  }
  return accepted;
}

std::size_t QueueState::admit_chunk(std::span<const Message> messages,
                                    std::span<Published> results,
                                    Ruled* call) {
  std::array<Draft, kBatchMax> drafts;
  std::array<std::uint8_t, kBatchMax> order;
  std::size_t ready = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool keyed = !messages[i].key.empty();
    route_ruled(messages[i], &drafts[i]);
    Errc refused = call->refused_before(drafts[i], keyed);
    if (refused == Errc{} && !take_memory(messages[i], &call->times, &drafts[i])) {
      refused = Errc::queue_full;
      call->remember(drafts[i], keyed, refused);
    }
    if (refused == Errc{}) {
      order[ready++] = static_cast<std::uint8_t>(i);
    } else if (count_refused(refused, 1); !results.empty()) {
      results[i] = {{}, refused};
    }
  }
  group_by_shard(drafts, std::span(order).first(ready));
  std::size_t accepted = 0;
  for (std::size_t from = 0, to = 0; from < ready; from = to) {
    while (to < ready && drafts[order[to]].shard == drafts[order[from]].shard) {
      ++to;
    }
    admit_group({messages, drafts, std::span(order).subspan(from, to - from), results}, call,
                &accepted);
  }
  return accepted;
}

void QueueState::admit_group(const Group& group, Ruled* call, std::size_t* accepted) {
  std::array<Shard::Admission, kBatchMax> admissions;
  const std::size_t size = group.order.size();
  for (std::size_t i = 0; i < size; ++i) {
    fill(group.message(i), group.draft(i), &admissions[i]);
  }
  const std::uint32_t number = group.draft(0).shard;
  shards_[number]->admit(std::span(admissions).first(size), options_.key_messages_max);
  if (journal != nullptr) {
    tell_journal(group);
  }
  for (std::size_t i = 0; i < size; ++i) {
    const Shard::Admission& admission = admissions[i];
    const bool taken = admission.refused == Errc{};
    if (!taken || admission.duplicate) {
      give_memory(group.message(i), group.draft(i));
    }
    if (taken) {
      ++*accepted;
      group.answer(i, {message_id(number, admission.position), Errc{}, admission.duplicate});
    } else {
      call->remember(group.draft(i), !group.message(i).key.empty(), admission.refused);
      count_refused(admission.refused, 1);
      group.answer(i, {{}, admission.refused});
    }
  }
}

// One message, by the overflow policy.
Published QueueState::admit(const Message& message, Ruled* call) {
  Draft draft;
  const bool keyed = !message.key.empty();
  route_ruled(message, &draft);
  Published published;
  published.refused = call->refused_before(draft, keyed);
  Shard& shard = *shards_[draft.shard];
  bool again = published.accepted();
  for (int drops = 0; again; ++drops) {
    published.refused = Errc::queue_full;
    if (sheds(message)) {
      published.refused = Errc::shed;
    } else if (take_memory(message, &call->times, &draft)) {
      published = attempt(message, draft);
      if (!published.accepted() || published.duplicate) {
        give_memory(message, draft);
      }
    }
    again =
        published.refused == Errc::queue_full &&
        ((options_.overflow == Overflow::block && wait_for_room(shard, call)) ||
         (options_.overflow == Overflow::drop_oldest && drops < kDropsMax && drop_oldest(shard)));
  }
  if (!published.accepted()) {
    published.refused = closed.read() ? Errc::closed : published.refused;
    call->remember(draft, keyed, published.refused);
    count_refused(published.refused, 1);
  } else if (watched) {
    look_at_depth();
  }
  return published;
}

// Equal dedup ids meet in one shard: that of the key, or their own.
void QueueState::route_ruled(const Message& message, Draft* draft) {
  route(message, draft);
  if (message.key.empty() && !message.dedup_id.empty()) {
    draft->shard = place_of(message.dedup_id).shard;
  }
}

void QueueState::fill(const Message& message,
                      const Draft& draft,
                      Shard::Admission* admission) const {
  place(message, draft, &admission->submission);
  admission->key = options_.key_messages_max != 0 ? message.key : std::string_view();
  admission->dedup_id = message.dedup_id;
  admission->dedup_hash = static_cast<std::uint32_t>(hash_bytes(message.dedup_id));
  admission->priority = message.priority;
}

bool QueueState::take_memory(const Message& message, Times* times, Draft* draft) {
  const std::uint64_t content = options_.bytes_max != 0 ? content_bytes(message) : 0;
  if (content != 0 && !bytes_held.add_within(content, options_.bytes_max)) {
    return false;
  }
  if (!prepare(message, times, draft)) {
    bytes_held.subtract(content);
    return false;
  }
  if (journal != nullptr) {
    ask({&message, 1}, {draft, 1});
  }
  return true;
}

void QueueState::give_memory(const Message& message, const Draft& draft) {
  bytes_held.subtract(options_.bytes_max != 0 ? content_bytes(message) : 0);
  pool.give(draft.block);
}

Published QueueState::attempt(const Message& message, const Draft& draft) {
  Shard& shard = *shards_[draft.shard];
  const bool key_limited = options_.key_messages_max != 0 && !message.key.empty();
  if (key_limited || !message.dedup_id.empty()) {
    Shard::Admission admission;
    fill(message, draft, &admission);
    shard.admit(std::span(&admission, 1), options_.key_messages_max);
    const bool taken = admission.refused == Errc{};
    if (journal != nullptr && taken) {
      journal->post(*shard.journal(), is_sync(message));
    }
    return {taken ? message_id(draft.shard, admission.position) : MessageId{}, admission.refused,
            taken && admission.duplicate};
  }
  const Shard::Inbox::Claim claim = shard.claim(1);
  if (claim.count == 0) {
    return {{}, Errc::queue_full};
  }
  place(message, draft, &shard.inbox().entry(claim.position));
  shard.set_priority(claim.position, message.priority);
  shard.inbox().publish(claim);
  consumers.notify_one();
  if (journal != nullptr) {
    journal->post(*shard.journal(), is_sync(message));
  }
  return {message_id(draft.shard, claim.position), Errc{}};
}

// True: there may be room now. Every hold that ends wakes everybody who waits here, and asking the
// shard may be a hold: so nobody asks before there seems to be room, or they would wake each other.
bool QueueState::wait_for_room(Shard& shard, Ruled* call) {
  // Payload blocks that a batch gives back, and bytes, are not told of.
  constexpr milliseconds kLookAgain{1};
  if (!may_block_ || closed.read()) {
    return false;
  }
  if (call->block_until_ns < 0) {
    call->block_until_ns =
        now_ns() + nanoseconds(std::min(options_.block_max, milliseconds(kWaitMsMax))).count();
  }
  for (bool room = false; !room;) {
    const EventCount::Key key = onlookers.prepare();
    const nanoseconds left{call->block_until_ns - now_ns()};
    if (closed.read() || left <= nanoseconds::zero()) {
      onlookers.cancel();
      return false;
    }
    room = shard.may_have_room();
    if (room && call->hurry) {
      call->hurry = false;  // but not twice: what is missing may be something else
      onlookers.cancel();
      return true;
    }
    onlookers.wait(key, room ? std::min<nanoseconds>(left, kLookAgain) : left);
    call->hurry = true;
  }
  return true;
}

bool QueueState::drop_oldest(Shard& shard) {
  const std::uint64_t position = shard.drop_oldest();
  if (position == 0) {
    return false;
  }
  if (const auto told = observer()) {
    told->dropped(message_id(shard.number(), position));
  }
  return true;
}

void QueueState::count_refused(Errc why, std::uint64_t messages) {
  if (why == Errc::queue_full) {
    refused_full.add(messages);
  } else if (why == Errc::key_full) {
    refused_key_full.add(messages);
  } else if (why == Errc::shed) {
    shed.add(messages);
  }
}

// Looks again before it refuses: while everything is refused nobody else would.
bool QueueState::sheds(const Message& message) {
  if (message.priority >= options_.shed_below || !high.above()) {
    return false;
  }
  look_at_depth();
  return high.above();
}

// --- watermarks -------------------------------------------------------------------------------

std::uint64_t QueueState::depth() const {
  std::uint64_t depth = 0;
  for (const auto& shard : shards_) {
    depth += shard->occupied();
  }
  return depth;
}

void QueueState::look_at_depth() {
  const std::uint64_t held = depth();
  const bool was_above = high.above();
  const bool above = was_above ? held > options_.low_watermark : held >= options_.high_watermark;
  high.set(above, [this](bool now_above) {
    if (const auto told = observer()) {
      now_above ? told->rose_to_high() : told->fell_to_low();
    }
  });
}

std::shared_ptr<QueueObserver> QueueState::observer() const {
  const std::lock_guard lock(observer_mutex_);
  return observer_;
}

void QueueState::observe(std::shared_ptr<QueueObserver> observer) {
  const std::lock_guard lock(observer_mutex_);
  observer_ = std::move(observer);
}

}  // namespace laneway::engine

// Floor 3. The publish side of a queue. Next in the path of a message:
// engine/concurrent/inbox_ring.hpp.
#include "engine/base/hash.hpp"
#include "engine/driver.hpp"
#include "engine/message_item.hpp"
#include "engine/publish_draft.hpp"
#include "engine/queue_state.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kChunk = kBatchMax;
// Slots that are asked for before they are written: they were last seen by the consumer's core.
constexpr std::uint32_t kWriteAhead = 8;

}  // namespace

Result<> QueueState::admits() {
  if (closed.read()) {
    return {Errc::closed, "the queue has been closed"};
  }
  if (publishing_paused.read()) {
    refused_paused.add(1);
    return {Errc::paused_for_publish, "publishing is paused"};
  }
  return {};
}

inline Result<> QueueState::check_message_sizes(const Message& message) const {
  if (message.payload.size() > options_.payload_bytes_max) {
    return {Errc::too_large, "the payload is above payload_bytes_max"};
  }
  if (message.key.size() > kKeyBytesMax) {
    return {Errc::too_large, "a key has at most 1,024 bytes"};
  }
  if (message.type.size() > kTypeBytesMax) {
    return {Errc::too_large, "a type has at most 255 bytes"};
  }
  if (message.dedup_id.size() > kDedupIdBytesMax) {
    return {Errc::too_large, "a dedup id has at most 64 bytes"};
  }
  return {};
}

inline Result<> QueueState::check(const Message& message) {
  if (const Result<> sizes = check_message_sizes(message); !sizes) [[unlikely]] {
    refused_too_large.add(1);
    return sizes.error();
  }
  constexpr milliseconds kDelayMax{kDelayMsMax};
  if (message.delay < milliseconds::zero() || message.delay > kDelayMax) {
    return {Errc::invalid_argument, "a delay is 0 to 8.7 years"};
  }
  if (message.ttl < milliseconds::zero() || message.ttl > kDelayMax) {
    return {Errc::invalid_argument, "a ttl is 0 (none) to 8.7 years"};
  }
  if (message.attempts_max > kAttemptsMax) {
    return {Errc::invalid_argument, "attempts_max is at most 60,000"};
  }
  const bool plain = message.key.empty() && message.type.empty() && message.attempts_max == 0 &&
                     message.delay == milliseconds::zero() && message.ttl == milliseconds::zero();
  if (is_handoff() && !plain) {
    return {Errc::invalid_argument, "a handoff queue carries payloads only"};
  }
  if (message.priority != 0 || !message.dedup_id.empty() || message.durability) [[unlikely]] {
    return check_message_rules(message);
  }
  return {};
}

Errc QueueState::refuse_full(std::uint64_t messages) {
  refused_full.add(messages);
  return Errc::queue_full;
}

Result<MessageId> QueueState::publish(const Message& message, bool wait) {
  if (const Result<> admitted = admits(); !admitted) {
    return admitted.error();
  }
  if (const Result<> valid = check(message); !valid) {
    return valid.error();
  }
  if (is_handoff()) {
    return publish_handoff(message);
  }
  if (ruled_) [[unlikely]] {
    return journal == nullptr ? publish_by_rules(message) : publish_recorded(message, wait);
  }
  Times times{*this};
  Draft draft;
  route(message, &draft);
  if (!prepare(message, &times, &draft)) {
    return {refuse_full(1), "the payload pool is used up"};
  }
  Shard& shard = *shards_[draft.shard];
  const Shard::Inbox::Claim claim = shard.claim(1);
  if (claim.count == 0) {
    pool.give(draft.block);
    return {refuse_full(1), "no room in the shard"};
  }
  stall_point(StallPoint::publish_claimed);
  shard.inbox().prefetch_for_write(claim.position + kWriteAhead);
  place(message, draft, &shard.inbox().entry(claim.position));
  shard.inbox().publish(claim);
  consumers.notify_one();
  return message_id(draft.shard, claim.position);
}

Result<std::size_t> QueueState::publish(std::span<const Message> messages,
                                        std::span<Published> results) {
  if (const Result<> admitted = admits(); !admitted) {
    return admitted.error();
  }
  if (!results.empty() && results.size() < messages.size()) {
    return {Errc::invalid_argument, "results must be as long as messages"};
  }
  for (const Message& message : messages) {
    if (const Result<> valid = check(message); !valid) {
      return valid.error();
    }
  }
  if (is_handoff()) {
    return publish_handoff(messages, results);
  }
  if (ruled_) [[unlikely]] {
    return journal == nullptr ? publish_by_rules(messages, results)
                              : publish_recorded(messages, results);
  }
  return publish_plainly(messages, results);
}

std::size_t QueueState::publish_plainly(std::span<const Message> messages,
                                        std::span<Published> results) {
  // A shard that has refused takes no later message of this call: what it accepts of a key is
  // always a prefix.
  std::array<bool, kShardsMax> refusing{};
  Times times{*this};
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < messages.size(); at += kChunk) {
    const std::size_t size = std::min(kChunk, messages.size() - at);
    accepted +=
        publish_chunk(messages.subspan(at, size),
                      results.empty() ? results : results.subspan(at, size), refusing, &times);
  }
  return accepted;
}

std::size_t QueueState::publish_chunk(std::span<const Message> messages,
                                      std::span<Published> results,
                                      std::span<bool> refusing,
                                      Times* times) {
  std::array<Draft, kChunk> drafts;
  std::array<std::uint8_t, kChunk> order;  // the drafts that may be placed
  std::size_t ready = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    route(messages[i], &drafts[i]);
    bool& refused = refusing[drafts[i].shard];
    refused = refused || !prepare(messages[i], times, &drafts[i]);
    if (!refused) {
      order[ready++] = static_cast<std::uint8_t>(i);
    } else if (refused_full.add(1); !results.empty()) {
      results[i] = {{}, Errc::queue_full};
    }
  }
  if (journal != nullptr) [[unlikely]] {
    ask(messages, drafts);
  }
  group_by_shard(drafts, std::span(order).first(ready));
  std::size_t accepted = 0;
  for (std::size_t from = 0, to = 0; from < ready; from = to) {
    while (to < ready && drafts[order[to]].shard == drafts[order[from]].shard) {
      ++to;
    }
    const Group group{messages, drafts, std::span(order).subspan(from, to - from), results};
    const std::size_t taken = publish_group(group);
    accepted += taken;
    refusing[drafts[order[from]].shard] = taken < to - from;
  }
  return accepted;
}

// Stable counting sort; nothing to do for one shard.
void QueueState::group_by_shard(std::span<const Draft> drafts,
                                std::span<std::uint8_t> order) const {
  if (shards_.size() == 1) {
    return;
  }
  std::array<std::uint8_t, kShardsMax> place{};
  for (const std::uint8_t index : order) {
    ++place[drafts[index].shard];
  }
  std::uint8_t sum = 0;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    sum = static_cast<std::uint8_t>(sum + std::exchange(place[shard], sum));
  }
  std::array<std::uint8_t, kChunk> sorted;
  for (const std::uint8_t index : order) {
    sorted[place[drafts[index].shard]++] = index;
  }
  std::copy_n(sorted.begin(), order.size(), order.begin());
}

// The last one first: the consumer stops at the first, and looks at no other line of the batch,
// each of which it would take away from us, before the batch is there as a whole.
inline void QueueState::write(const Group& group,
                              std::size_t from,
                              std::uint32_t number,
                              const Shard::Inbox::Claim& claim) const {
  Shard::Inbox& inbox = shards_[number]->inbox();
  const std::uint32_t ahead = std::min(kWriteAhead, claim.count);
  for (std::uint32_t i = claim.count; i-- != 0;) {
    const std::uint64_t position = claim.position + i;
    // Behind the batch: where the next one begins to be written, if it is as long.
    inbox.prefetch_for_write(i >= ahead ? position - ahead
                                        : position + std::uint64_t{2} * claim.count - ahead);
    place(group.message(from + i), group.draft(from + i), &inbox.entry(position));
    inbox.publish({position, 1});
    group.answer(from + i, {message_id(number, position), Errc{}});
  }
}

// As many as the shard has room for; the rest is refused.
std::size_t QueueState::publish_group(const Group& group) {
  const std::uint32_t number = group.draft(0).shard;
  Shard& shard = *shards_[number];
  const std::size_t size = group.order.size();
  std::size_t at = 0;
  while (at < size) {
    const Shard::Inbox::Claim claim = shard.claim(static_cast<std::uint32_t>(size - at));
    if (claim.count == 0) {
      break;
    }
    stall_point(StallPoint::publish_claimed);
    write(group, at, number, claim);
    at += claim.count;
  }
  if (at != 0) {
    consumers.notify_one();  // a woken consumer passes on what it leaves in this shard
  }
  if (at != 0 && journal != nullptr) [[unlikely]] {
    tell_journal(group);
  }
  if (at < size) {
    refused_full.add(size - at);
  }
  for (std::size_t i = at; i < size; ++i) {
    pool.give(group.draft(i).block);
    group.answer(i, {{}, Errc::queue_full});
  }
  return at;
}

// --- handoff ----------------------------------------------------------------------------------

Block* QueueState::handoff_block(Bytes payload) {
  return payload.size() > kPayloadBytesInline ? pool.take(payload, {}, {}) : nullptr;
}

void QueueState::place(Bytes payload, Block* block, HandoffEntry* entry) {
  entry->block = block;
  entry->payload_bytes = block == nullptr ? payload.size() : 0;
  if (block == nullptr) {
    copy_inline<kPayloadBytesInline>(entry->payload, payload.data(), payload.size());
  }
}

Result<MessageId> QueueState::publish_handoff(const Message& message) {
  Block* const block = handoff_block(message.payload);
  if (block == nullptr && message.payload.size() > kPayloadBytesInline) {
    return {refuse_full(1), "the payload pool is used up"};
  }
  Handoff::Ring& ring = handoff_->ring();
  const Handoff::Ring::Claim claim = ring.claim(1);
  if (claim.count == 0) {
    pool.give(block);
    return {refuse_full(1), "the ring is full"};
  }
  place(message.payload, block, &ring.entry(claim.position));
  ring.publish(claim);
  consumers.notify_one();
  return message_id(0, claim.position + 1);
}

std::size_t QueueState::publish_handoff(std::span<const Message> messages,
                                        std::span<Published> results) {
  Handoff::Ring& ring = handoff_->ring();
  std::size_t at = 0;
  while (at < messages.size()) {
    std::array<Block*, kChunk> blocks;
    const std::size_t wanted = std::min(kChunk, messages.size() - at);
    std::size_t ready = 0;
    for (; ready < wanted; ++ready) {
      blocks[ready] = handoff_block(messages[at + ready].payload);
      if (blocks[ready] == nullptr && messages[at + ready].payload.size() > kPayloadBytesInline) {
        break;
      }
    }
    const auto claim =
        ready == 0 ? Handoff::Ring::Claim{0, 0} : ring.claim(static_cast<std::uint32_t>(ready));
    for (std::uint32_t i = 0; i < claim.count; ++i) {
      place(messages[at + i].payload, blocks[i], &ring.entry(claim.position + i));
      if (!results.empty()) {
        results[at + i] = {message_id(0, claim.position + i + 1), Errc{}};
      }
    }
    ring.publish(claim);
    for (std::size_t i = claim.count; i < ready; ++i) {
      pool.give(blocks[i]);
    }
    at += claim.count;
    if (claim.count < wanted) {
      break;
    }
  }
  if (at != 0) {
    consumers.notify_one();
  }
  if (at < messages.size()) {
    refused_full.add(messages.size() - at);
    std::fill(results.begin() + static_cast<std::ptrdiff_t>(results.empty() ? 0 : at),
              results.begin() + static_cast<std::ptrdiff_t>(results.empty() ? 0 : messages.size()),
              Published{{}, Errc::queue_full});
  }
  return at;
}

}  // namespace laneway::engine

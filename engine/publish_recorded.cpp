// Floor 3. Publishing into the journal: what a message may ask for, and waiting until it has it.
#include "engine/journal_host.hpp"
#include "engine/no_memory.hpp"
#include "engine/publish_draft.hpp"
#include "engine/queue_rules.hpp"
#include "engine/queue_state.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kForEver{kWaitMsMax};

}  // namespace

Result<> QueueState::check_durability(Durability wanted) const {
  if (journal == nullptr) {
    return wanted == Durability::none
               ? Result<>()
               : Result<>(Errc::not_durable, "the queue lives in memory only");
  }
  return wanted != Durability::none
             ? Result<>()
             : Result<>(Errc::invalid_argument, "every message of the queue survives");
}

Result<> QueueState::journal_admits() const {
  if (journal->failed() != 0) {
    return Error{Errc::not_durable, journal->failed(), "the journal has failed"};
  }
  if (journal->full()) {
    return {Errc::journal_full, "the journal has no room"};
  }
  return {};
}

bool QueueState::is_sync(const Message& message) const {
  return journal != nullptr && message.durability.value_or(options_.durability) == Durability::sync;
}

void QueueState::ask(std::span<const Message> messages, std::span<Draft> drafts) const {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    drafts[i].due_tick |= is_sync(messages[i]) ? ShardJournal::kSync : 0;
  }
}

void QueueState::tell_journal(const Group& group) {
  const bool urgent = std::any_of(group.order.begin(), group.order.end(), [&](std::uint8_t index) {
    return is_sync(group.messages[index]);
  });
  journal->post(*shards_[group.draft(0).shard]->journal(), urgent);
}

Result<MessageId> QueueState::publish_recorded(const Message& message, bool wait) {
  if (const Result<> admitted = journal_admits(); !admitted) {
    return admitted.error();
  }
  const Result<MessageId> id = publish_by_rules(message);
  if (id && wait && is_sync(message)) {
    if (const Result<> durable = wait_until_durable(*id); !durable) {
      return durable.error();
    }
  }
  return id;
}

Result<std::size_t> QueueState::publish_recorded(std::span<const Message> messages,
                                                 std::span<Published> results) {
  if (const Result<> admitted = journal_admits(); !admitted) {
    return admitted.error();
  }
  return unless_no_memory([&]() -> Result<std::size_t> {
    std::vector<Published> own(results.empty() ? messages.size() : 0);
    const std::span<Published> all = results.empty() ? std::span(own) : results;
    const std::size_t accepted =
        has_rules(options_) ? publish_by_rules(messages, all) : publish_plainly(messages, all);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (!all[i].accepted() || !is_sync(messages[i])) {
        continue;
      }
      if (const Result<> durable = wait_until_durable(all[i].id); !durable) {
        return durable.error();
      }
    }
    return accepted;
  });
}

Result<> QueueState::wait_until_durable(MessageId id) const {
  const Result<bool> durable = this->durable(id, kForEver);
  if (!durable) {
    return durable.error();
  }
  return *durable
             ? Result<>()
             : Result<>(Error{Errc::io_error, EAGAIN, "not durable yet; durable(id) may say so"});
}

Result<bool> QueueState::durable(MessageId id, milliseconds timeout) const {
  Shard* const shard = shard_of(id);
  if (shard == nullptr || journal == nullptr) {
    return {Errc::not_durable, "the queue lives in memory only"};
  }
  return journal->wait(shard->journal()->outbox(), id.position() + 1, timeout);
}

}  // namespace laneway::engine

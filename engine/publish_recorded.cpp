// Floor 3. QueueState and the journal: what a message may ask for, and waiting until it has it.
#include "engine/journal_host.hpp"
#include "engine/no_memory.hpp"
#include "engine/publish_draft.hpp"
#include "engine/queue_rules.hpp"
#include "engine/queue_state.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <vector>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;

Error cut_off() {
  return {Errc::io_error, 0, "closed before it was durable; the outcome is not known"};
}

}  // namespace

Durability QueueState::durability_of(const Message& message) const {
  return message.durability.value_or(options_.durability);
}

bool QueueState::is_sync(const Message& message) const {
  return journal != nullptr && durability_of(message) == Durability::sync;
}

Result<> QueueState::check_durability(Durability wanted) const {
  return journal != nullptr || wanted == Durability::none
             ? Result<>()
             : Result<>(Errc::not_durable, "the queue lives in memory only");
}

// Messages that leave no trace need no journal.
Result<> QueueState::journal_admits(std::span<const Message> messages) const {
  const bool needed = std::any_of(messages.begin(), messages.end(), [this](const Message& message) {
    return durability_of(message) != Durability::none;
  });
  if (needed && journal->failed() != 0) {
    return Error{Errc::not_durable, journal->failed(), "the journal has failed"};
  }
  if (needed && journal->full()) {
    return {Errc::journal_full, "the journal has no room"};
  }
  return {};
}

void QueueState::ask(std::span<const Message> messages, std::span<Draft> drafts) const {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Durability wanted = durability_of(messages[i]);
    drafts[i].due_tick |= wanted == Durability::sync   ? ShardJournal::kSync
                          : wanted == Durability::none ? ShardJournal::kSilent
                                                       : 0;
  }
}

void QueueState::tell_journal(const Group& group) {
  const bool urgent = std::any_of(group.order.begin(), group.order.end(), [&](std::uint8_t index) {
    return is_sync(group.messages[index]);
  });
  journal->post(*shards_[group.draft(0).shard]->journal(), urgent);
}

Result<MessageId> QueueState::publish_recorded(const Message& message, bool wait) {
  if (const Result<> admitted = journal_admits({&message, 1}); !admitted) {
    return admitted.error();
  }
  const Result<MessageId> id = publish_by_rules(message);
  if (id && wait) {
    if (const Result<> kept = wait_until_kept(message, *id); !kept) {
      return kept.error();
    }
  }
  return id;
}

Result<std::size_t> QueueState::publish_recorded(std::span<const Message> messages,
                                                 std::span<Published> results) {
  if (const Result<> admitted = journal_admits(messages); !admitted) {
    return admitted.error();
  }
  return unless_no_memory([&]() -> Result<std::size_t> {
    std::vector<Published> own(results.empty() ? messages.size() : 0);
    const std::span<Published> all = results.empty() ? std::span(own) : results;
    std::size_t accepted =
        has_rules(options_) ? publish_by_rules(messages, all) : publish_plainly(messages, all);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const Result<> kept =
          all[i].accepted() ? wait_until_kept(messages[i], all[i].id) : Result<>();
      if (!kept && kept.error().code == Errc::journal_full) {
        all[i] = {{}, Errc::journal_full};
        --accepted;
      } else if (!kept) {
        return kept.error();
      }
    }
    return accepted;
  });
}

// What is not waited for is recorded by a close that finds it; it finds what was claimed before it.
Result<> QueueState::wait_until_kept(const Message& message, MessageId id) const {
  if (is_sync(message)) {
    return wait_until_durable(id);
  }
  return durability_of(message) != Durability::none && closed.read() ? cut_off() : Result<>();
}

// In a journal that is full a message that is not recorded yet is taken back.
Result<> QueueState::wait_until_durable(MessageId id) const {
  constexpr milliseconds kLook{100};
  for (;;) {
    const Result<bool> durable = this->durable(id, kLook);
    if (durable && !*durable && journal->full() && shards_[id.shard()]->withdraw(id.position())) {
      return {Errc::journal_full, "the journal has no room"};
    }
    // It may be a duplicate: then it is what its first publish has asked for.
    const Result<bool> done =
        durable && !*durable ? shards_[id.shard()]->leaves_no_trace(id.position()) : durable;
    if (!done && done.error().code == Errc::closed) {
      return cut_off();
    }
    if (!done || *done) {
      return done ? Result<>() : done.error();
    }
    if (!may_block_) {
      return Error{Errc::io_error, EAGAIN, "not durable yet; durable(id) may say so later"};
    }
  }
}

Result<bool> QueueState::durable(MessageId id, milliseconds timeout) const {
  Shard* const shard = shard_of(id);
  if (shard == nullptr || journal == nullptr) {
    return {Errc::not_durable, "the queue lives in memory only"};
  }
  return journal->wait(shard->journal()->outbox(), id.position() + 1, timeout);
}

Result<bool> QueueState::flush(std::chrono::nanoseconds deadline) {
  if (journal == nullptr) {
    return true;
  }
  const bool closing = closed.read();
  if (closing) {
    close();  // returns when it has been closed
  }
  if (closing && !recorded_all_) {
    return {Errc::journal_full, "the queue was closed with what had no room in the journal"};
  }
  for (const auto& shard : shards_) {
    Outbox& outbox = shard->journal()->outbox();
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock.now());
    const milliseconds timeout = std::max(left, milliseconds::zero());
    const Result<bool> durable = closing
                                     ? journal->wait_for_records(outbox, outbox.appended(), timeout)
                                     : shard->flush(timeout);
    if (!durable || !*durable) {
      return durable;
    }
  }
  return true;
}

// At a close; what there is no room for is lost, and the journal does not say otherwise.
void QueueState::record_the_rest() noexcept {
  for (const auto& shard : shards_) {
    if (!shard->record_everything(std::numeric_limits<std::int64_t>::max())) {
      recorded_all_ = false;
      journal->lose_some();
    }
    journal->forget(*shard->journal());
  }
}

}  // namespace laneway::engine

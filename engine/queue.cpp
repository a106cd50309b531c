// Floor 3. The verbs of Queue. Next in the path of a message: engine/publish.cpp.
#include <laneway/queue.hpp>

#include "engine/message_item.hpp"
#include "engine/no_memory.hpp"
#include "engine/publish_draft.hpp"
#include "engine/queue_state.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace laneway {

namespace {

using engine::unless_no_memory;
using std::chrono::milliseconds;

constexpr std::size_t kPageMax = 10'000;

Error queue_closed() {
  return {Errc::closed, 0, "the queue has been closed"};
}
std::uint64_t settled(const QueueStats& stats) {
  return stats.acked + stats.nacked + stats.released + stats.rejected + stats.abandoned;
}
Error no_such_letter() {
  return {Errc::not_found, 0, "no such dead letter"};
}

}  // namespace

Queue::Queue(std::shared_ptr<engine::QueueState> state) noexcept : state_(std::move(state)) {}
Queue::Queue(const Queue&) = default;
Queue::Queue(Queue&&) noexcept = default;
Queue& Queue::operator=(const Queue&) = default;
Queue& Queue::operator=(Queue&&) noexcept = default;
Queue::~Queue() = default;

std::string_view Queue::name() const noexcept {
  return state_->name();
}
const QueueOptions& Queue::options() const noexcept {
  return state_->options();
}

Result<MessageId> Queue::publish(const Message& message) {
  return state_->publish(message, true);
}

Result<MessageId> Queue::publish_async(const Message& message) {
  return state_->publish(message, false);
}

Result<bool> Queue::durable(MessageId id) const {
  return state_->durable(id, milliseconds::zero());
}

Result<bool> Queue::wait_durable(MessageId id, milliseconds timeout) {
  if (timeout < milliseconds::zero()) {
    return {Errc::invalid_argument, "timeout is not negative"};
  }
  return state_->durable(id, std::min(timeout, milliseconds(engine::kWaitMsMax)));
}

Result<std::size_t> Queue::publish(std::span<const Message> messages,
                                   std::span<Published> results) {
  return state_->publish(messages, results);
}

Result<Consumer> Queue::consumer() {
  if (state_->closed.read()) {
    return queue_closed();
  }
  return Consumer(state_, state_->next_consumer());
}

Result<MessageStatus> Queue::status(MessageId id) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  engine::Shard* const shard = state_->shard_of(id);
  return shard == nullptr ? Result<MessageStatus>(MessageStatus{})
                          : unless_no_memory([&] { return shard->status(id.position()); });
}

Result<MessageStatus> Queue::wait(MessageId id, milliseconds timeout) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  if (timeout < milliseconds::zero()) {
    return {Errc::invalid_argument, "timeout is not negative"};
  }
  engine::Shard* const shard = state_->shard_of(id);
  return shard == nullptr ? Result<MessageStatus>(MessageStatus{})
                          : state_->wait(*shard, id, timeout);
}

Result<MessageState> Queue::cancel(MessageId id) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  engine::Shard* const shard = state_->shard_of(id);
  if (shard == nullptr) {
    return {Errc::not_found, "no such message, or it is over"};
  }
  return shard->cancel(id.position());
}

Result<QueueStats> Queue::stats() {
  if (state_->closed.read()) {
    return queue_closed();
  }
  return state_->stats();
}

Result<QueueStats> Queue::stats(std::uint32_t shard) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  if (shard >= state_->shards().size()) {
    return {Errc::invalid_argument, "no such shard"};
  }
  QueueStats stats;
  const Result<> counted = state_->shards()[shard]->stats(&stats);
  return counted ? Result<QueueStats>(stats) : counted.error();
}

// --- dead letters -----------------------------------------------------------------------------

Result<DeadLetterPage> Queue::dead_letters(const DeadLetterQuery& query) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  if (query.limit == 0 || query.limit > kPageMax) {
    return {Errc::invalid_argument, "limit is 1 to 10,000"};
  }
  return unless_no_memory([&] { return state_->dead_letters(query); });
}

Result<> Queue::replay(MessageId id) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  engine::Shard* const shard = state_->shard_of(id);
  return shard != nullptr ? shard->replay(id.position(), 0) : Result<>(no_such_letter());
}

Result<std::size_t> Queue::replay_all(const ReplayOptions& options) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  const std::int64_t now_ns = state_->now_ns();
  return unless_no_memory([&]() -> Result<std::size_t> {
    std::uint64_t replayed = 0;
    for (const auto& shard : state_->shards()) {
      for (const std::uint64_t position : shard->dead_in_join_order(options.filter)) {
        const std::uint64_t ms =
            options.per_second == 0 ? 0 : replayed * milliseconds::period::den / options.per_second;
        const std::uint64_t due = ms == 0 ? 0 : engine::ShardCore::tick_after(now_ns, ms);
        replayed += shard->replay(position, due).has_value() ? 1u : 0u;
      }
    }
    return static_cast<std::size_t>(replayed);
  });
}

Result<> Queue::discard(MessageId id) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  engine::Shard* const shard = state_->shard_of(id);
  return shard != nullptr ? shard->discard(id.position()) : Result<>(no_such_letter());
}

Result<std::size_t> Queue::discard_all(const DeadLetterFilter& filter) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  return unless_no_memory([&]() -> Result<std::size_t> {
    std::size_t discarded = 0;
    for (const auto& shard : state_->shards()) {
      for (const std::uint64_t position : shard->dead_in_join_order(filter)) {
        discarded += shard->discard(position).has_value() ? 1u : 0u;
      }
    }
    return discarded;
  });
}

Result<> Queue::release_key(std::string_view key) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  if (state_->is_handoff()) {
    return {Errc::not_found, "a handoff queue has no keys"};
  }
  const engine::QueueState::KeyPlace place = state_->place_of(key);
  return state_->shards()[place.shard]->release_key(key, place.hash);
}

// --- operators --------------------------------------------------------------------------------

void Queue::observe(std::shared_ptr<QueueObserver> observer) {
  state_->observe(std::move(observer));
}

void Queue::pause_consuming() noexcept {
  state_->consuming_paused.set(true);
}

void Queue::resume_consuming() noexcept {
  state_->consuming_paused.set(false);
  if (!state_->closed.read()) {
    state_->refresh();
  }
}

void Queue::pause_publishing() noexcept {
  state_->publishing_paused.set(true);
}
void Queue::resume_publishing() noexcept {
  state_->publishing_paused.set(false);
}

Result<DrainReport> Queue::drain(milliseconds grace) {
  if (state_->closed.read()) {
    return queue_closed();
  }
  if (grace < milliseconds::zero()) {
    return {Errc::invalid_argument, "grace is not negative"};
  }
  constexpr milliseconds kLook{1};
  pause_consuming();
  const SteadyClock clock;
  const auto deadline = clock.now() + std::min(grace, milliseconds(engine::kWaitMsMax));
  Result<QueueStats> stats = state_->stats();
  const std::uint64_t settled_before = stats ? settled(*stats) : 0;
  while (stats && stats->leased != 0 && clock.now() < deadline) {
    std::this_thread::sleep_for(kLook);
    stats = state_->stats();
  }
  DrainReport report;
  report.finished = stats ? settled(*stats) - settled_before : 0;
  for (const auto& shard : state_->shards()) {
    report.released += shard->take_back_leases();
  }
  stats = state_->stats();
  if (!stats) {
    return stats.error();
  }
  report.waiting = stats->ready + stats->blocked + stats->delayed;
  return report;
}

void Queue::close() noexcept {
  state_->close();
}

}  // namespace laneway

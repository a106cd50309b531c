// Floor 3. Consumer and MessageBatch.
#include <laneway/consumer.hpp>

#include "engine/message_item.hpp"
#include "engine/queue_state.hpp"

#include <new>
#include <utility>

namespace laneway {

MessageBatch::MessageBatch() noexcept = default;
MessageBatch::~MessageBatch() {
  clear();
}

engine::MessageItem* MessageBatch::items() noexcept {
  return std::launder(reinterpret_cast<engine::MessageItem*>(storage_));
}
const engine::MessageItem* MessageBatch::items() const noexcept {
  return std::launder(reinterpret_cast<const engine::MessageItem*>(storage_));
}

Bytes MessageBatch::payload(std::size_t index) const noexcept {
  return items()[index].payload_view();
}

MessageView MessageBatch::message(std::size_t index) const noexcept {
  const engine::MessageItem& item = items()[index];
  return {item.id, item.key_view(), item.payload_view(), item.type_view(),
          0,       item.attempt,    item.published};
}

void MessageBatch::clear() noexcept {
  for (std::size_t i = 0; i < size_; ++i) {
    if (items()[i].block != nullptr) {
      queue_->pool.give(items()[i].block);
    }
  }
  size_ = 0;
}

Consumer::Consumer(std::shared_ptr<engine::QueueState> queue, std::uint32_t number) noexcept
    : queue_(std::move(queue)), number_(number) {}
Consumer::Consumer(Consumer&&) noexcept = default;
Consumer& Consumer::operator=(Consumer&&) noexcept = default;
Consumer::~Consumer() = default;

// Home first, but now and then another shard, so that a busy home does not starve the others.
std::uint32_t Consumer::next_visit() noexcept {
  constexpr std::uint32_t kHomeVisits = 4;
  ++visits_;
  return visits_ % kHomeVisits != 0 ? number_ : number_ + visits_ / kHomeVisits;
}

Result<LeaseBatch> Consumer::receive(const ReceiveOptions& options) {
  // One variable, returned at one place: the batch is built where the caller wants it.
  Result<LeaseBatch> batch(std::in_place);
  const Result<> received = queue_->receive(options, number_, next_visit(), &*batch);
  if (!received) {
    batch = received.error();
  }
  return batch;
}

Result<std::size_t> Consumer::take(MessageBatch& batch, const ReceiveOptions& options) {
  batch.clear();
  if (batch.queue_ != queue_) {
    batch.queue_ = queue_;
  }
  return queue_->take(options, next_visit(), &batch);
}

}  // namespace laneway

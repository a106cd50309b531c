// Consumer: one thread's handle for receiving from a queue.
#pragma once

#include <laneway/lease.hpp>
#include <laneway/options.hpp>

#include <memory>

namespace laneway {

namespace engine {
class QueueState;
class Handoff;
struct MessageItem;
}  // namespace engine

// Messages taken for good (Consumer::take): copies in the batch's own storage, up to 64. Make one
// and use it again and again; each take replaces what it held. Views live until the next take,
// clear or destruction. About 8 KiB; one thread at a time.
class LANEWAY_EXPORT MessageBatch {
 public:
  static constexpr std::size_t kMax = 64;

  MessageBatch() noexcept;
  MessageBatch(const MessageBatch&) = delete;
  MessageBatch& operator=(const MessageBatch&) = delete;
  ~MessageBatch();

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  Bytes payload(std::size_t index) const noexcept;
  // Key, type, id, attempt and time as well; a handoff queue has payload and id only.
  MessageView message(std::size_t index) const noexcept;
  void clear() noexcept;

 private:
  friend class engine::QueueState;
  friend class engine::Shard;
  friend class engine::Handoff;
  friend class Consumer;

  engine::MessageItem* items() noexcept;
  const engine::MessageItem* items() const noexcept;

  std::size_t size_ = 0;
  std::shared_ptr<engine::QueueState> queue_;
  alignas(64) std::byte storage_[kMax * 128];
};

// Made by Queue::consumer(). One thread at a time; make one per thread. It remembers its home shard
// and visits that one first, then the others.
class LANEWAY_EXPORT Consumer {
 public:
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;
  ~Consumer();

  // Up to options.max leases. Empty is not an error: nothing was available in time, or every shard
  // that had something was held by another thread (LeaseBatch::shards_skipped). Blocks at most
  // options.wait. Non-blocking by try-lock, not lock-free: a shard that is held is skipped.
  // Without a wait its work is bounded: when thousands of leases have expired or been settled at
  // once, it may answer empty before it got to what is ready, and the next call goes on.
  // closed; invalid_argument (max of 0 or above 64, negative wait, lease out of range, handoff).
  Result<LeaseBatch> receive(const ReceiveOptions& options = {});

  // Receives at most once: messages are COMPLETED as they are handed out, without lease or retry;
  // the order of keys is kept. The only receive of a handoff queue, where it is lock-free.
  // Answers batch.size(). closed; invalid_argument as above (options.lease is not used).
  Result<std::size_t> take(MessageBatch& batch, const ReceiveOptions& options = {});

 private:
  friend class Queue;
  Consumer(std::shared_ptr<engine::QueueState> queue, std::uint32_t number) noexcept;
  std::uint32_t next_visit() noexcept;

  std::shared_ptr<engine::QueueState> queue_;
  std::uint32_t number_;      // from 1, in order of creation
  std::uint32_t visits_ = 0;  // every fourth one begins at another shard than home
};

}  // namespace laneway

// Lease: the exclusive, timed right to work on one message (or one ordered run of messages).
//
//   for (laneway::Lease& job : *consumer.receive({.max = 32, .wait = 1s})) {
//     if (handle(job.payload())) {
//       (void)job.ack();    // lease_lost when it expired meanwhile: another worker may have it
//     } else {
//       (void)job.nack({.error = "customer service timed out"});  // back-off, then again
//     }
//   }                       // a Lease destroyed unsettled is a nack, reason "abandoned"
//
// Life of a message: publish -> READY -> grant -> LEASED -> ack -> COMPLETED; see docs/delivery.md.
// Implementation of the settle path: engine/lease.cpp, then engine/concurrent/returns_ring.hpp.
#pragma once

#include <laneway/message.hpp>
#include <laneway/outcome.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <memory>
#include <new>

namespace laneway {

namespace engine {
class Shard;
class QueueState;
}  // namespace engine

// One message as a consumer sees it. The views live as long as the Lease (or batch) they came from.
struct MessageView {
  MessageId id;
  std::string_view key;
  Bytes payload;
  std::string_view type;
  std::uint64_t fence;    // of the lease; 0 for a message that was taken
  std::uint32_t attempt;  // 1 for the first delivery; deliveries given back are not counted
  std::chrono::system_clock::time_point published;  // when its shard first accepted it
};

// Move-only. Settle it from any thread, one call at a time per Lease. All settles are lock-free.
// A settle that comes too late answers lease_lost and changes nothing; after the queue has been
// closed every settle answers closed. A settled Lease answers lease_lost.
class LANEWAY_EXPORT Lease {
 public:
  Lease() noexcept = default;  // empty: valid() is false, settles answer lease_lost
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  // True until this Lease is settled here, destroyed, or moved from. Says nothing about expiry.
  bool valid() const noexcept { return shard_ != nullptr; }

  // The bytes as published. Valid until this Lease is settled or destroyed, even past its deadline:
  // a Lease pins its slot. For a run: those of its first message. valid() must hold, here and
  // below; anything else is a mistake that stops the program.
  Bytes payload() const noexcept;
  std::string_view key() const noexcept;
  std::string_view type() const noexcept;
  MessageId id() const noexcept;
  std::uint32_t attempt() const noexcept { return attempt_; }
  // Fencing token: strictly rises from grant to grant of a key. Hand it to the systems you write
  // to, so that they can refuse a worker whose lease has expired.
  std::uint64_t fence() const noexcept { return fence_; }

  // Messages of this lease: 1, or up to QueueOptions::run_max consecutive ones of one key.
  std::size_t size() const noexcept;
  // The i-th of them, in key order; i < size(). valid() must hold.
  MessageView message(std::size_t index = 0) const noexcept;

  // The work is done: COMPLETED, and the next message of the key may be granted. For a run: all.
  Result<> ack();
  // As ack; status(id) shows the result afterwards, up to 96 bytes of it. invalid_argument: a run
  // of several messages, or a queue without QueueOptions::results_remembered.
  Result<> ack(std::string_view result);
  // As ack, and returns when that is on stable storage: the message does not come back after a
  // restart. Waits; for many at once there is Engine::flush. not_durable: the queue lives in memory
  // only, and nothing happened. journal_full, io_error: acknowledged, but not durably.
  Result<> ack_durable();
  // The first `count` messages of the run are done; the lease goes on with the rest. Cumulative:
  // a count that is not higher than before changes nothing. count == size() is ack(). They count as
  // leased until the lease ends, and then as COMPLETED.
  Result<> ack_through(std::size_t count);
  // The attempt failed: again after the back-off (or failure.after), DEAD when attempts are used
  // up. Of a run the first message not yet acknowledged has failed; the rest goes back uncounted.
  Result<> nack(const Failure& failure = {});
  // Gives the message back, ready at once and in its place, without counting an attempt.
  Result<> release();
  // Permanent failure: DEAD at once, never retried. Of a run: the first not yet acknowledged.
  Result<> reject(const Failure& failure = {});
  // Moves the lease deadline to now + by, never earlier than it was. 0 < by <= 7 days. cancelled:
  // it has been moved, and somebody has asked to cancel a message of it: stop when you can.
  Result<> extend(std::chrono::milliseconds by);

 private:
  friend class engine::Shard;
  friend class LeaseBatch;

  Lease(engine::Shard* shard,
        std::uint64_t fence,
        std::uint32_t slot,
        std::uint32_t run,
        std::uint32_t generation,
        std::uint32_t attempt) noexcept
      : shard_(shard),
        fence_(fence),
        slot_(slot),
        run_(run),
        generation_(generation),
        attempt_(attempt) {}

  // Marks, inside LeaseBatch::ack, the leases whose settle has won.
  static constexpr std::uint32_t kWon = std::uint32_t{1} << 31;

  engine::Shard* shard_ = nullptr;
  std::uint64_t fence_ = 0;
  std::uint32_t slot_ = 0;
  std::uint32_t run_ = 0;  // index of the run record + 1, or 0
  std::uint32_t generation_ = 0;
  std::uint32_t attempt_ = 0;
};

// What one receive granted: up to 64 leases in place, no heap. Moving it moves the leases.
class LANEWAY_EXPORT LeaseBatch {
 public:
  static constexpr std::size_t kMax = 64;

  LeaseBatch() noexcept {}
  LeaseBatch(LeaseBatch&& other) noexcept;
  LeaseBatch& operator=(LeaseBatch&& other) noexcept;
  ~LeaseBatch();

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  Lease* begin() noexcept { return data(); }
  Lease* end() noexcept { return data() + size_; }
  Lease& operator[](std::size_t index) noexcept { return data()[index]; }
  // Shards that another thread held during the receive: skipped, not known to be empty.
  std::uint32_t shards_skipped() const noexcept { return shards_skipped_; }

  // Acknowledges every lease that is still valid, at less cost than one by one. Answers how many
  // were completed; the others were lost (or closed).
  std::size_t ack();

 private:
  friend class engine::Shard;
  friend class engine::QueueState;

  Lease* data() noexcept { return std::launder(reinterpret_cast<Lease*>(storage_)); }
  void steal(LeaseBatch& other) noexcept;
  void clear() noexcept;

  std::uint32_t size_ = 0;
  std::uint32_t shards_skipped_ = 0;
  alignas(Lease) std::byte storage_[kMax * sizeof(Lease)];
};

}  // namespace laneway

// Queue: a named set of shards. Any thread may publish.
//
//   laneway::Queue mails = *engine.queue("mails", {.capacity = 10'000});
//   auto id = mails.publish({.key = "customer-7", .payload = "welcome"});
//
// The path of a message, file by file: queue.hpp, engine/queue.cpp,
// engine/concurrent/inbox_ring.hpp, engine/core/shard_core.hpp, lease.hpp,
// engine/concurrent/returns_ring.hpp.
#pragma once

#include <laneway/consumer.hpp>
#include <laneway/dead_letter.hpp>
#include <laneway/message.hpp>
#include <laneway/observer.hpp>
#include <laneway/options.hpp>
#include <laneway/stats.hpp>

#include <chrono>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace laneway {

// What Queue::drain found.
struct DrainReport {
  std::uint64_t finished = 0;  // messages settled during the grace
  std::uint64_t released = 0;  // messages taken back when it was over; not counted as attempts
  std::uint64_t waiting = 0;   // messages that stay in the queue: ready, blocked, delayed
};

// A handle: copy it freely, it shares the queue. Every verb may be called from any thread. After
// close every verb that can fail answers closed.
class LANEWAY_EXPORT Queue {
 public:
  Queue(const Queue&);
  Queue(Queue&&) noexcept;
  Queue& operator=(const Queue&);
  Queue& operator=(Queue&&) noexcept;
  ~Queue();

  std::string_view name() const noexcept;
  // As opened, with the number of shards filled in.
  const QueueOptions& options() const noexcept;

  // Takes one message: afterwards it will be delivered at least once or end in the dead letters.
  // Nothing happened on an error: queue_full, key_full, too_large, closed, paused_for_publish,
  // not_durable (the queue gives less than the message asks for, or the journal has failed),
  // journal_full, invalid_argument (negative delay or ttl; delay, ttl, key, type or attempts_max on
  // a handoff queue). After io_error the outcome is not known: the journal failed, or was closed
  // meanwhile; the message is not delivered in this life and may be there after a restart.
  // A message of Durability::sync is on stable storage when this returns; others wait for nothing.
  // Lock-free; when the ring of the shard is full it helps once by running the shard.
  Result<MessageId> publish(const Message& message);

  // As publish, but does not wait for a message of Durability::sync to be durable, which it is
  // when durable() or wait_durable() says so; before that it is not delivered.
  Result<MessageId> publish_async(const Message& message);
  // Is what publish_async has taken on stable storage? io_error: it never will be.
  Result<bool> durable(MessageId id) const;
  // False: not within the timeout. Of several messages of one shard the last one speaks for all.
  Result<bool> wait_durable(MessageId id, std::chrono::milliseconds timeout);

  // Takes messages in order; answers how many were accepted, and for each its id or why not when
  // `results` is given (as long as `messages`). Shards fill apart, so the accepted ones are not
  // always a prefix; but of one key they are.
  // The error is that of the call as a whole: closed, paused_for_publish, invalid_argument (results
  // too short, or a message that could never be taken: then none is); in a queue that survives
  // not_durable and journal_full too, when none is taken, no_memory without `results`, and
  // io_error, after which the outcome of each is not known.
  Result<std::size_t> publish(std::span<const Message> messages, std::span<Published> results = {});

  // A handle for one receiving thread. Its home shard is drawn in turn.
  Result<Consumer> consumer();

  // Where a message is. Sees what this thread did before: a returned ack() shows COMPLETED.
  // Runs the shard; waits briefly for its holder. unknown for ids it never saw or has forgotten.
  // no_memory: for the error text, here and in wait.
  Result<MessageStatus> status(MessageId id);

  // Waits until the message is over (completed, dead, expired, discarded, cancelled) or unknown, at
  // most `timeout`; answers its status then, whichever it is. With a manual driver it does not
  // wait. Looks at the message at most every millisecond or so while the queue is busy.
  Result<MessageStatus> wait(MessageId id, std::chrono::milliseconds timeout);

  // Ends a message that waits: answers cancelled. A leased one is marked and leased is answered:
  // its holder is told by the next extend; an ack still completes it, any other end makes it
  // CANCELLED. not_found: unknown, over, or among the dead letters. journal_full, here and in the
  // verbs of dead letters: the queue survives and its journal is behind; nothing happened.
  Result<MessageState> cancel(MessageId id);

  // Consistent per shard; settles and publishes returned before the call are counted, unless the
  // queue survives and its disk stalls: then those that it has not recorded yet may be missing.
  Result<QueueStats> stats();
  // invalid_argument: no such shard; a handoff queue has none.
  Result<QueueStats> stats(std::uint32_t shard);

  // Pages through the dead letters. invalid_argument: a limit of 0 or above 10,000;
  // no_memory.
  Result<DeadLetterPage> dead_letters(const DeadLetterQuery& query = {});
  // Gives a dead letter a new life: attempts start at 1, it joins at the end of its key; with
  // OnDeath::hold_key it takes its old place at the head of the key that waits for it. A key that
  // diverts goes on. not_found: no such dead letter.
  Result<> replay(MessageId id);
  // All that fit, each key in its old order. Answers how many. no_memory: some may be left, here
  // and below.
  Result<std::size_t> replay_all(const ReplayOptions& options = {});
  // Removes a dead letter for good. not_found: no such dead letter.
  Result<> discard(MessageId id);
  // All that fit. Answers how many.
  Result<std::size_t> discard_all(const DeadLetterFilter& filter = {});
  // Lets a key go on that one of its dead letters stops (OnDeath); they stay dead letters.
  // not_found: no such key, or nothing stops it.
  Result<> release_key(std::string_view key);

  // Who is told from now on, instead of whoever was before. Null: nobody.
  void observe(std::shared_ptr<QueueObserver> observer);

  // Consuming: receive grants nothing; leases, timers and publishing go on. Publishing: publish
  // answers paused_for_publish. Both are levels, not counts.
  void pause_consuming() noexcept;
  void resume_consuming() noexcept;
  void pause_publishing() noexcept;
  void resume_publishing() noexcept;

  // Stops granting, waits at most `grace` for the leases in hand to be settled, takes back the
  // others (their holders get lease_lost) and reports. The queue stays paused for consuming.
  Result<DrainReport> drain(std::chrono::milliseconds grace);

  // Ends the queue: wakes every waiting thread, ends all leases. Messages in memory are gone.
  // Lease objects may outlive it: their bytes stay readable. Idempotent.
  void close() noexcept;

 private:
  friend class Engine;
  explicit Queue(std::shared_ptr<engine::QueueState> state) noexcept;

  std::shared_ptr<engine::QueueState> state_;
};

}  // namespace laneway

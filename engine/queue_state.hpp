// Floor 3. QueueState: what all handles of a queue share: its shards (or its hand-off ring), and
// the loops of publish and receive over them.
#pragma once

#include <laneway/queue.hpp>

#include "engine/handoff.hpp"
#include "engine/shard.hpp"
#include "engine/shard_host.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace laneway::engine {

// Where a queue lives.
struct QueuePlace {
  std::shared_ptr<Driver> driver;
  bool may_block = true;
  std::chrono::system_clock::time_point origin = {};
  std::shared_ptr<JournalHost> journal = nullptr;  // null: in memory only
  std::uint16_t journal_number = 0;
};

class QueueState final : public ShardHost, public std::enable_shared_from_this<QueueState> {
 public:
  // Checks the options and fills in the number of shards.
  static Result<QueueOptions> complete(const QueueOptions& options);
  static std::uint64_t bytes(const QueueOptions& completed);

  QueueState(std::string name, const QueueOptions& completed, const QueuePlace& place);
  ~QueueState() override;
  // False: the system refused an address range.
  bool mapped() const;
  // With a journal, before anybody knows the queue: records from now on, and brings back what an
  // earlier life left.
  Result<> recover();

  const std::string& name() const { return name_; }
  const QueueOptions& options() const { return options_; }
  bool is_handoff() const { return options_.kind == QueueKind::handoff; }

  // `wait`: until a message of Durability::sync is durable.
  Result<MessageId> publish(const Message& message, bool wait);
  Result<std::size_t> publish(std::span<const Message> messages, std::span<Published> results);

  std::uint32_t next_consumer() { return static_cast<std::uint32_t>(consumers_made_.next()) + 1; }
  Result<> receive(const ReceiveOptions& options,
                   std::uint32_t consumer,
                   std::uint32_t visit,
                   LeaseBatch* batch);
  Result<std::size_t> take(const ReceiveOptions& options, std::uint32_t visit, MessageBatch* batch);

  std::span<const std::unique_ptr<Shard>> shards() const { return shards_; }
  struct KeyPlace {
    std::uint32_t shard;
    std::uint32_t hash;  // within the shard
  };
  KeyPlace place_of(std::string_view key) const;
  // The shard that an id names, or null.
  Shard* shard_of(MessageId id) const;
  Result<QueueStats> stats();
  // Throws std::bad_alloc.
  Result<DeadLetterPage> dead_letters(const DeadLetterQuery& query);
  Result<MessageStatus> wait(Shard& shard, MessageId id, std::chrono::milliseconds timeout);
  // Is the message on stable storage, within `timeout`?
  Result<bool> durable(MessageId id, std::chrono::milliseconds timeout) const;
  // Shards look again at flags that changed.
  void refresh();
  // Waits until what was published and settled before is durable, also when the queue was closed.
  Result<bool> flush(std::chrono::nanoseconds deadline);
  void close() noexcept;

  void observe(std::shared_ptr<QueueObserver> observer);
  void look_at_depth() override;

  void last_lease_gone() noexcept override { self_.reset(); }
  std::shared_ptr<ShardHost> keep() noexcept override { return shared_from_this(); }

 private:
  struct Draft;  // a message on its way: checked, hashed, with its block
  struct Group;  // drafts of one shard
  struct Times;  // the clock, read at most once for a publish

  Result<> admits();
  Result<> check(const Message& message);
  Result<> check_message_sizes(const Message& message) const;
  bool prepare(const Message& message, Times* times, Draft* draft);
  void route(const Message& message, Draft* draft);
  void place(const Message& message, const Draft& draft, Submission* entry) const;
  Result<MessageId> publish_handoff(const Message& message);
  std::size_t publish_handoff(std::span<const Message> messages, std::span<Published> results);
  std::size_t publish_plainly(std::span<const Message> messages, std::span<Published> results);
  std::size_t publish_chunk(std::span<const Message> messages,
                            std::span<Published> results,
                            std::span<bool> refusing,
                            Times* times);
  void group_by_shard(std::span<const Draft> drafts, std::span<std::uint8_t> order) const;
  std::size_t publish_group(const Group& group);
  void write(const Group& group,
             std::size_t from,
             std::uint32_t number,
             const Shard::Inbox::Claim& claim) const;
  Block* handoff_block(Bytes payload);
  static void place(Bytes payload, Block* block, HandoffEntry* entry);
  Errc refuse_full(std::uint64_t messages);

  struct Ruled;
  Result<MessageId> publish_by_rules(const Message& message);
  std::size_t publish_by_rules(std::span<const Message> messages, std::span<Published> results);
  Published admit(const Message& message, Ruled* call);
  Result<> check_message_rules(const Message& message) const;
  bool sheds(const Message& message);
  void route_ruled(const Message& message, Draft* draft);
  void fill(const Message& message, const Draft& draft, Shard::Admission* admission) const;
  std::size_t admit_chunk(std::span<const Message> messages,
                          std::span<Published> results,
                          Ruled* call);
  void admit_group(const Group& group, Ruled* call, std::size_t* accepted);
  Published attempt(const Message& message, const Draft& draft);
  bool take_memory(const Message& message, Times* times, Draft* draft);
  void give_memory(const Message& message, const Draft& draft);
  bool wait_for_room(Shard& shard, Ruled* call);
  bool drop_oldest(Shard& shard);
  void count_refused(Errc why, std::uint64_t messages);
  std::uint64_t depth() const;
  std::shared_ptr<QueueObserver> observer() const;
  std::chrono::nanoseconds until_open(std::chrono::nanoseconds left) const;

  Result<> know_positions();
  Result<> check_durability(Durability wanted) const;
  Durability durability_of(const Message& message) const;
  Result<> journal_admits(std::span<const Message> messages) const;
  bool is_sync(const Message& message) const;
  void ask(std::span<const Message> messages, std::span<Draft> drafts) const;
  void tell_journal(const Group& group);
  Result<MessageId> publish_recorded(const Message& message, bool wait);
  Result<std::size_t> publish_recorded(std::span<const Message> messages,
                                       std::span<Published> results);
  void record_the_rest() noexcept;
  Result<> wait_until_kept(const Message& message, MessageId id) const;
  Result<> wait_until_durable(MessageId id) const;

  Result<> check(const ReceiveOptions& options) const;
  template <class Batch, class VisitOnce>
  Shard::Visit visit_shard(const Shard& shard, Batch* batch, VisitOnce visit_once) const;
  // Calls `visit_all` until it has got something or the wait is over.
  template <class VisitAll>
  Result<> wait_for(std::chrono::milliseconds wait, VisitAll visit_all);
  bool looks_idle() const;
  bool may_sleep();

  const std::string name_;
  const QueueOptions options_;
  const bool ruled_;                // publishes follow more rules than room, or are recorded
  const bool may_block_;            // with a manual driver nobody sleeps
  const std::uint32_t holds_each_;  // of a receive that finds nothing but work, in each shard
  const std::uint16_t journal_number_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::optional<Handoff> handoff_;
  mutable std::mutex observer_mutex_;  // guards observer_
  std::shared_ptr<QueueObserver> observer_;
  std::once_flag closed_once_;
  bool recorded_all_ = true;          // by close
  std::shared_ptr<QueueState> self_;  // after close, while Leases are out
  alignas(kDestructive) Counter keyless_;
  Counter consumers_made_;
};

}  // namespace laneway::engine

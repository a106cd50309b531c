// Floor 3. JournalHost: the journal of an engine and its two threads. The writer runs the shards
// that have something to record, commits what they recorded, and wakes who waits for it; the keeper
// prepares and retires segments. With a manual driver there are no threads: pump() does a bounded
// piece of both, by poll and by every publisher that waits.
#pragma once

#include <laneway/clock.hpp>
#include <laneway/observer.hpp>
#include <laneway/options.hpp>
#include <laneway/stats.hpp>

#include "engine/concurrent/counter.hpp"
#include "engine/concurrent/event_count.hpp"
#include "engine/concurrent/mailbox.hpp"
#include "engine/journal/journal.hpp"
#include "engine/recovered_queues.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace laneway::engine {

class JournalHost {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  // `origin`: wall time at time 0 of the clock.
  static Result<std::shared_ptr<JournalHost>> open(const EngineOptions& options,
                                                   std::shared_ptr<const Clock> clock,
                                                   WallTime origin);
  JournalHost(std::shared_ptr<const Clock> clock,
              std::shared_ptr<EngineObserver> observer,
              WallTime origin)
      : clock_(std::move(clock)),
        observer_(std::move(observer)),
        origin_(origin),
        recovered_(*observer_) {}
  ~JournalHost();

  // --- opening queues: one thread at a time -----------------------------------------------------
  // The number of the queue, known or new. invalid_argument: it has another number of shards, or
  // keys are hashed differently.
  Result<std::uint16_t> number(std::string_view name, std::uint32_t shards);
  // What an earlier life left in a shard; the caller may empty it.
  RecoveredShard& recovered(SourceId id) { return recovered_.shards[id]; }
  Journal& journal() { return *journal_; }

  // --- any thread -------------------------------------------------------------------------------
  bool admits() const { return journal_->admits(); }
  bool full() const { return journal_->full(); }
  int failed() const { return journal_->failed(); }
  // Some shard has recorded something.
  void wake() noexcept;
  // The shard has something to record, or has recorded something. urgent: somebody waits.
  void post(ShardJournal& shard, bool urgent) noexcept;
  // Waits until messages below `position` of this shard are on stable storage. True: they are.
  Result<bool> wait(Outbox& outbox, std::uint64_t position, std::chrono::nanoseconds timeout);
  // Without threads: runs shards, commits, and keeps, once. False: there was nothing to do.
  bool pump();
  bool threads() const { return writer_.joinable(); }
  // For who waits: makes the writer look, or does its work.
  void help();
  // Until so many records of the source are on stable storage. True: they are.
  Result<bool> wait_for_records(Outbox& outbox,
                                std::uint64_t records,
                                std::chrono::nanoseconds timeout);
  // From attach to forget the journal runs the shard. expect: so many shards are about to attach,
  // which then cannot fail.
  void expect(std::size_t shards);
  void attach(ShardJournal& shard);
  void forget(const ShardJournal& shard) noexcept;
  std::uint64_t durable_records() const { return journal_->counts().durable_lsn - 1; }
  JournalStats stats() const;
  // A queue was closed with what had no room: the journal will not say that nothing is missing.
  void lose_some() noexcept { incomplete_.set(true); }
  void close() noexcept;

 private:
  // What is worth telling, collected under run_mutex_ and told without it.
  struct News {
    bool committed = false;
    int failed = 0;
    bool full = false;
    bool room = false;
    bool evacuated = false;
  };

  Result<> read(const JournalOptions& options);
  void found(const ScanResult& scan, const Error* refused, std::chrono::nanoseconds took);
  Result<> start_threads();
  void adopt();
  Journal::Commit commit(bool mark = false) noexcept;
  Journal::Keep keep() noexcept;
  News look(Journal::Commit committed);
  void tell(const News& news) noexcept;
  void log(const News& news) const;
  void write_on();
  void post_those_in_the_way();
  void keep_on();
  // Runs the shards that posted. True: there were some, and they are done.
  bool run_posted();
  void gather_more(std::uint64_t posts, std::chrono::nanoseconds commit_time);
  bool rest(bool ran, Journal::Commit committed, bool marked);
  void linger();

  const std::shared_ptr<const Clock> clock_;
  const std::shared_ptr<EngineObserver> observer_;
  const WallTime origin_;
  std::string directory_;
  std::unique_ptr<Journal> journal_;
  JournalRecovery recovery_;
  RecoveredQueues recovered_;
  std::uint32_t queues_ = 0;  // numbers given
  Mailbox mailbox_;
  EventCount writer_sleeper_;
  EventCount keeper_sleeper_;
  Counter urgent_posts_;
  Flag work_;       // something was recorded since the writer last looked
  Flag lingering_;  // the writer will look in a moment
  Flag incomplete_;
  Flag stopping_;
  std::uint64_t last_posts_ = 0;  // the writer's: urgent posts before its last commit
  std::vector<Letter*> again_;    // whoever runs shards: those that are not done
  bool closed_ = false;
  News known_;            // under run_mutex_: the state that was told last
  std::mutex run_mutex_;  // guards running shards and committing, against forgetting and pumping
  std::vector<ShardJournal*> shards_;  // under run_mutex_
  std::thread writer_;
  std::thread keeper_;
};

}  // namespace laneway::engine

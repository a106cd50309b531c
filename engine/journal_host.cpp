#include "engine/journal_host.hpp"

#include "engine/base/hash.hpp"
#include "engine/hold.hpp"
#include "engine/journal/uring_storage.hpp"
#include "engine/shard.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

namespace laneway::engine {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds kLinger = milliseconds(1);  // of records that nobody waits for
constexpr nanoseconds kIdleBeforeMark = milliseconds(5);
constexpr nanoseconds kBlockedNap = milliseconds(1);  // while the disk or a holder is waited for
constexpr nanoseconds kPieceNap = milliseconds(2);    // between the pieces of a new segment
constexpr nanoseconds kRoomNap = milliseconds(500);   // before room is looked for again
constexpr nanoseconds kLong = std::chrono::hours(1);
constexpr std::uint64_t kCommitsPerKeep = 16;

std::uint64_t hash_check() {
  return hash_bytes("laneway");
}

StorageKind kind_of(JournalStorage storage) {
  return storage == JournalStorage::posix   ? StorageKind::posix
         : storage == JournalStorage::uring ? StorageKind::uring
                                            : StorageKind::best;
}

// Memory that looks like a disk keeps nothing.
Result<> prepare_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{Errc::io_error, errno, "the journal's directory cannot be made"};
  }
  struct statfs about {};
  if (::statfs(directory.c_str(), &about) != 0) {
    return Error{Errc::io_error, errno, "the journal's directory cannot be looked at"};
  }
  if (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC) {
    return {Errc::not_durable, "the journal's directory is on a file system in memory"};
  }
  return {};
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

// --- open and close ---------------------------------------------------------------------------

Result<std::shared_ptr<JournalHost>> JournalHost::open(const JournalOptions& options,
                                                       std::shared_ptr<const Clock> clock,
                                                       bool threads) {
  if (const Result<> prepared = prepare_directory(options.directory); !prepared) {
    return prepared.error();
  }
  Result<std::unique_ptr<Storage>> storage =
      open_storage(options.directory, kind_of(options.storage));
  if (!storage) {
    return storage.error();
  }
  JournalSettings settings;
  settings.segment_bytes = options.segment_bytes;
  settings.segments_max = options.bytes_max / std::max<std::uint64_t>(1, options.segment_bytes);
  settings.seed = random_seed();
  auto host = std::make_shared<JournalHost>(std::move(clock));
  Result<std::unique_ptr<Journal>> journal =
      Journal::open(std::move(*storage), settings, host->recovered_);
  if (!journal) {
    return journal.error();
  }
  host->journal_ = std::move(*journal);
  host->adopt();
  if (threads) {
    if (const Result<> started = host->start_threads(); !started) {
      return started.error();
    }
  }
  return host;
}

void JournalHost::adopt() {
  for (const auto& [id, shard] : recovered_.shards) {
    for (const auto& [position, message] : shard.messages) {
      journal_->adopt(id, message.home.sequence, message.home.bytes);
    }
  }
  for (const auto& [name, queue] : recovered_.queues) {
    queues_ = std::max(queues_, queue.number + std::uint32_t{1});
  }
  journal_->start();
}

Result<> JournalHost::start_threads() {
  try {
    writer_ = std::thread([this] { write_on(); });
    keeper_ = std::thread([this] { keep_on(); });
  } catch (const std::system_error& error) {
    close();
    return Error{Errc::system_error, error.code().value(), "a journal thread could not start"};
  }
  return {};
}

JournalHost::~JournalHost() {
  close();
}

void JournalHost::close() noexcept {
  stopping_.set(true);
  writer_sleeper_.notify_all();
  keeper_sleeper_.notify_all();
  for (std::thread* thread : {&writer_, &keeper_}) {
    if (thread->joinable()) {
      thread->join();
    }
  }
  const std::lock_guard lock(run_mutex_);
  if (journal_ != nullptr && !closed_) {
    closed_ = true;
    journal_->close();
  }
}

Result<std::uint16_t> JournalHost::number(std::string_view name, std::uint32_t shards) {
  const auto found = recovered_.queues.find(name);
  if (found != recovered_.queues.end()) {
    if (found->second.shards != shards) {
      return {Errc::invalid_argument, "the journal knows the queue with another number of shards"};
    }
    if (found->second.hash_check != hash_check()) {
      return {Errc::invalid_argument, "the journal was written with another hash of keys"};
    }
    return found->second.number;
  }
  if (queues_ == kQueuesMax) {
    return {Errc::invalid_argument, "a journal knows at most 65,536 queues"};
  }
  const auto number = static_cast<std::uint16_t>(queues_++);
  RecordedQueue queue;
  queue.fixed.hash_check = hash_check();
  queue.fixed.shards = static_cast<std::uint16_t>(shards);
  queue.name = name;
  RecordHeader header{};
  header.queue = number;
  RecordWriter record;
  record.queue(header, queue);
  journal_->define(number, record);
  recovered_.queues[std::string(name)] = {number, queue.fixed.shards, queue.fixed.hash_check};
  // Its messages may not be there before the queue is.
  while (!journal_->defined()) {
    if (journal_->failed() != 0) {
      return Error{Errc::io_error, journal_->failed(), "the journal has failed"};
    }
    help();
    patience();
  }
  return number;
}

// --- any thread -------------------------------------------------------------------------------

void JournalHost::wake() noexcept {
  work_.set(true);
  if (!lingering_.read()) {
    writer_sleeper_.notify_one();
  }
}

void JournalHost::post(ShardJournal& shard, bool urgent) noexcept {
  mailbox_.post(shard.letterbox());
  if (urgent) {
    urgent_posts_.add(1);
    writer_sleeper_.notify_one();
  } else if (!lingering_.read()) {
    writer_sleeper_.notify_one();
  }
}

Result<bool> JournalHost::wait(Outbox& outbox, std::uint64_t position, nanoseconds timeout) {
  constexpr int kPumpsMax = 1 << 16;
  const nanoseconds start = clock_->now();
  for (int pumps = 0;; ++pumps) {
    const EventCount::Key key = outbox.waiters().prepare();
    const nanoseconds left = timeout - (clock_->now() - start);
    const bool durable = outbox.confirmed() >= position;
    const bool over = left <= nanoseconds::zero() || (!threads() && pumps == kPumpsMax);
    if (durable || failed() != 0 || stopping_.read() || over || !threads()) {
      outbox.waiters().cancel();
    } else {
      outbox.waiters().wait(key, std::min(left, kRoomNap));
    }
    if (durable) {
      return true;
    }
    if (failed() != 0) {
      return Error{Errc::io_error, failed(), "the journal has failed; the outcome is not known"};
    }
    if (stopping_.read()) {
      return Error{Errc::closed, 0, "closed before it was durable"};
    }
    if (over) {
      return false;
    }
    if (!threads()) {
      (void)pump();
    }
  }
}

void JournalHost::attach(ShardJournal& shard) {
  const std::lock_guard lock(run_mutex_);
  shards_.push_back(&shard);
}

void JournalHost::forget(const ShardJournal& shard) noexcept {
  const std::lock_guard lock(run_mutex_);
  std::erase(shards_, &shard);
  // What it has posted must not be found any more; the others post again.
  mailbox_.collect([&](Letter&) {});
  for (ShardJournal* other : shards_) {
    mailbox_.post(other->letterbox());
  }
}

void JournalHost::help() {
  if (threads()) {
    wake();
  } else {
    (void)pump();
  }
}

Result<bool> JournalHost::wait_for_records(Outbox& outbox,
                                           std::uint64_t records,
                                           nanoseconds timeout) {
  const nanoseconds start = clock_->now();
  while (outbox.durable() < records) {
    if (failed() != 0) {
      return Error{Errc::io_error, failed(), "the journal has failed"};
    }
    if (clock_->now() - start > timeout) {
      return false;
    }
    urgent_posts_.add(1);
    help();
    patience();
  }
  return true;
}

JournalStats JournalHost::stats() const {
  const JournalCounts counts = journal_->counts();
  JournalStats stats;
  stats.primitive = journal_->primitive();
  stats.failed = failed();
  stats.full = full();
  stats.epoch = journal_->epoch();
  stats.commits = counts.commits;
  stats.bytes_written = counts.bytes_written;
  stats.durable_records = counts.durable_lsn - 1;
  stats.evacuations = counts.evacuations;
  stats.segments = counts.segments_used;
  stats.segment_bytes = journal_->segment_bytes();
  stats.live_records = counts.live_records;
  stats.live_bytes = counts.live_bytes;
  return stats;
}

// --- writer -----------------------------------------------------------------------------------

bool JournalHost::run_posted() {
  bool any = false;
  std::vector<Letter*>& again = again_;
  again.clear();
  mailbox_.collect([&](Letter& letter) {
    Shard& shard = *static_cast<ShardJournal::Letterbox&>(letter).shard;
    any = true;
    if (shard.run_journal()) {
      again.push_back(&letter);
    }
  });
  for (Letter* letter : again) {
    mailbox_.post(*letter);
  }
  return any && again.empty();
}

bool JournalHost::pump() {
  const std::lock_guard lock(run_mutex_);
  const bool ran = run_posted();
  const Journal::Commit committed = journal_->commit();
  const bool kept = journal_->keep() == Journal::Keep::busy;
  for (ShardJournal* shard : shards_) {
    if (shard->outbox().relocate_below() != 0) {
      mailbox_.post(shard->letterbox());
    }
  }
  return ran || kept || committed == Journal::Commit::written;
}

// What arrived during a commit goes with the next. Those who waited for this one are awake and
// about to publish again: to wait a moment for as many of them saves a commit.
void JournalHost::gather_more(std::uint64_t posts, nanoseconds commit_time) {
  const nanoseconds start = clock_->now();
  while (urgent_posts_.read() < posts && clock_->now() - start < commit_time / 2) {
    std::this_thread::yield();
  }
}

void JournalHost::write_on() {
  nanoseconds commit_time{0};  // moving average
  bool marked = true;
  while (!stopping_.read()) {
    const std::uint64_t posts = urgent_posts_.read();
    const nanoseconds start = clock_->now();
    work_.set(false);
    bool ran = false;
    Journal::Commit committed{};
    {
      const std::lock_guard lock(run_mutex_);
      ran = run_posted();
      committed = journal_->commit();
    }
    if (committed == Journal::Commit::written) {
      marked = false;
      commit_time += (clock_->now() - start - commit_time) / 8;
      if (journal_->counts().commits % kCommitsPerKeep == 0 || journal_->starving()) {
        keeper_sleeper_.notify_one();
      }
      const std::uint64_t more = urgent_posts_.read() - last_posts_;
      last_posts_ = posts;
      gather_more(posts + more, commit_time);
    } else {
      marked = rest(ran, committed, marked);
    }
  }
}

// There is nothing to write, or no way to. Answers whether the last batch is marked as durable.
bool JournalHost::rest(bool ran, Journal::Commit committed, bool marked) {
  const EventCount::Key key = writer_sleeper_.prepare();
  const bool stuck = committed == Journal::Commit::starved || (!ran && mailbox_.anything());
  if (stopping_.read() || work_.read() || (!stuck && mailbox_.anything())) {
    writer_sleeper_.cancel();
    return marked;
  }
  if (committed == Journal::Commit::starved) {
    keeper_sleeper_.notify_one();
  }
  writer_sleeper_.wait(key, stuck ? kBlockedNap : marked ? kLong : kIdleBeforeMark);
  if (!stuck && !marked && !work_.read() && !mailbox_.anything()) {
    const std::lock_guard lock(run_mutex_);
    (void)journal_->mark_idle();
    keeper_sleeper_.notify_one();
    return true;
  }
  linger();
  return marked;
}

// Nobody waits for what has come: a little later there is more of it.
void JournalHost::linger() {
  const std::uint64_t posts = urgent_posts_.read();
  const EventCount::Key key = writer_sleeper_.prepare();
  lingering_.set(true);
  if (urgent_posts_.read() != posts || urgent_posts_.read() != last_posts_ || stopping_.read()) {
    writer_sleeper_.cancel();
  } else {
    writer_sleeper_.wait(key, kLinger);
  }
  lingering_.set(false);
}

// --- keeper -----------------------------------------------------------------------------------

// Shards whose messages stand in the way of reclaiming are to tell them again.
void JournalHost::post_those_in_the_way() {
  const std::lock_guard lock(run_mutex_);
  for (ShardJournal* shard : shards_) {
    if (shard->outbox().relocate_below() != 0) {
      post(*shard, false);
    }
  }
}

void JournalHost::keep_on() {
  while (!stopping_.read()) {
    const Journal::Keep kept = journal_->keep();
    post_those_in_the_way();
    if (kept == Journal::Keep::busy && journal_->starving()) {
      continue;
    }
    const EventCount::Key key = keeper_sleeper_.prepare();
    if (stopping_.read()) {
      keeper_sleeper_.cancel();
      return;
    }
    keeper_sleeper_.wait(key, kept == Journal::Keep::busy      ? kPieceNap
                              : kept == Journal::Keep::blocked ? kRoomNap
                                                               : kLong);
  }
}

}  // namespace laneway::engine

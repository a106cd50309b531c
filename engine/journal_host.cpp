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
#include <new>
#include <random>
#include <system_error>
#include <utility>

namespace laneway::engine {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds kLookAgainNap = milliseconds(500);  // a waiter sees that it is over

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

bool is_uring(const std::string& primitive) {
  return primitive.starts_with("io_uring");
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

// --- open and close ---------------------------------------------------------------------------

Result<std::shared_ptr<JournalHost>> JournalHost::open(const EngineOptions& options,
                                                       std::shared_ptr<const Clock> clock,
                                                       WallTime origin) {
  auto observer =
      options.observer != nullptr ? options.observer : std::make_shared<EngineObserver>();
  auto host = std::make_shared<JournalHost>(std::move(clock), std::move(observer), origin);
  if (const Result<> readable = host->read(options.journal); !readable) {
    return readable.error();
  }
  host->adopt();
  if (options.driver == DriverMode::thread) {
    if (const Result<> started = host->start_threads(); !started) {
      return started.error();
    }
  }
  return host;
}

Result<> JournalHost::read(const JournalOptions& options) {
  directory_ = options.directory;
  if (const Result<> prepared = prepare_directory(directory_); !prepared) {
    return prepared;
  }
  Result<std::unique_ptr<Storage>> storage = open_storage(directory_, kind_of(options.storage));
  if (!storage) {
    return storage.error();
  }
  JournalSettings settings;
  settings.segment_bytes = options.segment_bytes;
  settings.segments_max = options.bytes_max / std::max<std::uint64_t>(1, options.segment_bytes);
  settings.seed = random_seed();
  ScanResult scan;
  const nanoseconds start = clock_->now();
  Result<std::unique_ptr<Journal>> journal =
      Journal::open(std::move(*storage), settings, recovered_, &scan);
  const nanoseconds took = clock_->now() - start;
  if (!journal) {
    const Error error = journal.error();
    found(scan, &error, took);
    return error;
  }
  journal_ = std::move(*journal);
  found(scan, nullptr, took);
  if (options.storage == JournalStorage::best && !is_uring(journal_->primitive())) {
    observer_->log("journal " + directory_ + ": written through " + journal_->primitive());
  }
  return {};
}

void JournalHost::found(const ScanResult& scan, const Error* refused, nanoseconds took) {
  recovery_.end = scan.end == engine::JournalEnd::corrupt        ? RecoveryEnd::corrupt
                  : refused == nullptr && journal_->epoch() == 1 ? RecoveryEnd::created
                  : scan.end == engine::JournalEnd::torn         ? RecoveryEnd::torn
                  : scan.closed                                  ? RecoveryEnd::closed
                                                                 : RecoveryEnd::clean;
  recovery_.bytes = scan.bytes;
  recovery_.records = scan.records;
  recovery_.messages = recovered_.messages();
  recovery_.took = duration_cast<milliseconds>(took);
  recovery_.file = scan.file_number == 0 ? "MANIFEST" : segment_name(scan.file_number);
  recovery_.offset = scan.offset;
  recovery_.end_lsn = scan.end_lsn;
  recovery_.lost_to_lsn = scan.lost_to_lsn;
  recovery_.detail = scan.detail;
  if (refused != nullptr && refused->code != Errc::corrupt) {
    return;
  }
  observer_->recovered(recovery_);
  const std::string place = recovery_.file + " at byte " + std::to_string(recovery_.offset);
  if (recovery_.end == RecoveryEnd::corrupt) {
    const std::string lost = recovery_.lost_to_lsn > recovery_.end_lsn
                                 ? "; confirmed records " + std::to_string(recovery_.end_lsn) +
                                       " to " + std::to_string(recovery_.lost_to_lsn - 1) +
                                       " are in question"
                                 : std::string();
    observer_->log("journal " + directory_ + ": corrupt: " + recovery_.detail + ": " + place +
                   lost + "; nothing was changed, see laneway journal recover --salvage");
  } else if (recovery_.end == RecoveryEnd::torn) {
    observer_->log("journal " + directory_ + ": cut off a write that was not finished: " + place);
  }
}

void JournalHost::adopt() {
  const std::int64_t now_ms =
      duration_cast<milliseconds>((origin_ + clock_->now()).time_since_epoch()).count();
  for (auto& [source, shard] : recovered_.shards) {
    for (const auto& [position, message] : shard.messages) {
      journal_->adopt(source, message.home.sequence, message.home.bytes);
    }
    std::erase_if(shard.ids, [&](const auto& each) { return each.second.until_ms <= now_ms; });
    for (const auto& [position, id] : shard.ids) {
      if (!shard.messages.contains(position)) {
        journal_->adopt(source, id.home.sequence, id.home.bytes);
      }
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
    try {
      journal_->close(!incomplete_.read());
    } catch (const std::bad_alloc&) {
      journal_->give_up(ENOMEM);
      journal_->close();  // as it lies there: the next life finds its end
    }
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
    if (journal_->full()) {
      return {Errc::journal_full, "the journal has no room for another queue"};
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
  constexpr int kIdlePumpsMax = 64;  // without threads: then nothing will come of it
  const nanoseconds start = clock_->now();
  for (int idle_pumps = 0;;) {
    const EventCount::Key key = outbox.waiters().prepare();
    const nanoseconds left = timeout - (clock_->now() - start);
    const bool durable = outbox.confirmed() >= position;
    const bool over = left <= nanoseconds::zero() || (!threads() && idle_pumps == kIdlePumpsMax);
    if (durable || failed() != 0 || stopping_.read() || over || !threads()) {
      outbox.waiters().cancel();
    } else {
      outbox.waiters().wait(key, std::min(left, kLookAgainNap));
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
      idle_pumps = pump() ? 0 : idle_pumps + 1;
    }
  }
}

void JournalHost::expect(std::size_t shards) {
  const std::lock_guard lock(run_mutex_);
  shards_.reserve(shards_.size() + shards);
  again_.reserve(shards_.capacity());
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
    if (full()) {
      return {Errc::journal_full, "what was recorded has no room in the journal yet"};
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
  stats.recovery = recovery_;
  return stats;
}

}  // namespace laneway::engine

// Floor 3. JournalHost: its two threads, or without them one bounded piece of their work.
#include "engine/base/errno_text.hpp"
#include "engine/journal_host.hpp"
#include "engine/shard.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <thread>

namespace laneway::engine {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds kLinger = milliseconds(1);  // of records that nobody waits for
constexpr nanoseconds kIdleBeforeMark = milliseconds(5);
constexpr nanoseconds kBlockedNap = milliseconds(1);  // while the disk or a holder is waited for
constexpr nanoseconds kPieceNap = milliseconds(2);    // between the pieces of a new segment
constexpr nanoseconds kRoomNap = milliseconds(500);   // before room is looked for again
constexpr nanoseconds kLong = std::chrono::hours(1);
constexpr std::uint64_t kCommitsPerKeep = 16;

}  // namespace

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

// Without memory a commit may have stopped half way: then the journal is as good as a disk that has
// failed, and says so. `mark`: what is there already is marked as durable instead.
Journal::Commit JournalHost::commit(bool mark) noexcept {
  try {
    return mark ? journal_->mark_idle() : journal_->commit();
  } catch (const std::bad_alloc&) {
    journal_->give_up(ENOMEM);
    return journal_->commit();  // lets those go who wait for it
  }
}

Journal::Keep JournalHost::keep() noexcept {
  try {
    return journal_->keep();
  } catch (const std::bad_alloc&) {
    journal_->give_up(ENOMEM);
    return Journal::Keep::blocked;
  }
}

bool JournalHost::pump() {
  News news;
  bool ran = false;
  bool kept = false;
  {
    const std::lock_guard lock(run_mutex_);
    ran = run_posted();
    const Journal::Commit committed = commit();
    kept = keep() == Journal::Keep::busy;
    for (ShardJournal* shard : shards_) {
      if (shard->outbox().relocate_below() != 0) {
        mailbox_.post(shard->letterbox());
      }
    }
    news = look(committed);
  }
  tell(news);
  return ran || kept || news.committed;
}

JournalHost::News JournalHost::look(Journal::Commit committed) {
  News news;
  news.committed = committed == Journal::Commit::written;
  news.failed = known_.failed == 0 ? failed() : 0;
  news.full = full() && !known_.full;
  news.room = !full() && known_.full;
  const bool evacuated = journal_->counts().evacuations != 0;
  news.evacuated = evacuated && !known_.evacuated;
  known_ = {false, failed(), full(), false, evacuated};
  return news;
}

void JournalHost::tell(const News& news) noexcept {
  try {
    log(news);
  } catch (const std::bad_alloc&) {  // a line less
  }
  if (news.committed) {
    observer_->committed(durable_records());
  }
}

void JournalHost::log(const News& news) const {
  const auto log = [this](const std::string& what) {
    observer_->log("journal " + directory_ + ": " + what);
  };
  if (news.evacuated) {
    log("a write failed; what was not confirmed moved to another segment");
  }
  if (news.failed != 0) {
    log("failed for good: " + errno_text(news.failed) +
        "; nothing becomes durable any more, what is in memory is still delivered");
  }
  if (news.full || news.room) {
    log(news.full ? "full: publishing is refused until there is room" : "has room again");
  }
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
    News news;
    {
      const std::lock_guard lock(run_mutex_);
      ran = run_posted();
      committed = commit();
      news = look(committed);
    }
    tell(news);
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
    (void)commit(true);
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
    const Journal::Keep kept = keep();
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

#include "tools/check/rules.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

namespace laneway::check {

namespace {

// A message is surely available from the return of the call that made it so, until the call that
// takes it is invoked. First deliveries of undelayed messages without deadline only: of these the
// history tells enough.
struct Available {
  const Life* life = nullptr;
  std::uint64_t from = 0;
  std::int64_t from_ns = 0;
  std::uint64_t until = kNever;  // before `from`: by a call that was waiting for it
  // A publish or settle that began before and was still running: it may hide this one in a ring.
  bool hidden = false;
};

class Availability {
 public:
  explicit Availability(const Lives& lives) : lives_(lives) {
    std::vector<const Life*> of_keys;
    for (const Life& life : lives.lives) {
      if (lives.rules.by_key && life.publish->key != 0) {
        of_keys.push_back(&life);
      } else {
        add(life, {life.joined.by, life.publish->ended_ns});
      }
    }
    std::stable_sort(of_keys.begin(), of_keys.end(), [](const Life* a, const Life* b) {
      return std::tuple(a->publish->key, a->joined.from) <
             std::tuple(b->publish->key, b->joined.from);
    });
    for (std::size_t from = 0; from < of_keys.size();) {
      std::size_t to = from;
      while (to < of_keys.size() && of_keys[to]->publish->key == of_keys[from]->publish->key) {
        ++to;
      }
      add_key(std::span(of_keys).subspan(from, to - from));
      from = to;
    }
    std::sort(all_.begin(), all_.end(),
              [](const Available& a, const Available& b) { return a.from < b.from; });
  }

  std::vector<Available>& all() { return all_; }

 private:
  struct Since {
    std::uint64_t stamp;
    std::int64_t ns;
    bool operator<(const Since& other) const { return stamp < other.stamp; }
  };

  void add(const Life& life, Since since) {
    const Event* publish = life.publish;
    if (life.replayed || publish->due_ns != 0 || publish->until_ns != 0 ||
        publish->answer != Answer::ok || since.stamp == kNever || life.may_have_rested) {
      return;
    }
    const bool granted = life.members != 0;
    const bool may_end = lives_.rules.drops || lives_.rules.dead_divert;
    if (!granted && (life.state != State::none || may_end)) {
      return;  // cancelled or the like: it is not known when it stopped waiting
    }
    const Event* grant = granted ? lives_.members_of(life)[0].grant : nullptr;
    if (granted && grant->attempt > 1) {
      return;  // it was granted before, and nobody wrote it down
    }
    const std::uint64_t until = granted ? grant->invoke : kNever;
    if (!granted || since.stamp < grant->returned) {
      all_.push_back({&life, since.stamp, since.ns, until, false});
    }
  }

  // What a dead letter does to its key may last.
  Since resolved(const Life& life) const {
    const bool lasts = lives_.rules.dead_hold || lives_.rules.dead_divert;
    return has_died(life) && lasts ? Since{kNever, 0} : Since{life.resolved.by, life.resolved_ns};
  }

  // Everything that may be earlier in the key must be resolved. Sorted by the begin of the calls:
  // what began before this one came back.
  void add_key(std::span<const Life* const> of_key) {
    Since latest{0, 0};
    std::size_t begun = 0;
    std::vector<const Life*> by_return(of_key.begin(), of_key.end());
    std::stable_sort(by_return.begin(), by_return.end(),
                     [](const Life* a, const Life* b) { return a->joined.by < b->joined.by; });
    for (const Life* life : by_return) {
      std::size_t own_begun = begun;
      Since others = latest;
      while (own_begun < of_key.size() && of_key[own_begun]->joined.from < life->joined.by) {
        if (of_key[own_begun] != life) {
          others = std::max(others, resolved(*of_key[own_begun]));
        }
        ++own_begun;
      }
      // A concurrent one comes round again here; for later ones it counts as earlier.
      for (; begun < own_begun; ++begun) {
        latest = std::max(latest, resolved(*of_key[begun]));
      }
      add(*life, std::max(others, Since{life->joined.by, life->publish->ended_ns}));
      if (latest.stamp == kNever) {
        return;
      }
    }
  }

  const Lives& lives_;
  std::vector<Available> all_;
};

class WaitingJudge {
 public:
  WaitingJudge(const Lives& lives, Report* report)
      : lives_(lives), report_(report), available_(Availability(lives).all()) {
    find_pauses();
    mark_hidden();
  }

  // S12 looks at the begin of an empty receive, S15 at the return of one that slept. Both ask what
  // was available at that moment, so they go through time once, each.
  void judge() {
    std::vector<const Event*> receives;
    for (const Event* event : lives_.by_time) {
      if (event->kind == Kind::receive && event->answer == Answer::ok) {
        receives.push_back(event);
      }
    }
    sweep(
        receives, [](const Event& receive) { return receive.invoke; },
        [this](const Event& receive) { judge_empty(receive); });
    std::stable_sort(receives.begin(), receives.end(),
                     [](const Event* a, const Event* b) { return a->returned < b->returned; });
    sweep(
        receives, [](const Event& receive) { return receive.returned; },
        [this](const Event& receive) { judge_sleep(receive); });
  }

 private:
  // Consuming may have been paused from the call of pause until the return of resume.
  void find_pauses() {
    std::uint64_t from = kNever;
    std::uint64_t paused_by = 0;
    for (const Event* event : lives_.by_time) {
      if (event->kind == Kind::pause || event->kind == Kind::revoke) {
        from = std::min(from, event->invoke);  // drain pauses, close is for ever
        paused_by = std::max(paused_by, event->returned);
      } else if (event->kind == Kind::resume && from != kNever && paused_by < event->invoke) {
        pauses_.push_back({from, event->returned});
        from = kNever;
      }
    }
    if (from != kNever) {
      pauses_.push_back({from, kNever});
    }
  }
  bool may_be_paused(std::uint64_t from, std::uint64_t by) const {
    return std::any_of(pauses_.begin(), pauses_.end(),
                       [&](const Span& pause) { return pause.from < by && pause.by > from; });
  }

  static bool fills_ring(const Event& event) {
    return event.kind == Kind::publish || event.kind == Kind::settle;
  }

  // The invocations of publishes and settles that are running, while time goes by.
  class Running {
   public:
    explicit Running(const Lives& lives) {
      for (const Event* event : lives.by_time) {
        if (fills_ring(*event)) {
          calls_.push_back(event);
        }
      }
    }
    // The oldest at this stamp; stamps must not fall.
    std::uint64_t oldest_at(std::uint64_t stamp) {
      while (next_ < calls_.size() && calls_[next_]->invoke < stamp) {
        running_.insert({calls_[next_]->returned, calls_[next_]->invoke});
        invokes_.insert(calls_[next_]->invoke);
        ++next_;
      }
      while (!running_.empty() && running_.begin()->first < stamp) {
        invokes_.erase(invokes_.find(running_.begin()->second));
        running_.erase(running_.begin());
      }
      return invokes_.empty() ? kNever : *invokes_.begin();
    }

   private:
    std::vector<const Event*> calls_;
    std::size_t next_ = 0;
    std::multiset<std::pair<std::uint64_t, std::uint64_t>> running_;
    std::multiset<std::uint64_t> invokes_;
  };

  void mark_hidden() {
    Running running(lives_);
    for (Available& available : available_) {
      // Its own call returns at this very stamp.
      available.hidden = running.oldest_at(available.from + 1) < available.from;
      if (available.until < available.from) {
        const Event* grant = lives_.members_of(*available.life)[0].grant;
        got_waiting_.insert({{grant->thread, grant->invoke}, &available});
      }
    }
  }

  template <class Stamp, class Judge>
  void sweep(const std::vector<const Event*>& receives, Stamp stamp, Judge judge_one) {
    waiting_.clear();
    std::size_t next = 0;
    std::multimap<std::uint64_t, std::uint64_t> leaving;  // until -> from
    Running running(lives_);
    for (const Event* receive : receives) {
      const std::uint64_t now = stamp(*receive);
      for (; next < available_.size() && available_[next].from < now; ++next) {
        if (available_[next].until < available_[next].from) {
          continue;
        }
        const auto entered = waiting_.insert({available_[next].from, &available_[next]});
        leaving.insert({available_[next].until, entered->first});
      }
      while (!leaving.empty() && leaving.begin()->first < now) {
        waiting_.erase(waiting_.find(leaving.begin()->second));
        leaving.erase(leaving.begin());
      }
      oldest_running_ = running.oldest_at(now);
      judge_one(*receive);
    }
  }

  void judge_empty(const Event& receive) {
    if (receive.index != 0 || receive.key != 0 || may_be_paused(receive.invoke, receive.returned)) {
      return;
    }
    report_->judge(12);
    for (const auto& [from, available] : waiting_) {
      if (from > oldest_running_) {
        return;
      }
      if (available->until > receive.returned && !available->hidden) {
        blame(12, *available, receive, " was available while a receive came back empty");
        return;
      }
    }
  }

  void judge_sleep(const Event& receive) {
    if (receive.due_ns == 0 || lives_.rules.patience_ns == 0) {
      return;
    }
    report_->judge(15);
    for (auto at = waiting_.lower_bound(receive.invoke); at != waiting_.end(); ++at) {
      const Available& available = *at->second;
      if (!available.hidden && available.until > receive.returned &&
          receive.ended_ns - available.from_ns > lives_.rules.patience_ns &&
          !may_be_paused(available.from, receive.returned)) {
        blame(15, available, receive, " was available and a receiver slept on");
        return;
      }
    }
    // What it got at last may have been there for long.
    const auto [first, last] = got_waiting_.equal_range({receive.thread, receive.invoke});
    for (auto at = first; at != last; ++at) {
      const Available& available = *at->second;
      if (!available.hidden && receive.ended_ns - available.from_ns > lives_.rules.patience_ns &&
          !may_be_paused(available.from, receive.returned)) {
        blame(15, available, receive, " was available long before the receiver woke");
        return;
      }
    }
  }

  void blame(unsigned invariant,
             const Available& available,
             const Event& receive,
             const char* text) {
    const Life& life = *available.life;
    report_->blame(
        invariant, "message " + std::to_string(life.message) + text,
        {life.publish, &receive, life.members != 0 ? lives_.members_of(life)[0].grant : nullptr});
  }

  const Lives& lives_;
  Report* report_;
  std::vector<Available> available_;  // by the stamp from which on
  std::vector<Span> pauses_;
  // What became available while the receive ran that got it, by its thread and invocation.
  std::multimap<std::pair<std::uint32_t, std::uint64_t>, const Available*> got_waiting_;
  // While sweeping: what is available now, and the oldest call that is running.
  std::multimap<std::uint64_t, const Available*> waiting_;
  std::uint64_t oldest_running_ = kNever;
};

}  // namespace

void judge_waiting(const Lives& lives, Report* report) {
  WaitingJudge(lives, report).judge();
}

}  // namespace laneway::check

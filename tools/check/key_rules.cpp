#include "tools/check/rules.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace laneway::check {

namespace {

class KeyJudge {
 public:
  KeyJudge(const Lives& lives, Report* report) : lives_(lives), report_(report) {}

  void judge() {
    collect();
    for (std::size_t from = 0; from < of_keys_.size();) {
      std::size_t to = from;
      while (to < of_keys_.size() && key_of(*of_keys_[to]) == key_of(*of_keys_[from])) {
        ++to;
      }
      judge_order(std::span(of_keys_).subspan(from, to - from));
      from = to;
    }
    for (std::size_t from = 0; from < leases_.size();) {
      std::size_t to = from;
      while (to < leases_.size() && key_of(*leases_[to]) == key_of(*leases_[from])) {
        ++to;
      }
      judge_leases_of_key(std::span(leases_).subspan(from, to - from));
      from = to;
    }
  }

 private:
  static std::uint64_t key_of(const Life& life) { return life.publish->key; }
  static std::uint64_t key_of(const LeaseView& lease) { return lease.members[0]->key; }
  static std::string named(std::uint64_t key) { return "key " + std::to_string(key); }

  void collect() {
    for (const Life& life : lives_.lives) {
      if (key_of(life) != 0) {
        of_keys_.push_back(&life);
      }
    }
    std::stable_sort(of_keys_.begin(), of_keys_.end(), [](const Life* a, const Life* b) {
      return std::tuple(key_of(*a), a->joined.from, a->publish->thread, a->publish->index) <
             std::tuple(key_of(*b), b->joined.from, b->publish->thread, b->publish->index);
    });
    for (const LeaseView& lease : lives_.leases) {
      if (key_of(lease) != 0 && lease.members[0]->kind == Kind::grant) {
        leases_.push_back(&lease);
      }
    }
    std::stable_sort(leases_.begin(), leases_.end(), [](const LeaseView* a, const LeaseView* b) {
      return key_of(*a) < key_of(*b);
    });
  }

  bool delayed(const Life& life) const { return !life.replayed && life.publish->due_ns != 0; }

  // From when on a later message of the key may be granted.
  std::uint64_t lets_go(const Life& life) const {
    if (!lives_.rules.hold && life.members != 0) {
      const Member& first = lives_.members_of(life)[0];
      if (first.grant->attempt > 1) {
        return life.joined.from;  // it has failed before, in a grant that nobody wrote down
      }
      if (first.end != MemberEnd::completed) {
        return first.settle != nullptr ? first.settle->invoke : first.grant->invoke;
      }
    }
    return holds_on(life) ? let_go_by_operator(life) : life.resolved.from;
  }

  // A dead letter for which its key waits. Whoever replays it begins a life that holds the key.
  bool holds_on(const Life& life) const {
    return lives_.rules.dead_hold && lives_.rules.hold && has_died(life) &&
           !cancel_asked(lives_.message(life.message));
  }
  std::uint64_t let_go_by_operator(const Life& life) const {
    const Life* next = &life + 1;
    const bool granted_again = next <= &lives_.lives.back() && next->message == life.message;
    std::uint64_t stamp = granted_again ? lets_go(*next) : kNever;
    const auto see = [&](const Event& event, bool ends) {
      if (ends && event.answer != Answer::refused && event.returned > life.resolved.from) {
        stamp = std::min(stamp, event.invoke);
      }
    };
    // What is replayed and not granted again may have been dropped or cancelled since.
    for (const Event* end : lives_.message(life.message).ends) {
      const bool replayed = end->kind == Kind::replay && !granted_again;
      see(*end, replayed || end->state == State::discarded);
    }
    for (const Event* replay : lives_.replays_of_all) {
      see(*replay, !granted_again);
    }
    for (const Event* release : lives_.releases) {
      see(*release, release->key == key_of(life));
    }
    return stamp;
  }

  // Lives by when they let go of their key.
  using Earlier = std::set<std::pair<std::uint64_t, const Life*>>;

  void add(Earlier* earlier, const Life& life) const {
    const bool certain = life.publish->answer == Answer::ok || life.members != 0;
    if (certain && !delayed(life) && !life.may_have_rested) {
      earlier->insert({lets_go(life), &life});
    }
  }

  static bool same_batch(const Life& a, const Life& b) {
    return !a.replayed && !b.replayed && a.publish->thread == b.publish->thread &&
           a.publish->invoke == b.publish->invoke;
  }

  // S7. Lives come in the order in which their calls began.
  void judge_order(std::span<const Life* const> of_key) {
    if (!lives_.rules.by_key) {
      return;
    }
    std::vector<const Life*> by_return(of_key.begin(), of_key.end());
    std::stable_sort(by_return.begin(), by_return.end(),
                     [](const Life* a, const Life* b) { return a->joined.by < b->joined.by; });
    Earlier earlier;
    std::size_t returned = 0;
    for (std::size_t from = 0; from < of_key.size();) {
      const Life& first = *of_key[from];
      for (; returned < by_return.size() && by_return[returned]->joined.by < first.joined.from;
           ++returned) {
        add(&earlier, *by_return[returned]);
      }
      // In a batch each is earlier than the next; for others only once the call has returned.
      std::size_t to = from;
      for (; to < of_key.size() && (to == from || same_batch(first, *of_key[to])); ++to) {
        judge_first_grant(earlier, *of_key[to]);
        add(&earlier, *of_key[to]);
      }
      for (; from < to; ++from) {
        earlier.erase({lets_go(*of_key[from]), of_key[from]});
      }
    }
  }

  void judge_first_grant(const Earlier& earlier, const Life& life) {
    // A key that is held takes its dead letter back where it was, before those that came meanwhile.
    if (life.members == 0 || delayed(life) || (life.replayed && lives_.rules.dead_hold)) {
      return;
    }
    const Member& first = lives_.members_of(life)[0];
    report_->judge(7);
    for (auto at = earlier.rbegin(); at != earlier.rend() && at->first > first.grant->returned;
         ++at) {
      const Life& blocking = *at->second;
      // With those of its later lives: as long as it holds its key, they may be in a run, too.
      const MessageView& message = lives_.message(blocking.message);
      const std::span members(lives_.members_of(blocking),
                              message.first_member + message.members - blocking.first_member);
      const bool in_same_run =
          std::any_of(members.begin(), members.end(),
                      [&](const Member& member) { return member.lease == first.lease; });
      if (!in_same_run) {
        const Member* last = members.empty() ? nullptr : &members.back();
        report_->blame(
            7,
            named(key_of(life)) + ": message " + std::to_string(life.message) +
                " was granted before message " + std::to_string(blocking.message) + " was resolved",
            {blocking.publish, life.publish, first.grant, last == nullptr ? nullptr : last->grant,
             last == nullptr ? nullptr : last->settle});
        return;
      }
    }
  }

  void judge_leases_of_key(std::span<const LeaseView* const> of_key) {
    std::uint64_t last_invoke = 0;
    const LeaseView* last_invoked = nullptr;
    for (std::size_t i = 0; i < of_key.size(); ++i) {
      const LeaseView& lease = *of_key[i];
      const Event* grant = lease.members[0];
      // S10: what was granted earlier has the lower token.
      report_->judge(10);
      if (last_invoked != nullptr && grant->returned < last_invoke) {
        report_->blame(10, named(grant->key) + ": a later grant has a lower fencing token",
                       {grant, last_invoked->members[0]});
      }
      if (last_invoked == nullptr || grant->invoke > last_invoke) {
        last_invoke = grant->invoke;
        last_invoked = &lease;
      }
    }
    if (lives_.rules.by_key) {
      judge_exclusive(of_key);
      judge_hold(of_key);
      judge_runs(of_key);
    }
  }

  // Under detach a message that has failed once is on its own.
  bool detached(const LeaseView& lease) const {
    if (lives_.rules.hold) {
      return false;
    }
    const Member* member = lives_.member(lease, 0);
    return member->grant->attempt > 1 ||
           (member != &lives_.members[0] && member[-1].grant->message == member->grant->message);
  }

  // S8: no lease of the key goes on while another is granted.
  void judge_exclusive(std::span<const LeaseView* const> of_key) {
    const Event* latest = nullptr;  // settle of an earlier lease
    const LeaseView* silent =
        nullptr;  // the earlier lease that nobody ended, with the last deadline
    for (const LeaseView* lease : of_key) {
      if (detached(*lease)) {
        continue;
      }
      const Event* grant = lease->members[0];
      report_->judge(8);
      if (latest != nullptr && latest->invoke > grant->returned) {
        report_->blame(8, named(grant->key) + " was held by two leases at once", {grant, latest});
      }
      if (silent != nullptr && grant->ended_ns < silent->deadline_ns &&
          silent->members[0]->message != grant->message &&
          !lives_.revoked_between(silent->members[0]->invoke, grant->returned)) {
        report_->blame(8, named(grant->key) + " was granted before its last lease was over",
                       {silent->members[0], grant});
      }
      bool ended = lease->doubtful;
      for (const Event* settle : lease->settles) {
        const bool counts = settle->answer == Answer::ok;
        latest = counts && (latest == nullptr || settle->invoke > latest->invoke) ? settle : latest;
        ended |= settle->verb == Verb::drop || settle == lease->won;
      }
      if (!ended && (silent == nullptr || lease->deadline_ns > silent->deadline_ns)) {
        silent = lease;
      }
    }
  }

  // S9: a message that went back to the head of its key is the next one granted.
  void judge_hold(std::span<const LeaseView* const> of_key) {
    if (!lives_.rules.hold || !lives_.rules.all_grants) {
      return;
    }
    for (std::size_t i = 0; i + 1 < of_key.size(); ++i) {
      const LeaseView& lease = *of_key[i];
      const Member* back = went_back(lease);
      if (back == nullptr) {
        continue;
      }
      const Member* again = back + 1;
      report_->judge(9);
      const bool next = &lives_.leases[again->lease] == of_key[i + 1];
      const bool taken = again->grant->kind == Kind::take;
      if (!next && !taken && again->grant->attempt >= back->grant->attempt &&
          !may_be_reborn(*back)) {
        report_->blame(9,
                       named(back->grant->key) + ": message " +
                           std::to_string(of_key[i + 1]->members[0]->message) +
                           " was granted while message " + std::to_string(back->grant->message) +
                           " waited for its retry",
                       {back->grant, back->settle, of_key[i + 1]->members[0], again->grant});
      }
    }
  }

  // Granted again later on, so that it was not resolved: the first of a run that was not completed.
  const Member* went_back(const LeaseView& lease) const {
    for (std::size_t place = 0; place < lease.members.size(); ++place) {
      const Member* member = lives_.member(lease, place);
      if (member->end == MemberEnd::completed) {
        continue;
      }
      const bool last =
          member == &lives_.members.back() || member[1].grant->message != member->grant->message;
      return last || lease.doubtful || member->end == MemberEnd::rejected ? nullptr : member;
    }
    return nullptr;
  }
  // Its attempts may have been used up, and a replay put it at the end of its key.
  bool may_be_reborn(const Member& member) const {
    const Event* publish = lives_.message(member.grant->message).publish;
    const std::uint32_t most =
        publish != nullptr && publish->attempt != 0 ? publish->attempt : lives_.rules.attempts;
    return most == 0 || member.grant->attempt >= most;
  }

  // Inside a run, the order of the key.
  void judge_runs(std::span<const LeaseView* const> of_key) {
    for (const LeaseView* lease : of_key) {
      for (std::size_t i = 1; i < lease->members.size(); ++i) {
        const Life* before = first_life_of(lease->members[i - 1]->message);
        const Life* after = first_life_of(lease->members[i]->message);
        report_->judge(7);
        if (before != nullptr && after != nullptr && after->joined.by < before->joined.from) {
          report_->blame(
              7, named(key_of(*lease)) + ": a run is not in its order",
              {after->publish, before->publish, lease->members[i - 1], lease->members[i]});
        }
      }
    }
  }
  // Null when it is not told by its publish when the message joined.
  const Life* first_life_of(std::uint64_t message) const {
    const MessageView& view = lives_.message(message);
    const Life* const life = view.lives == 1 ? &lives_.lives[view.first_life] : nullptr;
    return life == nullptr || delayed(*life) || life->may_have_rested ? nullptr : life;
  }

  const Lives& lives_;
  Report* report_;
  std::vector<const Life*> of_keys_;
  std::vector<const LeaseView*> leases_;
};

}  // namespace

void judge_keys(const Lives& lives, Report* report) {
  KeyJudge(lives, report).judge();
}

}  // namespace laneway::check

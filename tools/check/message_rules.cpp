#include "tools/check/rules.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace laneway::check {

namespace {

std::string named(const MessageView& message) {
  return "message " + std::to_string(message.number);
}

class MessageJudge {
 public:
  MessageJudge(const Lives& lives, const MessageView& message, Report* report)
      : lives_(lives), message_(message), report_(report) {}

  void judge() {
    judge_origin();
    if (message_.publish == nullptr) {
      return;
    }
    judge_refused();
    for (std::uint32_t i = 0; i < message_.lives; ++i) {
      judge_life(lives_.lives[message_.first_life + i], i + 1 == message_.lives);
    }
    if (message_.lives != 0) {
      judge_end(lives_.lives[message_.first_life + message_.lives - 1]);
    }
  }

 private:
  const Member* members() const { return &lives_.members[message_.first_member]; }
  void blame(unsigned invariant,
             const std::string& text,
             std::initializer_list<const Event*> shown) {
    report_->blame(invariant, named(message_) + " " + text, shown);
  }

  void judge_origin() {
    for (std::uint32_t i = 0; i < message_.members; ++i) {
      const Event* grant = members()[i].grant;
      report_->judge(1);
      if (message_.publish == nullptr) {
        blame(1, "was granted and never published", {grant});
      } else if (grant->returned < message_.publish->invoke) {
        blame(1, "was granted before it was published", {grant, message_.publish});
      } else if (grant->answer == Answer::damaged || grant->key != message_.publish->key) {
        blame(1, "was granted with other bytes than published", {message_.publish, grant});
      }
    }
    if (message_.publish == nullptr && message_.members == 0) {
      report_->judge(1);
      blame(1, "ended and was never published", {message_.ends.front()});
    }
  }

  void judge_refused() {
    report_->judge(2);
    const Event* publish = message_.publish;
    if (may_be_accepted(*publish)) {
      return;
    }
    if (message_.members != 0) {
      blame(2, "was refused and granted all the same", {publish, members()[0].grant});
    } else if (!message_.ends.empty()) {
      blame(2, "was refused and is in the queue all the same", {publish, message_.ends.front()});
    }
  }

  // The deliveries of one life: each but the last was followed by another.
  void judge_life(const Life& life, bool last) {
    for (std::uint32_t i = 0; i < life.members; ++i) {
      const Member& member = lives_.members_of(life)[i];
      const Event* grant = member.grant;
      report_->judge(4);
      report_->judge(6);
      if (i == 0 && grant->attempt != 1 && lives_.rules.all_grants) {
        blame(4, "begins with attempt " + std::to_string(grant->attempt),
              {message_.publish, grant});
      }
      if (life.attempts_max != 0 && grant->attempt > life.attempts_max) {
        blame(4, "was granted more often than its attempts allow", {message_.publish, grant});
      }
      if (!life.replayed && grant->ended_ns < message_.publish->due_ns) {
        blame(6, "was granted before its delay was over", {message_.publish, grant});
      }
      if (i + 1 < life.members) {
        judge_again(life, member, lives_.members_of(life)[i + 1]);
      }
    }
    if (!last && !life.replayed && life.members == 0) {
      blame(13, "was replayed and never dead", {message_.publish});
    }
  }

  void judge_again(const Life& life, const Member& member, const Member& next) {
    const Event* settle = member.settle;
    if (member.end == MemberEnd::completed) {
      blame(2, "was granted again after it was completed", {member.grant, settle, next.grant});
      return;
    }
    if (member.end == MemberEnd::rejected) {
      blame(13, "was granted again after a reject, without a replay",
            {member.grant, settle, next.grant});
      return;
    }
    const bool used_up = life.attempts_max != 0 && member.grant->attempt >= life.attempts_max;
    if (member.end == MemberEnd::failed && used_up) {
      blame(13, "was granted again after its last attempt, without a replay",
            {member.grant, settle, next.grant});
      return;
    }
    judge_count(member, next);
    judge_time(member, next);
  }

  // Attempts: failures and expiries count, releases and revocations do not.
  void judge_count(const Member& member, const Member& next) {
    const LeaseView& lease = lives_.leases[member.lease];
    const std::uint32_t before = member.grant->attempt;
    const bool may_be_uncounted =
        member.end == MemberEnd::released ||
        (member.end == MemberEnd::open &&
         (lease.doubtful || member.grant != lease.members[0] ||
          lives_.revoked_between(member.grant->invoke, next.grant->returned)));
    const bool may_be_counted = member.end != MemberEnd::released;
    const bool right = (!lives_.rules.all_grants && next.grant->attempt >= before) ||
                       (may_be_counted && next.grant->attempt == before + 1) ||
                       (may_be_uncounted && next.grant->attempt == before);
    if (!right) {
      blame(4,
            "has attempt " + std::to_string(next.grant->attempt) + " after attempt " +
                std::to_string(before) + " ended",
            {member.grant, member.settle, next.grant});
    }
  }

  void judge_time(const Member& member, const Member& next) {
    const LeaseView& lease = lives_.leases[member.lease];
    if (member.end == MemberEnd::failed && next.grant->ended_ns < member.settle->due_ns) {
      blame(6, "was retried before it was due", {member.grant, member.settle, next.grant});
      return;
    }
    const bool dropped = std::any_of(lease.settles.begin(), lease.settles.end(),
                                     [](const Event* told) { return told->verb == Verb::drop; });
    if (lease.won == nullptr && !lease.doubtful && !dropped &&
        next.grant->ended_ns < lease.deadline_ns &&
        !lives_.revoked_between(member.grant->invoke, next.grant->returned)) {
      blame(6, "was granted again before its lease was over", {member.grant, next.grant});
    }
  }

  void judge_end(const Life& life) {
    const Event* told = nullptr;
    const Event* replay = nullptr;
    for (const Event* end : message_.ends) {
      if (end->kind == Kind::replay && end->answer == Answer::ok) {
        replay = end;
        told = nullptr;
      } else if (end->kind == Kind::end && end->answer == Answer::ok) {
        told = end;
        judge_told(life, *end);
      }
    }
    report_->judge(2);
    if (lives_.over && told == nullptr && (life.state == State::none || replay != nullptr) &&
        life.state != State::completed && message_.publish->answer == Answer::ok) {
      blame(2, "was accepted and is lost", {message_.publish});
    }
  }

  void judge_told(const Life& life, const Event& told) {
    const Member* final_member =
        life.members == 0 ? nullptr : &lives_.members_of(life)[life.members - 1];
    const Event* grant = final_member == nullptr ? nullptr : final_member->grant;
    const MemberEnd end = final_member == nullptr ? MemberEnd::open : final_member->end;
    // The first messages of a run are acknowledged while it goes on, and counted when it ends.
    const bool settled = final_member != nullptr && final_member->settle != nullptr &&
                         final_member->settle->returned < told.invoke &&
                         (told.state != State::left ||
                          final_member->settle == lives_.leases[final_member->lease].won);
    const bool doubtful = final_member != nullptr && lives_.leases[final_member->lease].doubtful;
    report_->judge(2);
    if (end == MemberEnd::completed && settled && told.state != State::completed) {
      blame(2, "was completed and something else is told of it",
            {grant, final_member->settle, &told});
    } else if (told.state == State::completed && end != MemberEnd::completed && !doubtful) {
      blame(2, "is told to be completed without an ack", {message_.publish, grant, &told});
    }
    if (told.state == State::expired) {
      report_->judge(6);
      if (told.ended_ns < message_.publish->until_ns || message_.publish->until_ns == 0) {
        blame(6, "expired before its deadline", {message_.publish, &told});
      }
    }
    if (life.attempts_max == 0 || doubtful || !lives_.rules.all_grants) {
      return;
    }
    const bool used_up = grant != nullptr && grant->attempt >= life.attempts_max;
    const bool may_be_dead = end == MemberEnd::rejected ||
                             (lives_.rules.dead_divert && message_.publish->key != 0) ||
                             (used_up && (end == MemberEnd::failed || end == MemberEnd::open));
    const bool must_be_dead =
        settled && (end == MemberEnd::rejected || (end == MemberEnd::failed && used_up));
    report_->judge(13);
    // A dead letter that was replayed since lives again, and has not been granted.
    const bool replayed = message_.lives > 1 || may_have_been_replayed(told);
    if (told.state == State::dead && !may_be_dead && !replayed) {
      blame(13, "is dead without a reject and with attempts left",
            {message_.publish, grant, &told});
    } else if (must_be_dead && told.state != State::dead && told.state != State::discarded &&
               told.state != State::cancelled && !replayed) {
      blame(13, "should be dead", {grant, final_member->settle, &told});
    }
  }

  bool may_have_been_replayed(const Event& told) const {
    const auto before = [&](const Event* replay) { return replay->invoke < told.returned; };
    return std::any_of(lives_.replays_of_all.begin(), lives_.replays_of_all.end(), before) ||
           std::any_of(message_.ends.begin(), message_.ends.end(),
                       [&](const Event* end) { return end->kind == Kind::replay && before(end); });
  }

  const Lives& lives_;
  const MessageView& message_;
  Report* report_;
};

// Dead letters of one listing, those of a key in the order of the key.
void judge_listings(const Lives& lives, Report* report) {
  struct Letter {
    const Event* told;
    const Life* life;
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<Letter>> letters;
  for (const MessageView& message : lives.messages) {
    for (const Event* end : message.ends) {
      if (end->kind == Kind::end && end->state == State::dead && end->index != 0 &&
          message.lives == 1 && !lives.lives[message.first_life].may_have_rested &&
          message.publish->key != 0 && message.publish->due_ns == 0) {
        letters[{end->invoke, message.publish->key}].push_back(
            {end, &lives.lives[message.first_life]});
      }
    }
  }
  for (auto& [listing, of_key] : letters) {
    std::sort(of_key.begin(), of_key.end(),
              [](const Letter& a, const Letter& b) { return a.told->index < b.told->index; });
    for (std::size_t i = 1; i < of_key.size(); ++i) {
      report->judge(13);
      if (of_key[i].life->joined.by < of_key[i - 1].life->joined.from) {
        report->blame(
            13,
            "the dead letters of key " + std::to_string(listing.second) + " are not in its order",
            {of_key[i].life->publish, of_key[i - 1].life->publish, of_key[i].told,
             of_key[i - 1].told});
      }
    }
  }
}

// Of equal dedup ids within a window one is accepted, and the others are told so.
class DedupJudge {
 public:
  DedupJudge(const Lives& lives, Report* report)
      : window_ns_(lives.rules.dedup_ns), report_(report) {
    for (const MessageView& message : lives.messages) {
      if (message.publish != nullptr && message.publish->lease != 0) {
        publishes_.push_back(message.publish);
      }
    }
    std::stable_sort(publishes_.begin(), publishes_.end(), [](const Event* a, const Event* b) {
      return std::tie(a->lease, a->began_ns) < std::tie(b->lease, b->began_ns);
    });
  }

  void judge() {
    const auto same_id = [](const Event* a, const Event* b) { return a->lease < b->lease; };
    for (std::size_t i = 0; i < publishes_.size(); ++i) {
      const auto [from, to] =
          std::equal_range(publishes_.begin(), publishes_.end(), publishes_[i], same_id);
      report_->judge(2);
      judge_one(*publishes_[i], {from, to});
    }
  }

 private:
  void judge_one(const Event& publish, std::span<const Event*> same) {
    const Event* first = nullptr;
    for (const Event* other : same) {
      if (other == &publish || !may_be_accepted(*other)) {
        continue;
      }
      const std::int64_t span_ns =
          std::max(publish.ended_ns, other->ended_ns) - std::min(publish.began_ns, other->began_ns);
      const bool twice =
          publish.answer == Answer::ok && other->answer == Answer::ok && span_ns < window_ns_;
      if (twice) {
        report_->blame(2, "two messages with one dedup id were accepted", {other, &publish});
        return;
      }
      const bool may_be_first =
          other->invoke < publish.returned && other->ended_ns + window_ns_ >= publish.began_ns;
      first = may_be_first ? other : first;
    }
    if (publish.answer == Answer::duplicate && first == nullptr) {
      report_->blame(2, "a message was passed over as a duplicate, of none", {&publish});
    }
  }

  const std::int64_t window_ns_;
  Report* report_;
  std::vector<const Event*> publishes_;  // with a dedup id, by it
};

}  // namespace

void judge_messages(const Lives& lives, Report* report) {
  for (const MessageView& message : lives.messages) {
    MessageJudge(lives, message, report).judge();
  }
  if (lives.rules.by_key && lives.rules.hold) {
    judge_listings(lives, report);
  }
  if (lives.rules.dedup_ns != 0) {
    DedupJudge(lives, report).judge();
  }
}

}  // namespace laneway::check

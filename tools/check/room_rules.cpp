#include "tools/check/rules.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace laneway::check {

namespace {

using Stamps = std::vector<std::uint64_t>;

std::uint64_t count_below(const Stamps& sorted, std::uint64_t stamp) {
  return static_cast<std::uint64_t>(std::lower_bound(sorted.begin(), sorted.end(), stamp) -
                                    sorted.begin());
}

const Event* last_settle(const Lives& lives, const Life& life) {
  const Member& member = lives.members_of(life)[life.members - 1];
  const LeaseView& lease = lives.leases[member.lease];
  return lease.settles.empty() ? member.settle : lease.settles.back();
}

// When a message gave its place free: resolved, and no Lease object that still pins its bytes.
// Those of earlier lives too: where a replay is in doubt they may be of this one.
std::uint64_t freed(const Lives& lives, const Life& life) {
  std::uint64_t stamp = life.resolved.by;
  if (!lives.rules.all_grants) {
    // Who is not told how a settle ended has let go of its Lease all the same, or is among the
    // unseen. Nobody but the last to see a message has completed it.
    const Event* const last = life.members == 0 ? nullptr : last_settle(lives, life);
    return life.state == State::completed && last != nullptr && last->verb == Verb::ack
               ? last->returned
               : stamp;
  }
  const std::uint32_t end = life.first_member + life.members;
  for (std::uint32_t i = lives.message(life.message).first_member; i < end; ++i) {
    const LeaseView& lease = lives.leases[lives.members[i].lease];
    if (lease.members[0]->kind == Kind::take) {
      continue;
    }
    std::uint64_t gone = lease.won != nullptr ? lease.won->returned : kNever;
    for (const Event* settle : lease.settles) {
      if (settle->verb == Verb::drop && settle->answer != Answer::damaged) {
        gone = std::min(gone, settle->returned);
      }
    }
    stamp = std::max(stamp, gone);
  }
  return stamp;
}

// Stretches of time with an end each, of which it is known how many calls end within them: for all
// that end at or after a call it adds `weight`. A tree of maxima, so that adding costs log n.
class Stretches {
 public:
  Stretches(std::size_t ends, double weight)
      : leaves_(std::bit_ceil(std::max<std::size_t>(1, ends))),
        weight_(weight),
        best_(2 * leaves_, std::numeric_limits<double>::lowest()),
        added_(2 * leaves_, 0) {}

  // A call that ends at `end`, the place-th of all ends. Answers the highest weight less its end
  // among the stretches that have a call at theirs.
  double add(std::size_t place, double end) {
    std::size_t node = leaves_ + place;
    added_[node] += weight_;
    best_[node] = added_[node] - end;
    for (; node > 1; node /= 2) {
      if (node % 2 == 0) {
        added_[node + 1] += weight_;
        best_[node + 1] += weight_;
      }
      best_[node / 2] = std::max(best_[node & ~std::size_t{1}], best_[node | 1]) + added_[node / 2];
    }
    return best_[1];
  }

 private:
  const std::size_t leaves_;
  const double weight_;
  std::vector<double> best_;
  std::vector<double> added_;
};

class RoomJudge {
 public:
  RoomJudge(const Lives& lives, Report* report) : lives_(lives), report_(report) {
    for (const Life& life : lives.lives) {
      const Event* publish = life.publish;
      if (!life.replayed) {
        may_join_.push_back(publish->invoke);
        if (publish->answer == Answer::ok) {
          surely_joined_.push_back(publish->returned);
          // Of what is not resolved nothing is known before the history is over.
          const bool known = (life.state != State::none || lives.over) && !life.may_have_rested;
          left_.push_back(known ? life.resolved.from : life.joined.from);
        }
      }
      freed_.push_back(freed(lives, life));
    }
    for (const Event* event : lives.by_time) {
      if (event->kind == Kind::replay && event->answer != Answer::refused) {
        reborn_.insert(reborn_.end(), event->message == 0 ? event->index : 1, event->invoke);
      }
    }
    for (Stamps* stamps : {&may_join_, &surely_joined_, &left_, &freed_, &reborn_}) {
      std::sort(stamps->begin(), stamps->end());
    }
  }

  void judge() {
    const Rules& rules = lives_.rules;
    const bool counts = rules.capacity != 0 && (rules.all_grants || rules.unseen != 0);
    for (const Event* event : lives_.by_time) {
      if (event->kind == Kind::stats && event->answer == Answer::ok) {
        judge_stats(*event);
        looked_.push_back(event);
      } else if (counts && event->kind == Kind::publish && event->answer == Answer::full) {
        judge_refusal(*event);
      }
    }
    if (counts) {
      judge_capacity();
    }
    if (lives_.rules.in_flight != 0) {
      judge_in_flight();
    }
    // A message that failed unseen may have left the order of its key.
    if (rules.key_capacity != 0 && (rules.all_grants || rules.hold)) {
      judge_keys();
    }
    if (rules.rate_ns != 0) {
      judge_rate();
    }
  }

 private:
  // S11.
  void judge_stats(const Event& stats) {
    const std::uint64_t accepted = stats.message;
    report_->judge(11);
    if (accepted != stats.key + stats.lease) {
      report_->blame(11,
                     "stats: " + std::to_string(accepted) + " accepted, but " +
                         std::to_string(stats.key) + " held and " + std::to_string(stats.lease) +
                         " ended",
                     {&stats});
    } else if (accepted < count_below(surely_joined_, stats.invoke) ||
               accepted > count_below(may_join_, stats.returned)) {
      report_->blame(11,
                     "stats: " + std::to_string(accepted) + " accepted, but published were " +
                         std::to_string(count_below(surely_joined_, stats.invoke)) + " to " +
                         std::to_string(count_below(may_join_, stats.returned)),
                     {&stats});
    }
  }

  // S14. Settles that no shard has looked at yet, and open claims, count as held. Stats looks at
  // all shards.
  void judge_refusal(const Event& publish) {
    const Event* look = nullptr;
    for (auto stats = looked_.rbegin(); stats != looked_.rend() && look == nullptr; ++stats) {
      look = (*stats)->returned < publish.invoke ? *stats : nullptr;
    }
    const std::uint64_t seen = look == nullptr ? 0 : count_below(freed_, look->invoke);
    const std::uint64_t held =
        count_below(may_join_, publish.returned) + count_below(reborn_, publish.returned) - seen;
    report_->judge(14);
    // A lease that nobody wrote down may pin what has ended.
    if (held + lives_.rules.unseen < lives_.rules.capacity / lives_.rules.shards) {
      report_->blame(14,
                     "message " + std::to_string(publish.message) + " was refused with " +
                         std::to_string(held) + " messages held",
                     {look, &publish});
    }
  }

  void judge_capacity() {
    for (std::size_t joined = 0, left = 0; joined < surely_joined_.size(); ++joined) {
      while (left < left_.size() && left_[left] <= surely_joined_[joined]) {
        ++left;
      }
      report_->judge(14);
      // Those that leave before they are told to have come are not counted twice.
      if (joined + 1 > left + lives_.rules.capacity) {
        report_->blame(14,
                       std::to_string(joined + 1 - left) + " messages were held, the capacity is " +
                           std::to_string(lives_.rules.capacity),
                       {publish_at(surely_joined_[joined])});
        return;
      }
    }
  }

  // Of leases that somebody ended it is known that they went on until then.
  void judge_in_flight() {
    std::vector<std::pair<std::uint64_t, const Event*>> steps;  // a grant, or null where one ends
    for (const LeaseView& lease : lives_.leases) {
      const Event* grant = lease.members[0];
      if (lease.won != nullptr && lease.won->invoke > grant->returned) {
        steps.push_back({grant->returned, grant});
        steps.push_back({lease.won->invoke, nullptr});
      }
    }
    std::sort(steps.begin(), steps.end());
    std::uint64_t out = 0;
    for (const auto& [stamp, grant] : steps) {
      out = grant == nullptr ? out - 1 : out + 1;
      report_->judge(14);
      if (out > lives_.rules.in_flight) {
        report_->blame(14,
                       std::to_string(out) + " leases were out, the limit is " +
                           std::to_string(lives_.rules.in_flight),
                       {grant});
        return;
      }
    }
  }

  // Undelayed messages, from their publish until they are first granted or over.
  void judge_keys() {
    std::vector<std::tuple<std::uint64_t, std::uint64_t, const Event*>> steps;  // by key
    for (const Life& life : lives_.lives) {
      const Event* publish = life.publish;
      const bool known = life.members != 0 || life.state != State::none || lives_.over;
      const std::uint64_t left =
          life.members != 0 ? lives_.members_of(life)[0].grant->invoke : life.resolved.from;
      if (publish->key != 0 && !life.replayed && !life.may_have_rested && publish->due_ns == 0 &&
          publish->answer == Answer::ok && known && left > publish->returned) {
        steps.push_back({publish->key, publish->returned, publish});
        steps.push_back({publish->key, left, nullptr});
      }
    }
    std::sort(steps.begin(), steps.end());
    std::uint64_t held = 0;  // nobody of the key before, when a key begins
    for (const auto& [key, stamp, publish] : steps) {
      held = publish == nullptr ? held - 1 : held + 1;
      report_->judge(14);
      if (held > lives_.rules.key_capacity) {
        report_->blame(14,
                       "key " + std::to_string(key) + " had " + std::to_string(held) +
                           " messages, its limit is " + std::to_string(lives_.rules.key_capacity),
                       {publish});
        return;
      }
    }
  }

  // What calls that lie within a stretch of time were given is no more than it lets through.
  void judge_rate() {
    std::vector<const Event*> calls;  // a message each, by the end of the call
    for (const Member& member : lives_.members) {
      if (member.grant->ended_ns != 0) {
        calls.push_back(member.grant);
      }
    }
    std::sort(calls.begin(), calls.end(),
              [](const Event* a, const Event* b) { return a->ended_ns < b->ended_ns; });
    std::vector<std::size_t> later_first(calls.size());
    std::iota(later_first.begin(), later_first.end(), std::size_t{0});
    std::sort(later_first.begin(), later_first.end(), [&](std::size_t a, std::size_t b) {
      return calls[a]->began_ns > calls[b]->began_ns;
    });
    const auto interval = static_cast<double>(lives_.rules.rate_ns);
    const double burst = interval * static_cast<double>(lives_.rules.burst);
    Stretches stretches(calls.size(), interval);
    for (const std::size_t place : later_first) {
      report_->judge(14);
      const double most = stretches.add(place, static_cast<double>(calls[place]->ended_ns));
      if (most + static_cast<double>(calls[place]->began_ns) > burst) {
        report_->blame(14, "from here on more messages were granted than the rate lets through",
                       {calls[place]});
        return;
      }
    }
  }

  const Event* publish_at(std::uint64_t returned) const {
    for (const Event* event : lives_.by_time) {
      if (event->kind == Kind::publish && event->returned == returned) {
        return event;
      }
    }
    return nullptr;
  }

  const Lives& lives_;
  Report* report_;
  // Sorted stamps.
  Stamps may_join_;
  Stamps surely_joined_;
  Stamps left_;
  Stamps freed_;
  Stamps reborn_;
  std::vector<const Event*> looked_;  // stats so far
};

}  // namespace

void judge_room(const Lives& lives, Report* report) {
  RoomJudge(lives, report).judge();
}

}  // namespace laneway::check

#include "tools/check/rules.hpp"

#include <algorithm>
#include <string>

namespace laneway::check {

namespace {

std::string named(const LeaseView& lease) {
  return "lease " + std::to_string(lease.number);
}

bool same_call(const Event& a, const Event& b) {
  return a.thread == b.thread && a.invoke == b.invoke && a.returned == b.returned;
}

bool is_final(const LeaseView& lease, const Event& settle) {
  return settle.verb != Verb::extend && settle.verb != Verb::drop &&
         (settle.verb != Verb::ack || settle.index == 0 || settle.index >= lease.members.size());
}

// A fencing token names one grant; its members come from one call and have one key.
void judge_grants(const LeaseView& lease, Report* report) {
  report->judge(10);
  const Event* first = lease.members[0];
  for (std::size_t i = 1; i < lease.members.size(); ++i) {
    const Event* member = lease.members[i];
    if (!same_call(*first, *member) || member->index == lease.members[i - 1]->index) {
      report->blame(10, named(lease) + " was granted twice", {first, member});
      return;
    }
  }
}

// Of all settles one ends the lease; whatever comes later is told so.
void judge_winner(const LeaseView& lease, Report* report) {
  for (const Event* settle : lease.settles) {
    report->judge(3);
    if (settle->answer != Answer::ok || lease.won == nullptr || settle == lease.won) {
      continue;
    }
    if (is_final(lease, *settle)) {
      report->blame(3, named(lease) + " was settled twice", {lease.members[0], lease.won, settle});
    } else if (settle->invoke > lease.won->returned) {
      report->blame(3, named(lease) + " was changed after it had been settled",
                    {lease.members[0], lease.won, settle});
    }
  }
}

// lease_lost needs a reason: somebody else's settle, the deadline, or a drain.
void judge_losers(const Lives& lives, const LeaseView& lease, Report* report) {
  for (const Event* settle : lease.settles) {
    if (settle->answer != Answer::lost || settle->ended_ns >= lease.deadline_ns) {
      continue;
    }
    const bool another =
        std::any_of(lease.settles.begin(), lease.settles.end(), [&](const Event* other) {
          const bool may_end = other->answer == Answer::unknown || other->verb == Verb::drop ||
                               (other->answer == Answer::ok && is_final(lease, *other));
          return other != settle && may_end && other->invoke < settle->returned;
        });
    if (!another && !lives.revoked_between(lease.members[0]->invoke, settle->returned)) {
      report->blame(3, named(lease) + " was lost without a reason", {lease.members[0], settle});
    }
  }
}

void judge_pins(const LeaseView& lease, Report* report) {
  for (const Event* settle : lease.settles) {
    if (settle->answer == Answer::damaged) {
      report->blame(5, named(lease) + " showed other bytes than at its grant",
                    {lease.members[0], settle});
    }
  }
}

// Whoever is granted a message is the only one whose settle still counts.
void judge_overlap(const Lives& lives, const MessageView& message, Report* report) {
  for (std::uint32_t i = 1; i < message.members; ++i) {
    const Member& before = lives.members[message.first_member + i - 1];
    const Event* grant = lives.members[message.first_member + i].grant;
    report->judge(5);
    for (const Event* settle : lives.leases[before.lease].settles) {
      if (settle->answer == Answer::ok && settle->invoke > grant->returned) {
        report->blame(5,
                      "message " + std::to_string(message.number) +
                          " was granted while an earlier lease of it went on",
                      {before.grant, grant, settle});
        break;
      }
    }
  }
}

}  // namespace

void judge_leases(const Lives& lives, Report* report) {
  for (const LeaseView& lease : lives.leases) {
    if (lease.members[0]->kind == Kind::take) {
      continue;
    }
    judge_grants(lease, report);
    judge_winner(lease, report);
    judge_losers(lives, lease, report);
    judge_pins(lease, report);
  }
  for (const MessageView& message : lives.messages) {
    judge_overlap(lives, message, report);
  }
}

}  // namespace laneway::check

#include "tools/check/lives.hpp"

#include <algorithm>
#include <tuple>

namespace laneway::check {

namespace {

bool sooner(const Event* a, const Event* b) {
  return std::tie(a->invoke, a->returned) < std::tie(b->invoke, b->returned);
}

// Settles that end a lease, when they are told ok.
bool is_final(const Event& settle, std::size_t members) {
  if (settle.verb == Verb::extend || settle.verb == Verb::drop) {
    return false;
  }
  return settle.verb != Verb::ack || settle.index == 0 || settle.index >= members;
}

MemberEnd end_by(Verb verb) {
  switch (verb) {
    case Verb::nack:
      return MemberEnd::failed;
    case Verb::release:
      return MemberEnd::released;
    case Verb::reject:
      return MemberEnd::rejected;
    default:
      return MemberEnd::completed;
  }
}

// Of the run's members this one is the `place`-th.
void end_member(const LeaseView& lease, std::uint32_t place, Member* member) {
  std::uint32_t acked = 0;
  for (const Event* settle : lease.settles) {
    if (settle->verb != Verb::ack || settle->answer != Answer::ok) {
      continue;
    }
    const auto all = static_cast<std::uint32_t>(lease.members.size());
    acked = std::max(acked, settle->index == 0 ? all : settle->index);
    if (place < acked) {
      member->end = MemberEnd::completed;
      member->settle = settle;
      return;
    }
  }
  if (place > acked && !lease.doubtful) {
    member->end = MemberEnd::released;  // whatever ended the lease was the fault of an earlier one
    member->settle = lease.won;
  } else if (lease.won != nullptr) {
    member->end = end_by(lease.won->verb);
    member->settle = lease.won;
  }
}

// When a settle began whose answer nobody knows.
std::uint64_t first_doubt(const LeaseView& lease) {
  for (const Event* settle : lease.settles) {
    if (settle->answer == Answer::unknown && settle->verb != Verb::drop) {
      return settle->invoke;
    }
  }
  return kNever;
}

// The replay that began a life somewhere within `window`: of those that may have, the one that
// returned first, since a later life may need the others. When it joined depends on all of them.
std::vector<const Event*>::iterator replay_within(const Span& window,
                                                  std::vector<const Event*>* replays,
                                                  Span* joined) {
  *joined = {kNever, 0};
  auto found = replays->end();
  for (auto at = replays->begin(); at != replays->end(); ++at) {
    const Event& replay = **at;
    if (replay.returned < window.from || replay.invoke > window.by) {
      continue;
    }
    *joined = {std::min(joined->from, replay.invoke), std::max(joined->by, replay.returned)};
    found = found == replays->end() || replay.returned < (*found)->returned ? at : found;
  }
  return found;
}

// The members of a sorted sequence that share a number.
template <class Number>
std::span<const Event* const> run_of(const std::vector<const Event*>& sorted,
                                     std::size_t from,
                                     Number number) {
  std::size_t to = from;
  while (to < sorted.size() && number(*sorted[to]) == number(*sorted[from])) {
    ++to;
  }
  return std::span(sorted).subspan(from, to - from);
}

// A message that is taken is granted no more: what was taken comes last.
std::tuple<std::uint64_t, bool, std::uint32_t> order(const Member& member) {
  return {member.grant->message, member.grant->kind == Kind::take, member.lease};
}

std::uint64_t lease_of(const Event& event) {
  return event.lease;
}
std::uint64_t message_of(const Event& event) {
  return event.message;
}

}  // namespace

Lives::Lives(const History& history) : rules(history.rules), events(history.events) {
  collect();
  build_leases();
  build_members();
  build_messages();
}

void Lives::collect() {
  by_time.reserve(events.size());
  for (const Event& event : events) {
    by_time.push_back(&event);
  }
  std::sort(by_time.begin(), by_time.end(), sooner);
  for (const Event* event : by_time) {
    switch (event->kind) {
      case Kind::publish:
        publishes_.push_back(event);
        break;
      case Kind::grant:
      case Kind::take:
        grants_.push_back(event);
        break;
      case Kind::settle:
        settles_.push_back(event);
        break;
      case Kind::end:
        ends_.push_back(event);
        break;
      case Kind::replay:
        (event->message == 0 ? replays_of_all : ends_).push_back(event);
        break;
      case Kind::revoke:
        revocations.push_back(event);
        break;
      case Kind::release_key:
        releases.push_back(event);
        break;
      case Kind::over:
        over = true;
        break;
      default:
        break;
    }
  }
  std::stable_sort(grants_.begin(), grants_.end(), [](const Event* a, const Event* b) {
    return std::tie(a->lease, a->index) < std::tie(b->lease, b->index);
  });
  std::stable_sort(settles_.begin(), settles_.end(),
                   [](const Event* a, const Event* b) { return a->lease < b->lease; });
  const auto by_message = [](const Event* a, const Event* b) { return a->message < b->message; };
  std::stable_sort(ends_.begin(), ends_.end(), by_message);
  std::stable_sort(publishes_.begin(), publishes_.end(), by_message);
}

void Lives::build_leases() {
  std::size_t settle = 0;
  for (std::size_t at = 0; at < grants_.size();) {
    LeaseView lease;
    lease.number = grants_[at]->lease;
    // What was taken has no lease: each stands by itself.
    lease.members = grants_[at]->kind == Kind::take ? std::span(grants_).subspan(at, 1)
                                                    : run_of(grants_, at, lease_of);
    at += lease.members.size();
    while (settle < settles_.size() && settles_[settle]->lease < lease.number) {
      ++settle;
    }
    if (settle < settles_.size() && settles_[settle]->lease == lease.number) {
      lease.settles = run_of(settles_, settle, lease_of);
      settle += lease.settles.size();
    }
    lease.deadline_ns = lease.members[0]->until_ns;
    for (const Event* told : lease.settles) {
      lease.doubtful |= told->answer == Answer::unknown && told->verb != Verb::drop;
      if (told->answer == Answer::ok && told->verb == Verb::extend) {
        lease.deadline_ns = std::max(lease.deadline_ns, told->until_ns);
      }
      if (lease.won == nullptr && told->answer == Answer::ok &&
          is_final(*told, lease.members.size())) {
        lease.won = told;
      }
    }
    leases.push_back(lease);
  }
}

void Lives::build_members() {
  members.reserve(grants_.size());
  for (std::uint32_t index = 0; index < leases.size(); ++index) {
    const LeaseView& lease = leases[index];
    for (std::uint32_t place = 0; place < lease.members.size(); ++place) {
      Member member{lease.members[place], index, MemberEnd::open, nullptr};
      if (member.grant->kind == Kind::take) {
        member.end = MemberEnd::completed;
        member.settle = member.grant;
      } else {
        end_member(lease, place, &member);
      }
      members.push_back(member);
    }
  }
  std::stable_sort(members.begin(), members.end(),
                   [](const Member& a, const Member& b) { return order(a) < order(b); });
}

void Lives::build_messages() {
  std::size_t publish = 0;
  std::size_t end = 0;
  std::size_t member = 0;
  const auto number_at = [](const std::vector<const Event*>& sorted, std::size_t at) {
    return at < sorted.size() ? sorted[at]->message : kNever;
  };
  while (publish < publishes_.size() || end < ends_.size() || member < members.size()) {
    const std::uint64_t granted = member < members.size() ? members[member].grant->message : kNever;
    MessageView message;
    message.number = std::min({number_at(publishes_, publish), number_at(ends_, end), granted});
    if (number_at(publishes_, publish) == message.number) {
      message.publish = publishes_[publish];
      publish += run_of(publishes_, publish, message_of).size();
    }
    if (number_at(ends_, end) == message.number) {
      message.ends = run_of(ends_, end, message_of);
      end += message.ends.size();
    }
    message.first_member = static_cast<std::uint32_t>(member);
    while (member < members.size() && members[member].grant->message == message.number) {
      ++member;
    }
    message.members = static_cast<std::uint32_t>(member) - message.first_member;
    build_lives(message);
    messages.push_back(message);
  }
}

std::vector<const Event*> Lives::replays_of(const MessageView& message) const {
  std::vector<const Event*> replays;
  for (const Event* end : message.ends) {
    if (end->kind == Kind::replay && end->answer != Answer::refused) {
      replays.push_back(end);
    }
  }
  for (const Event* replay : replays_of_all) {
    const bool none = replay->answer == Answer::ok && replay->index == 0;
    if (!none && replay->returned > message.publish->invoke) {
      replays.push_back(replay);
    }
  }
  std::sort(replays.begin(), replays.end(), sooner);
  return replays;
}

bool Lives::may_be_last(const Life& life, const Member& member) const {
  const bool used_up = life.attempts_max != 0 && member.grant->attempt >= life.attempts_max;
  const bool failed = member.end == MemberEnd::failed || member.end == MemberEnd::open;
  const bool diverted = rules.dead_divert && member.end != MemberEnd::completed;
  return member.end == MemberEnd::rejected || diverted ||
         (failed && (used_up || !rules.all_grants));
}

// A life ends with a delivery that was its last, and the next one begins with a replay; whether the
// replay was there is the business of S13.
void Lives::build_lives(MessageView& message) {
  message.first_life = static_cast<std::uint32_t>(lives.size());
  const Event* publish = message.publish;
  if (publish == nullptr || !may_be_accepted(*publish)) {
    return;
  }
  std::vector<const Event*> replays = replays_of(message);
  Life life;
  life.message = message.number;
  life.publish = publish;
  life.joined = {publish->invoke, publish->returned};
  life.attempts_max = publish->attempt != 0 ? publish->attempt : rules.attempts;
  life.first_member = message.first_member;
  life.may_have_rested = (rules.dead_divert || !rules.all_grants) && !replays.empty();
  for (std::uint32_t i = 0; i < message.members; ++i) {
    const Member& member = members[message.first_member + i];
    ++life.members;
    if (i + 1 == message.members || !may_be_last(life, member)) {
      continue;
    }
    const Event* next = members[message.first_member + i + 1].grant;
    Life following;
    const bool may_start_over = next->attempt <= 1 || next->attempt < member.grant->attempt;
    const auto replay =
        replay_within({member.grant->invoke, next->returned}, &replays, &following.joined);
    if (!may_start_over || replay == replays.end()) {
      continue;  // given back by a drain; or wrong, which S4 and S13 will say
    }
    const bool given_back =
        member.end == MemberEnd::released ||
        (member.end == MemberEnd::open && (member.grant != leases[member.lease].members[0] ||
                                           revoked_between(member.grant->invoke, next->returned)));
    if (given_back && member.grant->attempt == next->attempt) {
      // Or it was given back, and no new life began: then it keeps its place, which may come late.
      following.joined = {life.joined.from, kNever};
    } else {
      replays.erase(replay);
    }
    resolve(life, message, false);
    lives.push_back(life);
    following.message = message.number;
    following.publish = publish;
    following.replayed = true;
    following.attempts_max = life.attempts_max;
    following.first_member = message.first_member + i + 1;
    life = following;
  }
  resolve(life, message, true);
  lives.push_back(life);
  message.lives = static_cast<std::uint32_t>(lives.size()) - message.first_life;
}

void Lives::resolve(Life& life, const MessageView& message, bool last) {
  const Member* final_member =
      life.members == 0 ? nullptr : &members[life.first_member + life.members - 1];
  if (final_member != nullptr && final_member->end == MemberEnd::completed) {
    life.state = State::completed;
    life.resolved = {final_member->settle->invoke, final_member->settle->returned};
    life.resolved_ns = final_member->settle->ended_ns;
    return;
  }
  // What was told before a replay is of an earlier life.
  const Event* told = nullptr;
  for (const Event* end : message.ends) {
    if (end->kind == Kind::replay) {
      told = told != nullptr && told->state == State::dead ? nullptr : told;
    } else if (told == nullptr && end->state != State::left && end->answer == Answer::ok &&
               (end->state != State::dead || !replayed_since(*end))) {
      told = end;
    }
  }
  const MemberEnd end = final_member != nullptr ? final_member->end : MemberEnd::open;
  const bool used_up =
      final_member != nullptr &&
      (life.attempts_max == 0 || final_member->grant->attempt >= life.attempts_max);
  const bool died = !last || end == MemberEnd::rejected ||
                    (end == MemberEnd::failed && used_up && life.attempts_max != 0);
  if (told == nullptr && !died) {
    // Its deadline, the expiry of its last lease, a cancel, or whatever the rules say may have
    // ended it without a word.
    const bool may_end = !rules.all_grants || rules.drops || rules.dead_divert;
    if (life.publish->until_ns != 0 || used_up || may_end || cancel_asked(message)) {
      life.resolved.from = final_member != nullptr ? final_member->grant->invoke : life.joined.from;
    } else if (final_member != nullptr) {
      life.resolved.from = first_doubt(leases[final_member->lease]);
    }
    const std::uint64_t since =
        final_member != nullptr ? final_member->grant->invoke : life.joined.from;
    for (const Event* seen : message.ends) {
      if (seen->state == State::left && life.resolved.from != kNever &&
          !replayed_between(message, since, seen->returned)) {
        life.resolved.from = std::max(life.resolved.from, seen->invoke);
      }
    }
    return;
  }
  life.state = told != nullptr && last ? told->state : State::dead;
  life.resolved.from = life.joined.from;
  life.resolved.by = told != nullptr ? told->returned : kNever;
  life.resolved_ns = told != nullptr ? told->ended_ns : 0;
  if (final_member != nullptr) {
    const Event* settle = final_member->settle;
    // An ack whose answer is not known, of a message that was completed: it is the one.
    for (const Event* tried : leases[final_member->lease].settles) {
      const bool ack = tried->verb == Verb::ack && tried->answer == Answer::unknown;
      settle = ack && settle == nullptr && life.state == State::completed ? tried : settle;
    }
    life.resolved.from = settle != nullptr ? settle->invoke : final_member->grant->invoke;
    if (died && last && settle != nullptr) {
      life.resolved.by = settle->returned;
      life.resolved_ns = settle->ended_ns;
    }
  }
}

const MessageView& Lives::message(std::uint64_t number) const {
  return *std::lower_bound(
      messages.begin(), messages.end(), number,
      [](const MessageView& view, std::uint64_t wanted) { return view.number < wanted; });
}

const Member* Lives::member(const LeaseView& lease, std::size_t place) const {
  const Member wanted{lease.members[place], static_cast<std::uint32_t>(&lease - leases.data())};
  return &*std::lower_bound(members.begin(), members.end(), wanted,
                            [](const Member& a, const Member& b) { return order(a) < order(b); });
}

bool Lives::replayed_since(const Event& told) const {
  return std::any_of(replays_of_all.begin(), replays_of_all.end(),
                     [&](const Event* replay) { return replay->returned > told.invoke; });
}

// Then what is seen may be of a life in which it was not granted.
bool Lives::replayed_between(const MessageView& message,
                             std::uint64_t from,
                             std::uint64_t by) const {
  const std::vector<const Event*> replays = replays_of(message);
  return std::any_of(replays.begin(), replays.end(), [&](const Event* replay) {
    return replay->invoke < by && replay->returned > from;
  });
}

bool Lives::revoked_between(std::uint64_t from, std::uint64_t by) const {
  return std::any_of(revocations.begin(), revocations.end(), [&](const Event* revocation) {
    return revocation->invoke < by && revocation->returned > from;
  });
}

}  // namespace laneway::check

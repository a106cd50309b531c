// Lives: a history in the shape that rules are told in. A life of a message begins when it joins
// its queue (by publish, or by replay of a dead letter) and ends when it is resolved. Leases are
// what grants and settles with the same number say together.
#pragma once

#include "tools/check/event.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace laneway::check {

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

// When something happened, as far as the history tells: not before `from`, not after `by`.
struct Span {
  std::uint64_t from = 0;
  std::uint64_t by = kNever;
};

// How the lease of a message ended for it.
enum class MemberEnd : std::uint8_t {
  open,  // nobody was told: still held, expired, revoked, dropped, or an answer is missing
  completed,
  failed,
  released,  // also the rest of a run whose earlier message was not acknowledged
  rejected,
};

struct Member {
  const Event* grant = nullptr;
  std::uint32_t lease = 0;  // place in Lives::leases
  MemberEnd end = MemberEnd::open;
  const Event* settle = nullptr;  // that ended it
};

struct LeaseView {
  std::uint64_t number = 0;
  std::span<const Event* const> members;  // in the order of the run
  std::span<const Event* const> settles;  // in the order of their calls
  const Event* won = nullptr;             // the settle that ended it, if one was told so
  std::int64_t deadline_ns = 0;           // not before this
  bool doubtful = false;                  // a settle whose answer is not known
};

struct Life {
  std::uint64_t message = 0;
  const Event* publish = nullptr;
  bool replayed = false;
  bool may_have_rested = false;  // with the dead letters in between, without a grant that was seen
  Span joined;
  std::uint32_t attempts_max = 0;  // 0: not known
  std::uint32_t first_member = 0;  // in Lives::members
  std::uint32_t members = 0;
  State state = State::none;  // none: not resolved
  Span resolved{kNever, kNever};
  std::int64_t resolved_ns = 0;  // engine time at the return that `resolved.by` stands for
};

inline bool has_died(const Life& life) {
  return life.state == State::dead || life.state == State::discarded;
}

struct MessageView {
  std::uint64_t number = 0;
  const Event* publish = nullptr;  // null: never published
  std::span<const Event* const> ends;
  std::uint32_t first_member = 0;
  std::uint32_t members = 0;
  std::uint32_t first_life = 0;
  std::uint32_t lives = 0;
};

// Of a leased message, which then ends with its lease.
inline bool cancel_asked(const MessageView& message) {
  return std::any_of(message.ends.begin(), message.ends.end(), [](const Event* end) {
    return end->state == State::cancelled && end->answer == Answer::unknown;
  });
}

inline bool may_be_accepted(const Event& publish) {
  return publish.answer == Answer::ok || publish.answer == Answer::unknown;
}

// Refers to the history's events, which must stay.
struct Lives {
  explicit Lives(const History& history);

  const Rules& rules;
  std::span<const Event> events;
  std::vector<const Event*> by_time;  // in the order of invocation
  std::vector<LeaseView> leases;      // by number, which is by shard and then by fencing token
  std::vector<MessageView> messages;  // by number
  std::vector<Member> members;        // by message, then by lease
  std::vector<Life> lives;            // by message, in order
  std::vector<const Event*> replays_of_all;
  std::vector<const Event*> revocations;
  std::vector<const Event*> releases;  // of keys
  bool over = false;

  const Member* members_of(const Life& life) const { return &members[life.first_member]; }
  // Of a message that the history names.
  const MessageView& message(std::uint64_t number) const;
  // The `place`-th message of a lease, among the members of that message.
  const Member* member(const LeaseView& lease, std::size_t place) const;
  // May a drain or close have ended a lease between these stamps?
  bool revoked_between(std::uint64_t from, std::uint64_t by) const;
  // May all dead letters have been replayed after this was told?
  bool replayed_since(const Event& told) const;
  bool replayed_between(const MessageView& message, std::uint64_t from, std::uint64_t by) const;

 private:
  void collect();
  void build_leases();
  void build_members();
  void build_messages();
  std::vector<const Event*> replays_of(const MessageView& message) const;
  bool may_be_last(const Life& life, const Member& member) const;
  void build_lives(MessageView& message);
  void resolve(Life& life, const MessageView& message, bool last);

  std::vector<const Event*> grants_;   // by lease, then by place in the run
  std::vector<const Event*> settles_;  // by lease, then by call
  std::vector<const Event*> ends_;     // by message, then by call; replays too
  std::vector<const Event*> publishes_;
};

}  // namespace laneway::check

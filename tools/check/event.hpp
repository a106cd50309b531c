// Event: one call of a program to a queue, as a history records it. Plain data of a fixed size, so
// that a thread can write millions of them into a buffer of its own.
//
// Stamps order events: a call began at `invoke` and came back at `returned`; one happened before
// another when it returned before the other was invoked. Engine time is that of the queue's clock,
// in nanoseconds. What each kind means and which members it uses: docs/history.md.
#pragma once

#include <cstdint>
#include <vector>

namespace laneway::check {

enum class Kind : std::uint8_t {
  publish,
  grant,    // one message of one lease
  take,     // one message taken for good
  settle,   // of a lease
  end,      // somebody was told how a message ended, or that it waits
  replay,   // of a dead letter; message 0: of all
  receive,  // a whole call, when it came back empty or slept
  stats,
  pause,  // of consuming
  resume,
  revoke,       // drain or close: leases may end uncounted
  release_key,  // that a dead letter had stopped
  over,         // after this every accepted message has been accounted for
};
inline constexpr unsigned kKinds = 13;

enum class Verb : std::uint8_t { none, ack, nack, release, reject, extend, drop };
inline constexpr unsigned kVerbs = 7;

// unknown: the caller died, or was not told. Both may be.
// duplicate: of a publish, whose message was there already.
enum class Answer : std::uint8_t { ok, lost, full, refused, closed, unknown, damaged, duplicate };
inline constexpr unsigned kAnswers = 8;

enum class State : std::uint8_t {
  none,
  completed,
  dead,
  expired,
  cancelled,
  discarded,
  dropped,
  left,  // still in the queue
};
inline constexpr unsigned kStates = 8;

struct Event {
  Kind kind = Kind::publish;
  Verb verb = Verb::none;
  Answer answer = Answer::ok;
  State state = State::none;
  std::uint32_t thread = 0;
  std::uint32_t attempt = 0;  // grant: its number; publish: the message's own limit, or 0
  std::uint32_t index = 0;    // place in a batch or run; ack: messages of the run, or 0 for all;
                              // receive: messages got; dead letter: place in the listing
  std::uint64_t invoke = 0;
  std::uint64_t returned = 0;
  std::int64_t began_ns = 0;  // engine time at both ends of the call
  std::int64_t ended_ns = 0;
  std::uint64_t message = 0;  // from 1, unique in the history; stats: accepted
  std::uint64_t key = 0;      // 0: none; stats: held, receive: shards skipped
  std::uint64_t lease = 0;    // shard and fencing token; stats: ended; publish: dedup id, 0: none
  std::int64_t due_ns = 0;    // not before this: delay, retry; 0: at once. receive: wait asked for
  std::int64_t until_ns = 0;  // not before this: lease deadline, message deadline; 0: none
};

// What the queue has been told to do, and what the judge may expect of the machine.
struct Rules {
  bool by_key = true;
  bool hold = true;            // a key waits for its failed message
  std::uint64_t capacity = 0;  // messages of the queue, 0: not judged
  std::uint64_t shards = 1;
  std::uint32_t attempts = 0;    // deliveries before a message is dead, 0: not judged
  std::int64_t patience_ns = 0;  // a sleeping receiver gets an available message within this
  bool all_grants = true;        // false: some leases ended before anybody wrote their grant down
  std::uint64_t unseen = 0;      // then: messages that may be so at one time, 0: not known
  bool drops = false;            // a publish may make room by dropping what waits
  // What a dead letter does to its key; then none is discarded for room or age.
  bool dead_hold = false;          // the key waits for it
  bool dead_divert = false;        // the rest of the key follows it
  std::uint64_t in_flight = 0;     // leases out at one time, 0: not judged
  std::uint64_t key_capacity = 0;  // messages of a key in its order, 0: not judged
  std::int64_t dedup_ns = 0;       // for how long a dedup id is remembered, 0: not judged
  std::int64_t rate_ns = 0;        // between two messages granted, on average, 0: not judged
  std::uint64_t burst = 1;         // so many at once
};

struct History {
  Rules rules;
  std::vector<Event> events;
};

}  // namespace laneway::check

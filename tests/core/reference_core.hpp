// The shard core as anybody would write it who has time: maps and deques, nothing shared, nothing
// reused. Written from the rules (order, leases, retries, dead letters, capacity), not from the
// core's code. Where the rules leave the core a choice (the drawn back-off, what a budget of timers
// reaches) the choice is told to the reference, which the lock-step has judged before.
#pragma once

#include <laneway/dead_letter.hpp>
#include <laneway/message.hpp>
#include <laneway/stats.hpp>

#include "engine/core/shard_core.hpp"
#include "tests/core/require.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace laneway::engine::reference {

using Position = std::uint64_t;
using Tick = std::uint64_t;

struct Attempt {
  std::uint32_t number;
  AttemptEnd end;
  std::uint32_t error_class;
  std::string text;
  std::uint32_t consumer;
  std::int64_t granted_ns;
  std::int64_t ended_ns;
};

struct Message {
  Position position = 0;
  std::string key = {};
  std::string payload = {};
  std::string type = {};
  std::uint32_t attempts_max = 0;
  Tick due_tick = 0;  // of its delay or retry
  Tick ttl_tick = 0;  // 0: none
  std::int64_t published_ns = 0;

  MessageState state = MessageState::unknown;
  bool resolved = false;   // over, but pinned
  bool placed = false;     // has its place in the order of its key
  bool cancelled = false;  // while leased: any end but an ack is CANCELLED
  bool spare = false;      // has died: its place is one of those kept for dead letters
  std::int32_t priority = 0;
  std::uint64_t came = 0;  // place in the order of age, of publishes and replays
  std::int64_t turn = 0;   // of a ready one: of equal priority, lower turns are granted first
  std::uint32_t attempts = 0;
  std::uint32_t pins = 0;
  std::uint32_t consumer = 0;
  std::int64_t granted_ns = 0;
  DeadReason reason = DeadReason::rejected;
  std::vector<Attempt> story = {};
  Tick timer_tick = 0;  // when the core must look at it, 0: never
};

class ReferenceCore {
 public:
  explicit ReferenceCore(const ShardOptions& options)
      : options_(options),
        story_room_(std::min<std::uint64_t>(
            options.slots() * std::min(options.attempts_max, kStoryAttemptsMax), 1u << 20)),
        accepted_(options.first_position) {}

  // What becomes ready in one step of the core has one turn: its order there is not promised.
  void begin_step(std::int64_t now_ns) {
    ++turn_;
    now_ns_ = now_ns;
  }

  void publish(Message message) {
    message.state = MessageState::delayed;
    const Position position = message.position;
    accepted_ = position + 1;
    ++stats_.published;
    message.came = ++comings_;
    Message& added = messages_.emplace(position, std::move(message)).first->second;
    if (added.due_tick == 0) {
      place(added);
    } else {
      set_timer(added, earlier(added.due_tick, added.ttl_tick));
    }
  }

  // A delayed or retrying message is due. `diverted`: it found a dead one of its key before it. If
  // not, those before it have followed the dead one since, and it is the next to do so.
  void fall_due(Position position, bool diverted) {
    Message& message = at(position);
    require(message.state == MessageState::delayed, "only a delayed message falls due");
    message.placed ? make_ready(message, turn_) : place(message, diverted);
  }

  // The message deadline of a waiting message has passed.
  void expire(Position position) { end_waiting(at(position), MessageState::expired); }

  // True: it is over. False: a leased one, which will be.
  bool cancel(Position position) {
    Message& message = at(position);
    if (message.state == MessageState::leased) {
      message.cancelled = true;
      return false;
    }
    end_waiting(message, MessageState::cancelled);
    return true;
  }

  void grant(Position position, std::uint32_t consumer, std::int64_t now_ns) {
    Message& message = at(position);
    set_state(message, MessageState::leased);
    ++message.attempts;
    ++message.pins;
    message.consumer = consumer;
    message.granted_ns = now_ns;
    ++stats_.leased_total;
    stats_.redelivered += message.attempts > 1 ? 1u : 0u;
  }

  void take(Position position) {
    Message& message = at(position);
    set_state(message, MessageState::leased);
    ++message.attempts;
    ++stats_.leased_total;
    stats_.redelivered += message.attempts > 1 ? 1u : 0u;
    complete(message);
  }

  // A lease of these messages of one key is over; the first `acked` are done. Answers the message
  // that waits for a retry now, if one does.
  std::optional<Position> end_lease(const std::vector<Position>& members,
                                    LeaseEnd end,
                                    std::size_t acked,
                                    const FailureNote* note,
                                    std::int64_t now_ns) {
    const std::size_t done = end == LeaseEnd::acked ? members.size() : acked;
    for (std::size_t i = members.size(); i > done + 1; --i) {
      Message& revoked = at(members[i - 1]);
      --revoked.attempts;
      ++stats_.revoked;
      if (revoked.cancelled) {
        end_waiting(revoked, MessageState::cancelled);
      } else {
        set_state(revoked, MessageState::blocked);
      }
    }
    for (std::size_t i = 0; i < done; ++i) {
      complete(at(members[i]));
    }
    return done < members.size() ? end_one(at(members[done]), end, note, now_ns) : std::nullopt;
  }

  void retry_at(Position position, Tick due_tick) {
    Message& message = at(position);
    message.due_tick = due_tick;
    set_timer(message, earlier(due_tick, message.ttl_tick));
  }

  void arm_lease(Position position, Tick tick) { set_timer(at(position), tick); }
  void disarm_lease(Position position) { set_timer(at(position), 0); }

  // The Lease object of one of its deliveries is gone.
  void unpin(Position position) {
    Message& message = at(position);
    require(message.pins > 0, "only what is pinned is unpinned");
    if (--message.pins == 0 && message.resolved) {
      messages_.erase(position);
    }
  }

  // At once, or delayed until `due_tick` if that is not 0.
  void replay(Position position, Tick due_tick) {
    Message& message = at(position);
    erase(dead_, position);
    ++stats_.replayed;
    message.came = ++comings_;
    forget_story(message);
    message.attempts = 0;
    message.ttl_tick = 0;
    if (options_.on_death == OnDeath::divert_key && in_lane(message)) {
      release_key(message.key);
    }
    message.placed = in_lane(message);
    if (due_tick != 0) {
      set_state(message, MessageState::delayed);
      message.due_tick = due_tick;
      set_timer(message, due_tick);
    } else {
      message.placed ? make_ready(message, turn_) : place(message);
    }
  }

  void discard(Position position) {
    Message& message = at(position);
    erase(dead_, position);
    ++stats_.discarded;
    leave_lane(message);
    resolve(message, MessageState::discarded);
  }

  // A dead letter has reached the age at which it goes.
  void age_out(Position position) {
    ++stats_.discarded_for_age;
    discard(position);
  }

  // A message behind a dead one of its key follows it.
  void divert(Position position) { bury(at(position), DeadReason::diverted); }

  // Lets a key go on that dead letters stop; false: nothing stops it.
  bool release_key(const std::string& key) {
    const bool stopped = is_stopped(key);
    while (is_stopped(key)) {
      leave_lane(at(lanes_.at(key).front()));
    }
    return stopped;
  }

  // Letters of different keys may die at one time: the order of their deaths is told.
  template <class Before>
  void order_dead(Before before) {
    std::stable_sort(dead_.begin(), dead_.end(), before);
  }

  // --- what it knows ---------------------------------------------------------------------------

  Message& at(Position position) {
    const auto found = messages_.find(position);
    require(found != messages_.end(), "the message is still there");
    return found->second;
  }
  const std::map<Position, Message>& messages() const { return messages_; }
  // Unresolved, or still pinned.
  bool holds(Position position) const { return messages_.count(position) != 0; }
  bool unresolved(Position position) const {
    const auto found = messages_.find(position);
    return found != messages_.end() && !found->second.resolved;
  }

  MessageState state_of(Position position) const {
    if (unresolved(position)) {
      return messages_.find(position)->second.state;
    }
    const auto outcome = outcomes_.find(position);
    return remembered(position) && outcome != outcomes_.end() ? outcome->second
                                                              : MessageState::unknown;
  }
  bool remembered(Position position) const {
    return position < accepted_ && accepted_ - position <= options_.outcomes;
  }

  // Lower ones first: higher priorities, then earlier turns.
  using Rank = std::pair<std::int64_t, std::int64_t>;
  static Rank rank(const Message& message) {
    return {-std::int64_t{message.priority}, message.turn};
  }
  const std::set<std::pair<Rank, Position>>& ready() const { return ready_; }
  const std::set<std::pair<Tick, Position>>& timers() const { return timers_; }
  const std::deque<Position>& dead() const { return dead_; }
  const std::map<std::string, std::deque<Position>>& lanes() const { return lanes_; }
  Position accepted() const { return accepted_; }
  bool ordered(const Message& message) const {
    return options_.kind == QueueKind::by_key && !message.key.empty();
  }

  // What drop_oldest must remove, or 0.
  Position oldest_waiting() const {
    const Message* oldest = nullptr;
    for (const auto& [position, message] : messages_) {
      const bool waits = !message.resolved && message.state != MessageState::leased &&
                         message.state != MessageState::dead;
      if (waits && (oldest == nullptr || message.came < oldest->came)) {
        oldest = &message;
      }
    }
    return oldest == nullptr ? 0 : oldest->position;
  }
  void drop(Position position) { end_waiting(at(position), MessageState::dropped); }

  // What a run that begins with this message must hold.
  std::vector<Position> run_from(const Message& head, std::size_t room, Tick now_tick) const {
    std::vector<Position> run{head.position};
    const auto lane = lanes_.find(head.key);
    if (lane == lanes_.end() || lane->second.front() != head.position) {
      return run;
    }
    const std::size_t size = std::min<std::size_t>(options_.run_max, room);
    for (std::size_t i = 1; i < lane->second.size() && run.size() < size; ++i) {
      const Message& next = messages_.at(lane->second[i]);
      if (next.ttl_tick != 0 && next.ttl_tick <= now_tick) {
        break;
      }
      run.push_back(next.position);
    }
    return run;
  }

  // The first position that may not be claimed: places are held by what is unresolved or pinned,
  // but for as many dead, replayed or pinned dead ones as there is extra room for.
  Position limit() const {
    std::uint64_t spare = 0;
    for (const auto& [position, message] : messages_) {
      spare += message.spare ? 1u : 0u;
    }
    const std::uint64_t held = messages_.size() - std::min(spare, options_.dead_max);
    require(held <= options_.capacity, "S14: no more is held than the capacity");
    return accepted_ + (options_.capacity - held);
  }

  // Gauges and counters as the core must show them.
  QueueStats stats() const {
    QueueStats stats = stats_;
    for (const auto& [position, message] : messages_) {
      stats.pinned += message.resolved ? 1u : 0u;
      if (!message.resolved) {
        ++gauge(&stats, message.state);
      }
    }
    stats.capacity = options_.capacity;
    stats.keys_active = lanes_.size();
    for (const auto& [key, lane] : lanes_) {
      stats.keys_stopped += is_stopped(key) ? 1u : 0u;
    }
    return stats;
  }

 private:
  static Tick earlier(Tick tick, Tick ttl_tick) {
    return ttl_tick != 0 ? std::min(tick, ttl_tick) : tick;
  }

  static std::uint64_t& gauge(QueueStats* stats, MessageState state) {
    switch (state) {
      case MessageState::ready:
        return stats->ready;
      case MessageState::blocked:
        return stats->blocked;
      case MessageState::delayed:
        return stats->delayed;
      case MessageState::leased:
        return stats->leased;
      case MessageState::dead:
        return stats->dead;
      default:
        require(false, "every unresolved message has one of five states");
        return stats->ready;
    }
  }

  static void erase(std::deque<Position>& positions, Position position) {
    const auto found = std::find(positions.begin(), positions.end(), position);
    require(found != positions.end(), "what is taken out is in");
    positions.erase(found);
  }

  // Joins the order of its key.
  void place(Message& message, bool diverted = true) {
    message.placed = true;
    if (ordered(message)) {
      std::deque<Position>& lane = lanes_[message.key];
      lane.push_back(message.position);
      if (lane.size() > 1) {
        const Message& before = at(lane[lane.size() - 2]);
        const bool follows = diverts() && before.state == MessageState::dead;
        if (follows && diverted) {
          bury(message, DeadReason::diverted);
          return;
        }
        set_state(message, MessageState::blocked);
        if (follows) {
          arm_next(before);
        }
        return;
      }
    }
    make_ready(message, turn_);
  }

  void make_ready(Message& message, std::int64_t turn) {
    message.turn = turn;
    set_state(message, MessageState::ready);
    ready_.emplace(rank(message), message.position);
  }

  // Also keeps the ready set and the timer of the message deadline true.
  void set_state(Message& message, MessageState state) {
    if (message.state == MessageState::ready) {
      ready_.erase({rank(message), message.position});
    }
    message.state = state;
    const bool waits = state == MessageState::ready || state == MessageState::blocked;
    set_timer(message, waits ? message.ttl_tick : 0);
  }

  void set_timer(Message& message, Tick tick) {
    if (message.timer_tick != 0) {
      timers_.erase({message.timer_tick, message.position});
    }
    message.timer_tick = tick;
    if (tick != 0) {
      timers_.emplace(tick, message.position);
    }
  }

  void leave_lane(Message& message) {
    const auto lane = ordered(message) ? lanes_.find(message.key) : lanes_.end();
    if (lane == lanes_.end()) {
      return;
    }
    const auto found = std::find(lane->second.begin(), lane->second.end(), message.position);
    if (found == lane->second.end()) {
      return;  // it was detached, or waits for its delay
    }
    lane->second.erase(found);
    if (lane->second.empty()) {
      lanes_.erase(lane);
      return;
    }
    Message& head = at(lane->second.front());
    if (head.state == MessageState::blocked) {
      make_ready(head, turn_);
    }
  }

  bool diverts() const { return options_.on_death == OnDeath::divert_key; }

  bool in_lane(const Message& message) const {
    const auto lane = ordered(message) ? lanes_.find(message.key) : lanes_.end();
    return lane != lanes_.end() && std::find(lane->second.begin(), lane->second.end(),
                                             message.position) != lane->second.end();
  }

  bool is_stopped(const std::string& key) const {
    const auto lane = lanes_.find(key);
    return lane != lanes_.end() && messages_.at(lane->second.front()).state == MessageState::dead;
  }

  // The message after this one in its lane is to be looked at now.
  void arm_next(const Message& message) {
    const std::deque<Position>& lane = lanes_.at(message.key);
    const auto next = std::find(lane.begin(), lane.end(), message.position) + 1;
    if (next != lane.end()) {
      set_timer(at(*next), static_cast<Tick>(now_ns_) / 1'000'000);
    }
  }

  void end_waiting(Message& message, MessageState outcome) {
    if (diverts() && in_lane(message)) {
      const std::deque<Position>& lane = lanes_.at(message.key);
      const auto place = std::find(lane.begin(), lane.end(), message.position);
      if (place != lane.begin() && at(*(place - 1)).state == MessageState::dead) {
        arm_next(message);
      }
    }
    ++(outcome == MessageState::expired     ? stats_.expired
       : outcome == MessageState::cancelled ? stats_.cancelled
                                            : stats_.dropped);
    leave_lane(message);
    resolve(message, outcome);
  }

  void complete(Message& message) {
    ++stats_.acked;
    leave_lane(message);
    resolve(message, MessageState::completed);
  }

  std::uint64_t& counter_of(LeaseEnd end) {
    switch (end) {
      case LeaseEnd::acked:
        return stats_.acked;
      case LeaseEnd::released:
      case LeaseEnd::taken_back:
        return stats_.released;
      case LeaseEnd::rejected:
        return stats_.rejected;
      case LeaseEnd::nacked:
        return stats_.nacked;
      case LeaseEnd::abandoned:
        return stats_.abandoned;
      case LeaseEnd::expired:
        break;
    }
    return stats_.lease_expired;
  }

  std::optional<Position> end_one(Message& message,
                                  LeaseEnd end,
                                  const FailureNote* note,
                                  std::int64_t now_ns) {
    ++counter_of(end);
    if (message.cancelled) {
      end_waiting(message, MessageState::cancelled);
      return std::nullopt;
    }
    switch (end) {
      case LeaseEnd::released:
      case LeaseEnd::taken_back:
        --message.attempts;
        make_ready(message, --front_turn_);
        return std::nullopt;
      case LeaseEnd::rejected:
        tell_story(message, AttemptEnd::rejected, note, now_ns);
        bury(message, DeadReason::rejected);
        return std::nullopt;
      case LeaseEnd::nacked:
        return fail(message, AttemptEnd::nacked, note, now_ns);
      case LeaseEnd::abandoned:
        return fail(message, AttemptEnd::abandoned, nullptr, now_ns);
      case LeaseEnd::expired:
        return fail(message, AttemptEnd::expired, nullptr, now_ns);
      default:
        require(false, "an acknowledged message has not failed");
        return std::nullopt;
    }
  }

  std::optional<Position> fail(Message& message,
                               AttemptEnd end,
                               const FailureNote* note,
                               std::int64_t now_ns) {
    tell_story(message, end, note, now_ns);
    if (message.attempts >= message.attempts_max) {
      bury(message, DeadReason::attempts);
      return std::nullopt;
    }
    if (options_.on_failure == OnFailure::detach) {
      leave_lane(message);
    }
    set_state(message, MessageState::delayed);
    return message.position;
  }

  void bury(Message& message, DeadReason reason) {
    const bool stops = options_.on_death != OnDeath::continue_key && in_lane(message);
    if (!stops) {
      leave_lane(message);
    }
    set_state(message, MessageState::dead);
    if (stops && diverts()) {
      arm_next(message);
    }
    message.reason = reason;
    message.spare = true;
    ++stats_.dead_lettered;
    ++(reason == DeadReason::rejected   ? stats_.dead_rejected
       : reason == DeadReason::attempts ? stats_.dead_attempts
                                        : stats_.dead_diverted);
    if (dead_.size() == options_.dead_max) {
      ++stats_.discarded_for_room;
      discard(dead_.front());
    }
    dead_.push_back(message.position);
    if (options_.dead_age_max_ms != 0) {
      set_timer(message,
                static_cast<Tick>(now_ns_ + 999'999) / 1'000'000 + options_.dead_age_max_ms);
    }
  }

  // The newest 32 of a message. When the shard has no more room for stories, a message gives up its
  // own oldest attempt.
  void tell_story(Message& message, AttemptEnd end, const FailureNote* note, std::int64_t now_ns) {
    if (message.story.size() == kStoryAttemptsMax || stories_told_ == story_room_) {
      if (message.story.empty()) {
        return;
      }
      message.story.erase(message.story.begin());
      --stories_told_;
    }
    ++stories_told_;
    message.story.push_back({message.attempts, end, note != nullptr ? note->error_class : 0,
                             note != nullptr ? std::string(note->text_view()) : std::string(),
                             message.consumer, message.granted_ns, now_ns});
  }

  void forget_story(Message& message) {
    stories_told_ -= message.story.size();
    message.story.clear();
  }

  void resolve(Message& message, MessageState outcome) {
    set_state(message, outcome);
    forget_story(message);
    outcomes_[message.position] = outcome;
    while (outcomes_.size() > options_.outcomes + options_.slots()) {
      outcomes_.erase(outcomes_.begin());
    }
    message.resolved = true;
    if (message.pins == 0) {
      messages_.erase(message.position);
    }
  }

  const ShardOptions options_;
  const std::uint64_t story_room_;
  std::map<Position, Message> messages_;               // unresolved or pinned
  std::map<std::string, std::deque<Position>> lanes_;  // of each key, in the order of joining
  std::set<std::pair<Rank, Position>> ready_;
  std::set<std::pair<Tick, Position>> timers_;  // what the core must look at
  std::map<Position, MessageState> outcomes_;
  std::deque<Position> dead_;  // oldest first
  QueueStats stats_;
  Position accepted_;
  std::uint64_t comings_ = 0;
  std::int64_t now_ns_ = 0;
  std::int64_t turn_ = 0;
  std::int64_t front_turn_ = 0;
  std::uint64_t stories_told_ = 0;
};

}  // namespace laneway::engine::reference

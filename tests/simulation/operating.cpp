#include "tests/simulation/world.hpp"

namespace laneway::simulation {

using check::Answer;
using check::Event;
using check::Kind;
using check::State;
using std::chrono::milliseconds;

void World::operate(Verb verb, Random& random) {
  switch (verb) {
    case Verb::pause: {
      Event event = recorder_.begin(Kind::pause);
      ++pauses_;
      ++pausing_;
      queue_->pause_consuming();
      --pausing_;
      recorder_.write_finished(event);
      break;
    }
    case Verb::resume: {
      Event event = recorder_.begin(Kind::resume);
      const std::uint32_t pauses = pauses_;
      const bool last = pausing_ == 0;
      queue_->resume_consuming();
      resumed_ = last && pauses == pauses_ ? pauses : resumed_;
      recorder_.write_finished(event);
      break;
    }
    case Verb::pause_publishing:
      queue_->pause_publishing();
      break;
    case Verb::resume_publishing:
      queue_->resume_publishing();
      break;
    case Verb::replay:
      if (plan_.replays) {
        replay(random);
      }
      break;
    case Verb::replay_all: {
      if (!plan_.replays) {
        break;
      }
      Event event = recorder_.begin(Kind::replay);
      for (Sent& sent : sent_) {
        sent.attempt = 0;
      }
      const Result<std::size_t> replayed = queue_->replay_all();
      event.answer = answer_of(replayed);
      event.index = replayed ? static_cast<std::uint32_t>(*replayed) : 0;
      recorder_.write_finished(event);
      break;
    }
    case Verb::discard:
      discard(random);
      break;
    case Verb::release_key:
      release_key(random.between(1, plan_.keys));
      break;
    case Verb::cancel:
      cancel(random);
      break;
    case Verb::list:
      (void)list_dead();
      break;
    case Verb::stats:
      write_stats();
      break;
    case Verb::status:
      status(random);
      break;
    case Verb::drain:
      drain(random);
      break;
    case Verb::flush:
      flush();
      break;
    case Verb::jump:
      scheduler_.advance(milliseconds(random.one_of({0, 1, 5, 20, 100})) +
                         std::chrono::nanoseconds(random.below(1'000'000)));
      break;
    case Verb::step_back:
      if (plan_.steps_back) {
        clock_->step_back(1'000'000);
      }
      break;
    case Verb::close: {
      Event event = recorder_.begin(Kind::revoke);
      close_began_ = std::min(close_began_, event.invoke);
      closed_ = true;
      queue_->close();
      recorder_.write_finished(event);
      break;
    }
    default:
      break;
  }
}

std::vector<MessageId> World::list_dead() {
  std::vector<MessageId> ids;
  Event call = recorder_.begin(Kind::end);
  const Result<DeadLetterPage> page = queue_->dead_letters({.limit = 10'000});
  recorder_.finish(&call);
  call.state = State::dead;
  for (std::size_t i = 0; page && i < page->letters.size(); ++i) {
    const DeadLetter& letter = page->letters[i];
    ids.push_back(letter.id);
    // An id may be listed before its publish has told it.
    if (const auto found = by_id_.find(letter.id.value); found != by_id_.end()) {
      Event event = call;
      event.message = found->second;
      event.index = static_cast<std::uint32_t>(i + 1);
      recorder_.write(event);
    }
  }
  return ids;
}

// One of the dead letters whose publish has told its id; nothing when there is none.
std::optional<std::uint64_t> World::draw_dead(Random& random) {
  const std::vector<MessageId> dead = list_dead();
  if (dead.empty()) {
    return std::nullopt;
  }
  const auto found = by_id_.find(dead[random.below(dead.size())].value);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

void World::replay(Random& random) {
  if (const std::optional<std::uint64_t> message = draw_dead(random)) {
    Event event = recorder_.begin(Kind::replay);
    event.message = *message;
    sent_[*message].attempt = 0;
    event.answer = answer_of(queue_->replay(sent_[*message].id));
    recorder_.write_finished(event);
  }
}

void World::discard(Random& random) {
  if (const std::optional<std::uint64_t> message = draw_dead(random)) {
    Event event = recorder_.begin(Kind::end);
    event.message = *message;
    event.state = State::discarded;
    event.answer = answer_of(queue_->discard(sent_[*message].id));
    if (event.answer != Answer::refused) {
      may_end(*message);
    }
    recorder_.write_finished(event);
  }
}

void World::release_key(std::uint64_t key) {
  Event event = recorder_.begin(Kind::release_key);
  event.key = key;
  event.answer = answer_of(queue_->release_key(key_name(key)));
  recorder_.write_finished(event);
}

// Of a message that is leased it is only asked: whatever is told of it later counts.
void World::cancel(Random& random) {
  const std::uint64_t message = random.below(sent_.size());
  if (sent_[message].id.value == 0) {
    return;
  }
  Event event = recorder_.begin(Kind::end);
  event.message = message;
  const Result<MessageState> cancelled = queue_->cancel(sent_[message].id);
  event.state = State::cancelled;
  const bool asked = cancelled && *cancelled != MessageState::cancelled;
  event.answer = asked ? Answer::unknown : answer_of(cancelled);
  if (event.answer != Answer::refused) {
    may_end(message);
  }
  recorder_.write_finished(event);
}

void World::status(Random& random) {
  const std::uint64_t message = random.below(sent_.size());
  if (sent_[message].id.value != 0) {
    write_status(message);
  }
}

void World::write_status(std::uint64_t message) {
  Event event = recorder_.begin(Kind::end);
  event.message = message;
  const Result<MessageStatus> status = queue_->status(sent_[message].id);
  recorder_.finish(&event);
  if (!status) {
    return;  // closed
  }
  switch (status->state) {
    case MessageState::completed:
      event.state = State::completed;
      break;
    case MessageState::dead:
      event.state = State::dead;
      break;
    case MessageState::expired:
      event.state = State::expired;
      break;
    case MessageState::discarded:
      event.state = State::discarded;
      break;
    case MessageState::cancelled:
      event.state = State::cancelled;
      break;
    case MessageState::dropped:
      event.state = State::dropped;
      break;
    case MessageState::unknown:
      // Forgotten; lost, if nothing else tells of it. The end of what comes from a past life is
      // never told: then there must be an ack.
      if (sent_[message].carried == 0 || sent_[message].may_be_over) {
        return;
      }
      event.state = State::completed;
      break;
    default:
      event.state = State::left;
      break;
  }
  recorder_.write(event);
}

// Messages behind one that must be durable first are published, and in no state yet.
void World::write_stats() {
  Event event = recorder_.begin(Kind::stats);
  const Result<QueueStats> stats = queue_->stats();
  event.answer = answer_of(stats);
  if (stats) {
    event.message = stats->published;
    event.key = stats->ready + stats->blocked + stats->delayed + stats->leased + stats->dead;
    event.lease =
        stats->acked + stats->discarded + stats->expired + stats->cancelled + stats->dropped;
  }
  recorder_.finish(&event);
  if (stats && !stats->conserved()) {
    scheduler_.fail("S11 conservation: stats: a message is in no state, or in two");
  }
  if (disk_ == nullptr || drained_) {
    recorder_.write(event);
  }
}

void World::drain(Random& random) {
  Event event = recorder_.begin(Kind::revoke);
  ++pauses_;
  ++pausing_;
  (void)queue_->drain(milliseconds(random.below(10)));
  --pausing_;
  recorder_.write_finished(event);
}

}  // namespace laneway::simulation

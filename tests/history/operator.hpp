// Operator: looks, pauses, drains, cancels, replays and discards while the others work; ends the
// round, and then asks where each message is.
#pragma once

#include "tests/history/producer.hpp"
#include "tests/history/recorder.hpp"
#include "tests/history/stage.hpp"
#include "tests/history/worker.hpp"

#include <deque>
#include <optional>
#include <thread>
#include <vector>

namespace laneway::history {

class Operator {
 public:
  // Nobody else uses the queue before the round, so what it has counted until now is subtracted.
  Operator(Stage& stage, std::uint64_t seed, std::uint64_t* numbers, Recorder& recorder)
      : stage_(stage),
        random_(seed),
        recorder_(recorder),
        producer_(stage, seed, numbers, recorder),
        worker_(stage, seed, recorder),
        published_before_(stage.queue.stats()->published) {}

  void run() {
    while (stage_.producing.load() != 0 || !idle()) {
      work();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    // Left in peace, every consumer comes to its long wait, from which one message each wakes it.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stage_.leaving.store(true);
    for (unsigned left = stage_.consuming.load(); left != 0; left = stage_.consuming.load()) {
      producer_.publish(1);
      stage_.consuming.wait(left);
    }
    while (!idle()) {  // what nobody has taken
      worker_.take(std::chrono::milliseconds(2));
    }
  }

  // After all threads have gone: the dead letters, and where each message is.
  void account(const std::deque<Recorder>& recorders) {
    list_dead();
    std::vector<MessageId> accepted;
    for (const Recorder& recorder : recorders) {
      for (const check::Event& event : recorder.events()) {
        if (event.kind == check::Kind::publish && event.answer == check::Answer::ok) {
          accepted.push_back(MessageId{event.lease});
        }
      }
    }
    for (const MessageId id : accepted) {
      ask(id);
    }
    check::Event over = recorder_.begin(check::Kind::over);
    recorder_.finish(&over);
    recorder_.write(over);
    (void)stage_.queue.discard_all();
  }

 private:
  void work() {
    switch (stage_.shape.is_handoff() ? random_() % 4 * 16 : random_() % 32) {
      case 0:
        pause();
        break;
      case 1:
        drain();
        break;
      case 2:
        replay_all();
        break;
      case 3:
        discard();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        replay();
        break;
      case 8:
      case 9:
      case 10:
      case 11:
        cancel();
        break;
      default:
        ask(MessageId{stage_.newest.load()});
    }
  }

  // Nothing waits and nothing is held. Writes down what it has seen.
  bool idle() {
    check::Event event = recorder_.begin(check::Kind::stats);
    const QueueStats stats = *stage_.queue.stats();
    recorder_.finish(&event);
    const std::uint64_t alive = stats.ready + stats.blocked + stats.delayed + stats.leased;
    event.message = stats.published - published_before_;
    event.key = alive + stats.dead;
    event.lease = stats.acked + stats.discarded + stats.expired + stats.cancelled + stats.dropped -
                  published_before_;
    recorder_.write(event);
    return alive == 0;
  }

  void pause() {
    mark(check::Kind::pause, [this] { stage_.queue.pause_consuming(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    mark(check::Kind::resume, [this] { stage_.queue.resume_consuming(); });
  }
  void drain() {
    mark(check::Kind::revoke,
         [this] { (void)stage_.queue.drain(std::chrono::milliseconds(random_() % 3)); });
    mark(check::Kind::resume, [this] { stage_.queue.resume_consuming(); });
  }
  template <class Call>
  void mark(check::Kind kind, Call call) {
    check::Event event = recorder_.begin(kind);
    call();
    recorder_.finish(&event);
    recorder_.write(event);
  }

  std::optional<MessageId> any_dead() {
    const DeadLetterPage page = *stage_.queue.dead_letters({.limit = 1});
    return page.letters.empty() ? std::nullopt : std::optional(page.letters[0].id);
  }
  void replay() {
    if (const std::optional<MessageId> id = any_dead()) {
      check::Event event = recorder_.begin(check::Kind::replay);
      event.answer = stage_.queue.replay(*id) ? check::Answer::ok : check::Answer::refused;
      recorder_.finish(&event);
      recorder_.write(event, *id);
    }
  }
  void replay_all() {
    check::Event event = recorder_.begin(check::Kind::replay);
    event.index = static_cast<std::uint32_t>(*stage_.queue.replay_all());
    recorder_.finish(&event);
    recorder_.write(event);
  }
  void discard() {
    const std::optional<MessageId> id = any_dead();
    check::Event event = recorder_.begin(check::Kind::end);
    if (id && stage_.queue.discard(*id)) {
      recorder_.finish(&event);
      event.state = check::State::discarded;
      recorder_.write(event, *id);
    }
  }
  void cancel() {
    const MessageId id{stage_.newest.load()};
    check::Event event = recorder_.begin(check::Kind::end);
    const Result<MessageState> state = stage_.queue.cancel(id);
    recorder_.finish(&event);
    if (state) {
      event.state = check::State::cancelled;
      event.answer = *state == MessageState::cancelled ? check::Answer::ok : check::Answer::unknown;
      recorder_.write(event, id);
    }
  }

  static check::State state_of(MessageState state) {
    switch (state) {
      case MessageState::completed:
        return check::State::completed;
      case MessageState::dead:
        return check::State::dead;
      case MessageState::expired:
        return check::State::expired;
      case MessageState::discarded:
        return check::State::discarded;
      case MessageState::cancelled:
        return check::State::cancelled;
      case MessageState::dropped:
        return check::State::dropped;
      default:
        return check::State::none;
    }
  }
  void ask(MessageId id) {
    check::Event event = recorder_.begin(check::Kind::end);
    event.state = state_of(stage_.queue.status(id)->state);
    recorder_.finish(&event);
    if (event.state != check::State::none) {
      recorder_.write(event, id);
    }
  }

  void list_dead() {
    DeadLetterQuery query{.limit = 10'000};
    do {
      check::Event event = recorder_.begin(check::Kind::end);
      event.state = check::State::dead;
      const DeadLetterPage page = *stage_.queue.dead_letters(query);
      recorder_.finish(&event);
      for (const DeadLetter& letter : page.letters) {
        ++event.index;
        recorder_.write(event, letter.id);
      }
      query.from = page.next;
    } while (query.from != 0);
  }

  Stage& stage_;
  std::mt19937_64 random_;
  Recorder& recorder_;
  Producer producer_;
  Worker worker_;  // takes what is left
  const std::uint64_t published_before_;
};

}  // namespace laneway::history

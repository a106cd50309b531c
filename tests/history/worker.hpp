// Worker: receives and takes, and settles in every way there is, also late.
#pragma once

#include <laneway/consumer.hpp>

#include "tests/history/recorder.hpp"
#include "tests/history/stage.hpp"

#include <utility>
#include <vector>

namespace laneway::history {

class Worker {
 public:
  Worker(Stage& stage, std::uint64_t seed, Recorder& recorder)
      : stage_(stage), random_(seed), recorder_(recorder), consumer_(*stage.queue.consumer()) {}

  void run() {
    while (!stage_.leaving.load()) {
      if (stage_.shape.is_handoff() || random_() % 16 == 0) {
        take(drawn_wait());
      } else {
        receive(drawn_wait());
      }
      if (zombies_.size() > kZombies) {
        bury();
      }
    }
    bury();
    stage_.consuming.fetch_sub(1);
    stage_.consuming.notify_one();
  }

  void take(std::chrono::milliseconds wait) {
    check::Event call = recorder_.begin(check::Kind::take);
    (void)consumer_.take(taken_, {.max = drawn_max(), .wait = wait});
    recorder_.finish(&call);
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      write_grant(call, taken_.message(i), i);
    }
    stage_.did(taken_.size());
  }

 private:
  static constexpr std::size_t kZombies = 12;
  struct Held {
    Lease lease;
    std::uint64_t number;
  };

  std::chrono::milliseconds drawn_wait() {
    using std::chrono::milliseconds;
    const std::uint64_t dice = random_() % 4;
    return dice == 0 ? milliseconds(0) : dice == 1 ? milliseconds(2) : milliseconds(kLongWait);
  }
  std::uint32_t drawn_max() { return static_cast<std::uint32_t>(1 + random_() % 32); }

  void receive(std::chrono::milliseconds wait) {
    check::Event call = recorder_.begin(check::Kind::receive);
    LeaseBatch batch = *consumer_.receive({.max = drawn_max(), .wait = wait});
    recorder_.finish(&call);
    // Where leases are counted, empty says nothing of the queue; but none is counted for that long.
    const bool limited = stage_.shape.options.in_flight_max != 0;
    if (wait == kLongWait || (batch.empty() && !limited)) {
      check::Event event = call;
      event.index = static_cast<std::uint32_t>(batch.size());
      event.key = batch.shards_skipped();
      event.due_ns = std::chrono::nanoseconds(wait).count();
      recorder_.write(event);
    }
    call.kind = check::Kind::grant;
    call.until_ns = call.began_ns + std::chrono::nanoseconds(stage_.shape.options.lease).count();
    for (Lease& lease : batch) {
      call.lease = number_of(lease);
      for (std::size_t i = 0; i < lease.size(); ++i) {
        write_grant(call, lease.message(i), i);
      }
    }
    if (random_() % 4 == 0) {
      ack_all(&batch);
    }
    for (Lease& lease : batch) {
      settle(lease);
    }
  }

  static std::uint64_t number_of(const Lease& lease) {
    return std::uint64_t{lease.id().shard()} << MessageId::kPositionBits | lease.fence();
  }

  void write_grant(const check::Event& call, const MessageView& view, std::size_t place) {
    const Content content = Content::of(view);
    check::Event grant = call;
    grant.message = content.message;
    grant.key = stage_.shape.key_of(content.key);
    grant.answer = content.is_what(view) ? check::Answer::ok : check::Answer::damaged;
    grant.attempt = view.attempt;
    grant.index = static_cast<std::uint32_t>(call.kind == check::Kind::take ? 0 : place);
    recorder_.write(grant);
  }

  // One call for all: who has not lost it is no longer valid.
  void ack_all(LeaseBatch* batch) {
    std::vector<std::uint64_t> numbers;
    for (Lease& lease : *batch) {
      numbers.push_back(number_of(lease));
    }
    check::Event call = recorder_.begin(check::Kind::settle);
    call.verb = check::Verb::ack;
    (void)batch->ack();
    recorder_.finish(&call);
    for (std::uint32_t i = 0; i < numbers.size(); ++i) {
      call.lease = numbers[i];
      call.answer = (*batch)[i].valid() ? check::Answer::lost : check::Answer::ok;
      recorder_.write(call);
    }
    stage_.did(numbers.size());
  }

  void settle(Lease& lease) {
    using check::Verb;
    if (!lease.valid()) {
      return;
    }
    const std::uint64_t number = number_of(lease);
    const std::uint64_t dice = stage_.leaving.load() ? 999 : random_() % 1'000;
    // What comes back is kept more often: then the old lease is settled while the new one goes on.
    if (dice < (lease.attempt() > 1 ? 200 : 5)) {
      zombies_.push_back({std::move(lease), number});
      return;
    }
    if (dice < 15) {
      settle_as(lease, number, Verb::extend);
    } else if (lease.size() > 1 && dice < 300) {
      settle_as(lease, number, Verb::ack, 1 + static_cast<std::uint32_t>(dice % lease.size()));
    }
    if (lease.valid()) {
      settle_as(lease, number, drawn_verb());
    }
  }
  check::Verb drawn_verb() {
    using check::Verb;
    if (stage_.leaving.load()) {
      return Verb::ack;
    }
    const std::uint64_t dice = random_() % 1'000;
    return dice < 30   ? Verb::nack
           : dice < 40 ? Verb::release
           : dice < 50 ? Verb::drop
           : dice < 55 ? Verb::reject
                       : Verb::ack;
  }

  // `count`: of an ack of the first messages of a run, or 0 for all.
  void settle_as(Lease& lease, std::uint64_t number, check::Verb verb, std::uint32_t count = 0) {
    using check::Verb;
    const bool intact = Content::of(lease.message()).is_what(lease.message());
    check::Event event = recorder_.begin(check::Kind::settle);
    event.verb = verb;
    event.lease = number;
    event.index = count;
    const Result<> answer = call(lease, &event);
    recorder_.finish(&event);
    event.answer = !intact              ? check::Answer::damaged
                   : verb == Verb::drop ? check::Answer::unknown
                   : answer.has_value() ? check::Answer::ok
                                        : answer_of(answer.error().code);
    recorder_.write(event);
    stage_.did(1);
    // Whoever has lost it lets go of it; only then its place is free.
    if (event.answer == check::Answer::lost && verb != Verb::drop) {
      settle_as(lease, number, Verb::drop);
    }
  }

  static Result<> call(Lease& lease, check::Event* event) {
    using check::Verb;
    constexpr std::chrono::milliseconds kAfter{1};
    constexpr std::chrono::milliseconds kBy{20};
    switch (event->verb) {
      case Verb::nack:
        event->due_ns = event->began_ns + std::chrono::nanoseconds(kAfter).count();
        return lease.nack({.error = "by design", .after = kAfter});
      case Verb::release:
        return lease.release();
      case Verb::reject:
        return lease.reject({.error = "by design"});
      case Verb::extend:
        event->until_ns = event->began_ns + std::chrono::nanoseconds(kBy).count();
        return lease.extend(kBy);
      case Verb::drop:
        lease = Lease();
        return {};
      default:
        return event->index == 0 ? lease.ack() : lease.ack_through(event->index);
    }
  }

  // Most of their leases have expired meanwhile.
  void bury() {
    for (Held& zombie : zombies_) {
      settle_as(zombie.lease, zombie.number, drawn_verb());
    }
    zombies_.clear();
  }

  Stage& stage_;
  std::mt19937_64 random_;
  Recorder& recorder_;
  Consumer consumer_;
  MessageBatch taken_;
  std::vector<Held> zombies_;
};

}  // namespace laneway::history

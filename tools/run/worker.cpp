#include "tools/run/worker.hpp"

#include "tools/run/envelope.hpp"

#include <exception>

namespace laneway::tools {

namespace {

using Clock = std::chrono::steady_clock;
using Kind = Verdict::Kind;
using std::chrono::milliseconds;

constexpr milliseconds kWait{100};
// The driver of the engine has taken back a lease by then.
constexpr milliseconds kExpiryMargin{200};

}  // namespace

Worker::Worker(const RunParts& parts, Consumer consumer, std::uint32_t index)
    : parts_(parts),
      consumer_(std::move(consumer)),
      index_(index),
      ticket_(static_cast<std::uint64_t>(index) << 48u) {}

void Worker::run() {
  work();
  for (auto& [lease, until] : lost_) {
    (void)lease.release();
  }
  parts_.handler.leaving(index_, parts_.pending.count() == 0);
}

void Worker::work() {
  while (!parts_.control.stopping()) {
    drop_lost();
    auto batch = consumer_.receive({.max = parts_.handler.batch(), .wait = kWait});
    if (!batch) {
      if (batch.error().code != Errc::closed) {
        parts_.control.fail("cannot receive: " + to_string(batch.error()));
      }
      return;
    }
    if (batch->empty()) {
      parts_.handler.idle(index_);
    }
    for (Lease& lease : *batch) {
      if (parts_.control.stopping()) {
        (void)lease.release();
      } else {
        work_on(lease);
      }
    }
  }
}

void Worker::work_on(Lease& lease) {
  const MessageView message = lease.message();
  const Opened opened = open_envelope(message.payload.text());
  // The bytes belong to the lease and are gone once it is settled; the key is needed after that.
  const std::string key(message.key);
  const Delivery delivery{.record = opened.record,
                          .key = key,
                          .number = opened.number,
                          .id = message.id.value,
                          .fence = message.fence,
                          .ticket = ++ticket_,
                          .worker = index_,
                          .attempt = message.attempt,
                          .last = message.attempt >= parts_.options.queueing.attempts};
  LeaseKeeper keeper(lease, parts_.options.queueing.lease);
  const auto begin = Clock::now();
  const Verdict verdict = handle(delivery, keeper);
  handling_.record(Clock::now() - begin);

  parts_.handler.settling(delivery, verdict.kind);
  const bool kept = settle(lease, verdict);
  Delivery after = delivery;
  after.record = {};
  parts_.handler.settled(after, verdict.kind, kept);
  if (!kept) {
    return;
  }
  if (verdict.kind == Kind::ack) {
    parts_.pending.remove(delivery.number);
  } else if (verdict.kind == Kind::reject || (verdict.kind == Kind::retry && delivery.last)) {
    parts_.tally.dying.add();
  }
}

Verdict Worker::handle(const Delivery& delivery, LeaseKeeper& keeper) {
  try {
    return parts_.handler.handle(delivery, keeper);
  } catch (const std::exception& error) {
    return {.kind = Kind::retry, .error = error.what()};
  }
}

bool Worker::settle(Lease& lease, const Verdict& verdict) {
  const Failure failure{.error = verdict.error, .error_class = verdict.error_class};
  switch (verdict.kind) {
    case Kind::ack:
      return lease.ack().has_value();
    case Kind::retry:
      return lease.nack(failure).has_value();
    case Kind::reject:
      return lease.reject(failure).has_value();
    case Kind::give_back:
      return lease.release().has_value();
    case Kind::lose:
      lost_.emplace_back(std::move(lease),
                         Clock::now() + parts_.options.queueing.lease + kExpiryMargin);
      break;
  }
  return false;
}

void Worker::drop_lost() {
  const auto now = Clock::now();
  while (!lost_.empty() && lost_.front().second <= now) {
    lost_.pop_front();
  }
}

}  // namespace laneway::tools

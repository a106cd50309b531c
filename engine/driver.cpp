#include "engine/driver.hpp"

#include "engine/shard.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace laneway::engine {

Driver::Driver(std::shared_ptr<const Clock> clock) : clock_(std::move(clock)) {}

Driver::~Driver() {
  stop();
}

Result<> Driver::start() {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return Error{Errc::system_error, error.code().value(), "the driver thread could not start"};
  }
  return {};
}

void Driver::stop() noexcept {
  if (!thread_.joinable()) {
    return;
  }
  stopping_.set(true);
  sleeper_.notify_all();
  thread_.join();
}

void Driver::post(Shard& shard) noexcept {
  mailbox_.post(shard);
}

void Driver::wake_before(std::uint64_t tick) noexcept {
  if (tick < sleeps_until_.read()) {
    sleeper_.notify_one();
  }
}

void Driver::expect(std::size_t shards) {
  const std::lock_guard lock(mutex_);
  heap_.expect(shards);
}

void Driver::forget(std::span<const std::unique_ptr<Shard>> shards) noexcept {
  const std::lock_guard lock(mutex_);
  read_mail();
  for (const auto& shard : shards) {
    heap_.remove(*shard);
  }
}

void Driver::read_mail() {
  mailbox_.collect([this](Letter& letter) {
    auto& shard = static_cast<Shard&>(letter);
    heap_.set(shard, shard.told_due());
  });
}

void Driver::run() {
  using std::chrono::nanoseconds;
  constexpr std::int64_t kLongestNanos = 3'600'000'000'000;
  while (!stopping_.read()) {
    const std::uint64_t next = run_due_shards();
    sleeps_until_.set(next);
    const EventCount::Key key = sleeper_.prepare();
    if (mailbox_.anything() || stopping_.read()) {
      sleeper_.cancel();
      continue;
    }
    const std::int64_t now_ns = clock_->now().count();
    const std::int64_t left_ns =
        next > static_cast<std::uint64_t>((now_ns + kLongestNanos) / kTickNanos)
            ? kLongestNanos
            : static_cast<std::int64_t>(next) * kTickNanos - now_ns;
    sleeper_.wait(key, nanoseconds(std::max<std::int64_t>(left_ns, 1)));
  }
}

std::uint64_t Driver::run_due_shards() {
  const std::lock_guard lock(mutex_);
  read_mail();
  const std::uint64_t now = ShardCore::tick_floor(clock_->now().count());
  while (heap_.earliest() <= now) {
    Shard& shard = heap_.pop();
    // A busy shard is run by its holder; look again after a tick, in case that one was too early.
    if (!shard.run_timers()) {
      heap_.set(shard, now + 1);
    }
  }
  return heap_.earliest();
}

}  // namespace laneway::engine

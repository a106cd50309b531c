// Floor 3. Engine: opening, finding and closing queues; time by hand.
#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include "engine/engine_state.hpp"
#include "engine/no_memory.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace laneway {

namespace engine {

using std::chrono::milliseconds;

namespace {

std::chrono::system_clock::time_point wall_at_zero(const Clock& clock) {
  return std::chrono::system_clock::now() -
         std::chrono::duration_cast<std::chrono::system_clock::duration>(clock.now());
}

Error engine_closed() {
  return {Errc::closed, 0, "the engine has been closed"};
}

}  // namespace

EngineState::EngineState(const EngineOptions& options, std::shared_ptr<const Clock> clock)
    : mode_(options.driver),
      clock_(std::move(clock)),
      driver_(std::make_shared<Driver>(clock_)),
      origin_(wall_at_zero(*clock_)) {}

Result<> EngineState::start(const EngineOptions& options) {
  if (!options.journal.directory.empty()) {
    auto opened = JournalHost::open(options, clock_, origin_);
    if (!opened) {
      return opened.error();
    }
    journal_ = std::move(*opened);
  }
  return mode_ == DriverMode::thread ? driver_->start() : Result<>();
}

Result<std::shared_ptr<QueueState>> EngineState::make(std::string_view name,
                                                      const QueueOptions& completed) {
  QueuePlace place{driver_, mode_ == DriverMode::thread, origin_};
  if (completed.durability != Durability::none || completed.durable_messages) {
    if (journal_ == nullptr) {
      return {Errc::not_durable, "the engine has no journal"};
    }
    if (journal_->failed() != 0) {
      return Error{Errc::not_durable, journal_->failed(), "the journal has failed"};
    }
    const Result<std::uint16_t> number = journal_->number(name, completed.shards);
    if (!number) {
      return number.error();
    }
    place.journal = journal_;
    place.journal_number = *number;
  }
  auto queue = std::make_shared<QueueState>(std::string(name), completed, place);
  if (!queue->mapped()) {
    return {Errc::no_memory, "the system refused the queue's address range"};
  }
  if (place.journal != nullptr) {
    if (const Result<> recovered = queue->recover(); !recovered) {
      return recovered.error();
    }
  }
  return queue;
}

Result<std::shared_ptr<QueueState>> EngineState::open(std::string_view name,
                                                      const QueueOptions& options) {
  if (name.empty() || name.size() > kQueueNameBytesMax) {
    return {Errc::invalid_argument, "the name of a queue has 1 to 128 bytes"};
  }
  const Result<QueueOptions> completed = QueueState::complete(options);
  if (!completed) {
    return completed.error();
  }
  const std::lock_guard lock(mutex_);
  if (closed_) {
    return engine_closed();
  }
  const auto found = queues_.find(name);
  if (found != queues_.end() && !found->second->closed.read()) {
    if (found->second->options() != *completed) {
      return {Errc::invalid_argument, "the queue exists with other options"};
    }
    return found->second;
  }
  if (found != queues_.end() && found->second->journal != nullptr) {
    return {Errc::invalid_argument, "a queue that survives is opened once in a life of its engine"};
  }
  if (found == queues_.end() && queues_.size() == kQueuesMax) {
    return {Errc::invalid_argument, "an engine has at most 65,536 queues"};
  }
  // Its place first: once it has its messages from the journal, nothing may fail.
  decltype(queues_) made;
  const auto place = made.try_emplace(std::string(name)).first;
  Result<std::shared_ptr<QueueState>> queue = make(name, *completed);
  if (queue) {
    place->second = *queue;
    if (found != queues_.end()) {
      queues_.erase(found);
    }
    queues_.merge(made);
  }
  return queue;
}

std::shared_ptr<QueueState> EngineState::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(name);
  return found == queues_.end() || found->second->closed.read() ? nullptr : found->second;
}

std::vector<std::shared_ptr<QueueState>> EngineState::queues() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<QueueState>> queues;
  for (const auto& [name, queue] : queues_) {
    if (!queue->closed.read()) {
      queues.push_back(queue);
    }
  }
  return queues;
}

Result<milliseconds> EngineState::poll() {
  if (mode_ != DriverMode::manual) {
    return {Errc::invalid_argument, "poll is for DriverMode::manual"};
  }
  std::uint64_t next = ~std::uint64_t{0};
  constexpr int kPumps = 64;
  for (int i = 0; journal_ != nullptr && i < kPumps && journal_->pump(); ++i) {
  }
  for (const auto& queue : queues()) {
    for (const auto& shard : queue->shards()) {
      if (!shard->looks_idle()) {
        (void)shard->catch_up();
      }
      next = std::min(next, shard->due_hint());
    }
  }
  if (next == ~std::uint64_t{0}) {
    return milliseconds::max();
  }
  const std::int64_t left_ns = static_cast<std::int64_t>(next) * kTickNanos - clock_->now().count();
  return milliseconds(std::max<std::int64_t>(0, (left_ns + kTickNanos - 1) / kTickNanos));
}

Result<bool> EngineState::flush(milliseconds timeout) {
  if (journal_ == nullptr) {
    return {Errc::not_durable, "the engine has no journal"};
  }
  if (timeout < milliseconds::zero()) {
    return {Errc::invalid_argument, "timeout is not negative"};
  }
  const auto deadline = clock_->now() + std::min(timeout, milliseconds(kWaitMsMax));
  std::vector<std::shared_ptr<QueueState>> all;  // those that were closed, too
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, queue] : queues_) {
      all.push_back(queue);
    }
  }
  for (const auto& queue : all) {
    const Result<bool> durable = queue->flush(deadline);
    if (!durable || !*durable) {
      return durable;
    }
  }
  return true;
}

void EngineState::close() noexcept {
  std::map<std::string, std::shared_ptr<QueueState>, std::less<>> queues;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    queues.swap(queues_);
  }
  for (const auto& [name, queue] : queues) {
    queue->close();
  }
  driver_->stop();
  if (journal_ != nullptr) {
    journal_->close();
  }
}

}  // namespace engine

// --- Engine -----------------------------------------------------------------------------------

Engine::Engine(std::shared_ptr<engine::EngineState> state) noexcept : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;

Engine& Engine::operator=(Engine&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}

Engine::~Engine() {
  close();
}

Result<Engine> Engine::open(const EngineOptions& options) {
  if (options.clock != nullptr && options.driver != DriverMode::manual) {
    return {Errc::invalid_argument, "a clock of your own needs DriverMode::manual"};
  }
  try {
    std::shared_ptr<const Clock> clock = options.clock;
    if (clock == nullptr) {
      clock = std::make_shared<SteadyClock>();
    }
    auto state = std::make_shared<engine::EngineState>(options, std::move(clock));
    if (const Result<> started = state->start(options); !started) {
      return started.error();
    }
    return Engine(std::move(state));
  } catch (const std::bad_alloc&) {
    return {Errc::no_memory, "the system refused memory"};
  }
}

Result<Queue> Engine::queue(std::string_view name, const QueueOptions& options) {
  try {
    const auto state = state_->open(name, options);
    return state ? Result<Queue>(Queue(*state)) : Result<Queue>(state.error());
  } catch (const std::bad_alloc&) {
    return {Errc::no_memory, "the system refused memory"};
  }
}

Result<Queue> Engine::find(std::string_view name) const {
  auto state = state_->find(name);
  if (state == nullptr) {
    return {Errc::not_found, "no such queue"};
  }
  return Queue(std::move(state));
}

std::vector<Queue> Engine::queues() const {
  std::vector<Queue> handles;
  for (auto& state : state_->queues()) {
    handles.push_back(Queue(std::move(state)));
  }
  return handles;
}

Result<std::uint64_t> Engine::queue_bytes(const QueueOptions& options) {
  const Result<QueueOptions> completed = engine::QueueState::complete(options);
  if (!completed) {
    return completed.error();
  }
  return engine::QueueState::bytes(*completed);
}

Result<std::chrono::milliseconds> Engine::poll() {
  return engine::unless_no_memory([&] { return state_->poll(); });
}

Result<bool> Engine::flush(std::chrono::milliseconds timeout) {
  return engine::unless_no_memory([&] { return state_->flush(timeout); });
}

Result<std::uint64_t> Engine::durable() const {
  if (state_->journal() == nullptr) {
    return {Errc::not_durable, "the engine has no journal"};
  }
  return state_->journal()->durable_records();
}

Result<JournalStats> Engine::journal_stats() const {
  if (state_->journal() == nullptr) {
    return {Errc::not_durable, "the engine has no journal"};
  }
  return engine::unless_no_memory([&] { return Result<JournalStats>(state_->journal()->stats()); });
}

void Engine::close() noexcept {
  if (state_ != nullptr) {
    state_->close();
  }
}

}  // namespace laneway

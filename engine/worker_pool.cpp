// Floor 3. WorkerPool, on the public headers alone: threads that receive, call the handler, settle;
// and one more that extends the leases of long handlers.
#include <laneway/clock.hpp>
#include <laneway/worker_pool.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace laneway {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::uint32_t kWorkersMax = 1'024;
// How soon a worker without work notices that the pool is stopped.
constexpr milliseconds kReceiveWait{100};
constexpr milliseconds kIdleNap{1};
// 100 years: a limit longer than that could not be counted in nanoseconds.
constexpr milliseconds kLongest = std::chrono::hours(100 * 365 * 24);

struct Handled {
  Outcome outcome;
  bool threw;
};

// Without memory for the text it is a short one, which needs none.
Handled thrown(const char* text) noexcept {
  try {
    return {Outcome::retry(text), true};
  } catch (const std::bad_alloc&) {
    return {Outcome::retry("no memory"), true};
  }
}

Handled call(const WorkerPool::Handler& handler, const MessageView& message) {
  try {
    return {handler(message), false};
  } catch (const std::exception& error) {
    return thrown(error.what());
  } catch (...) {
    return thrown("the handler threw something that is no std::exception");
  }
}

// One worker: the leases in its hand, guarded against the extender by its mutex. The mutex is free
// while the handler runs.
struct Worker {
  mutable std::mutex mutex;
  LeaseBatch hand;
  std::size_t at = 0;      // the lease being worked on; those before it are settled
  nanoseconds began{-1};   // of the running handler, negative: none
  nanoseconds started{0};  // of the thread
  nanoseconds ended{-1};
  PoolStats stats;
  std::uint64_t released = 0;
  std::thread thread;
};

Result<> check(const Queue& queue,
               const WorkerPoolOptions& options,
               const WorkerPool::Handler& handler) {
  if (options.workers == 0 || options.workers > kWorkersMax) {
    return {Errc::invalid_argument, "workers is 1 to 1,024"};
  }
  if (options.batch == 0 || options.batch > LeaseBatch::kMax) {
    return {Errc::invalid_argument, "batch is 1 to 64"};
  }
  if (options.lease < milliseconds::zero() || options.handler_time_max < milliseconds::zero()) {
    return {Errc::invalid_argument, "times are not negative"};
  }
  if (!handler) {
    return {Errc::invalid_argument, "a pool needs a handler"};
  }
  if (queue.options().kind == QueueKind::handoff) {
    return {Errc::invalid_argument, "a handoff queue has no leases to work under"};
  }
  return {};
}

}  // namespace

struct WorkerPool::State {
  State(Queue queue_used, const WorkerPoolOptions& options_used, Handler handler_used)
      : queue(std::move(queue_used)),
        options(options_used),
        handler(std::move(handler_used)),
        lease(options.lease > milliseconds::zero() ? options.lease : queue.options().lease),
        keeps_results(queue.options().results_remembered != 0),
        workers(options.workers) {}

  Queue queue;
  const WorkerPoolOptions options;
  const Handler handler;
  const milliseconds lease;
  const bool keeps_results;
  const SteadyClock clock;
  std::vector<Worker> workers;
  std::thread extender;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool stopping = false;
  std::uint32_t threads_running = 0;

  Result<> start();
  bool stopped() const {
    const std::lock_guard lock(mutex);
    return stopping;
  }
  void run(Worker& worker, Consumer consumer);
  void work_off(Worker& worker);
  bool work_on(Worker& worker, std::size_t member);
  Result<> settle(Lease& lease_held, const Outcome& outcome, std::size_t done);
  void give_back(Worker& worker, std::size_t member);
  void extend_leases();
  void extend(Worker& worker);
  void stop();
  void join();
  PoolStats sum() const;
};

// --- a worker ---------------------------------------------------------------------------------

void WorkerPool::State::run(Worker& worker, Consumer consumer) {
  while (!stopped()) {
    Result<LeaseBatch> batch =
        consumer.receive({.max = options.batch, .wait = kReceiveWait, .lease = lease});
    if (!batch) {
      break;  // closed
    }
    if (batch->empty()) {
      std::this_thread::sleep_for(kIdleNap);  // with a manual driver receive does not sleep
      continue;
    }
    {
      const std::lock_guard lock(worker.mutex);
      worker.hand = std::move(*batch);
      worker.at = 0;
    }
    work_off(worker);
  }
  {
    const std::lock_guard lock(worker.mutex);
    worker.ended = clock.now();
  }
  const std::lock_guard lock(mutex);
  --threads_running;
  changed.notify_all();
}

void WorkerPool::State::work_off(Worker& worker) {
  while (worker.at < worker.hand.size()) {
    // Of a run, one message after the other, until one fails.
    const std::size_t members = worker.hand[worker.at].size();
    for (std::size_t member = 0; member < members; ++member) {
      if (stopped()) {
        give_back(worker, member);
        return;
      }
      if (!work_on(worker, member)) {
        break;
      }
    }
    const std::lock_guard lock(worker.mutex);
    ++worker.at;
  }
}

// True: acknowledged, go on with the run.
bool WorkerPool::State::work_on(Worker& worker, std::size_t member) {
  Lease& lease_held = worker.hand[worker.at];
  const MessageView message = lease_held.message(member);
  const nanoseconds began = clock.now();
  {
    const std::lock_guard lock(worker.mutex);
    worker.began = began;
  }
  const Handled handled = call(handler, message);
  const nanoseconds took = clock.now() - began;

  const std::lock_guard lock(worker.mutex);
  PoolStats& stats = worker.stats;
  worker.began = nanoseconds(-1);
  ++stats.handled;
  stats.busy_time += took;
  stats.processing.record(took);
  stats.threw += handled.threw ? 1u : 0u;
  if (!settle(lease_held, handled.outcome, member + 1)) {
    ++stats.lease_lost;
    return false;
  }
  switch (handled.outcome.kind()) {
    case Outcome::Kind::ack:
      ++stats.acked;
      return true;
    case Outcome::Kind::retry:
      ++stats.retried;
      return false;
    case Outcome::Kind::reject:
      ++stats.rejected;
      return false;
  }
  return false;
}

Result<> WorkerPool::State::settle(Lease& lease_held, const Outcome& outcome, std::size_t done) {
  switch (outcome.kind()) {
    case Outcome::Kind::ack:
      if (!outcome.result().empty() && keeps_results && lease_held.size() == 1) {
        return lease_held.ack(outcome.result());
      }
      return lease_held.ack_through(done);
    case Outcome::Kind::retry:
      return lease_held.nack(outcome.failure());
    case Outcome::Kind::reject:
      return lease_held.reject(outcome.failure());
  }
  return {};
}

// The pool is stopping: what has not been started goes back, uncounted.
void WorkerPool::State::give_back(Worker& worker, std::size_t member) {
  const std::lock_guard lock(worker.mutex);
  for (; worker.at < worker.hand.size(); ++worker.at, member = 0) {
    Lease& lease_held = worker.hand[worker.at];
    const std::size_t left = lease_held.size() - member;
    worker.released += lease_held.release() ? left : 0;
  }
}

// --- the extender -----------------------------------------------------------------------------

void WorkerPool::State::extend_leases() {
  // A third of the lease leaves two tries before it ends.
  const auto period = std::max<nanoseconds>(nanoseconds(lease) / 3, milliseconds(1));
  std::unique_lock lock(mutex);
  while (!stopping) {
    changed.wait_for(lock, period, [this] { return stopping; });
    lock.unlock();
    for (Worker& worker : workers) {
      extend(worker);
    }
    lock.lock();
  }
}

void WorkerPool::State::extend(Worker& worker) {
  const std::lock_guard lock(worker.mutex);
  const bool limited = options.handler_time_max > milliseconds::zero();
  const bool too_long = limited && worker.began >= nanoseconds::zero() &&
                        clock.now() - worker.began > std::min(options.handler_time_max, kLongest);
  for (std::size_t i = worker.at + (too_long ? 1 : 0); i < worker.hand.size(); ++i) {
    const Result<> extended = worker.hand[i].extend(lease);
    const bool moved = extended || extended.error().code == Errc::cancelled;
    worker.stats.extended += moved ? 1u : 0u;
  }
}

// --- the pool ---------------------------------------------------------------------------------

Result<> WorkerPool::State::start() {
  try {
    for (Worker& worker : workers) {
      Result<Consumer> consumer = queue.consumer();
      if (!consumer) {
        return consumer.error();
      }
      worker.started = clock.now();
      const std::lock_guard lock(mutex);
      worker.thread = std::thread([this, &worker](Consumer own) { run(worker, std::move(own)); },
                                  std::move(*consumer));
      ++threads_running;
    }
    extender = std::thread([this] { extend_leases(); });
  } catch (const std::system_error& error) {
    return Error{Errc::system_error, error.code().value(), "a worker thread could not start"};
  } catch (const std::bad_alloc&) {
    return Error{Errc::no_memory, 0, "the system refused memory"};
  }
  return {};
}

void WorkerPool::State::stop() {
  const std::lock_guard lock(mutex);
  stopping = true;
  changed.notify_all();
}

void WorkerPool::State::join() {
  for (Worker& worker : workers) {
    if (worker.thread.joinable()) {
      worker.thread.join();
    }
  }
  if (extender.joinable()) {
    extender.join();
  }
}

PoolStats WorkerPool::State::sum() const {
  PoolStats total;
  total.workers = options.workers;
  for (const Worker& worker : workers) {
    const std::lock_guard lock(worker.mutex);
    const PoolStats& stats = worker.stats;
    const nanoseconds now = worker.ended >= nanoseconds::zero() ? worker.ended : clock.now();
    const bool busy = worker.began >= nanoseconds::zero();
    total.busy += busy ? 1u : 0u;
    total.handled += stats.handled;
    total.acked += stats.acked;
    total.retried += stats.retried;
    total.rejected += stats.rejected;
    total.threw += stats.threw;
    total.lease_lost += stats.lease_lost;
    total.extended += stats.extended;
    total.busy_time += stats.busy_time + (busy ? now - worker.began : nanoseconds(0));
    total.available_time += now - worker.started;
    total.processing.add(stats.processing);
  }
  return total;
}

Result<WorkerPool> WorkerPool::start(Queue queue,
                                     const WorkerPoolOptions& options,
                                     Handler handler) {
  if (const Result<> valid = check(queue, options, handler); !valid) {
    return valid.error();
  }
  std::unique_ptr<State> state;
  try {
    state = std::make_unique<State>(std::move(queue), options, std::move(handler));
  } catch (const std::bad_alloc&) {
    return {Errc::no_memory, "the system refused memory"};
  }
  if (const Result<> started = state->start(); !started) {
    state->stop();
    state->join();
    return started.error();
  }
  return WorkerPool(std::move(state));
}

WorkerPool::WorkerPool(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
WorkerPool::WorkerPool(WorkerPool&&) noexcept = default;

WorkerPool& WorkerPool::operator=(WorkerPool&& other) noexcept {
  if (this != &other) {
    const WorkerPool old(std::move(*this));
    state_ = std::move(other.state_);
  }
  return *this;
}

WorkerPool::~WorkerPool() {
  if (state_ != nullptr) {
    state_->stop();
    state_->join();
  }
}

PoolStats WorkerPool::stats() const {
  return state_->sum();
}

PoolReport WorkerPool::drain(std::chrono::milliseconds grace) {
  const std::uint64_t handled_before = state_->sum().handled;
  state_->stop();
  {
    const auto longest = std::min(grace, kLongest);
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, longest, [this] { return state_->threads_running == 0; });
  }
  const PoolStats stats = state_->sum();
  PoolReport report;
  report.finished = stats.handled - handled_before;
  report.abandoned = stats.busy;
  for (const Worker& worker : state_->workers) {
    const std::lock_guard lock(worker.mutex);
    report.released += worker.released;
  }
  return report;
}

}  // namespace laneway

#include "tests/simulation/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace laneway::simulation {

namespace {

constexpr std::uint64_t kNobodyAsks = ~std::uint64_t{0};
// How often time may move on because everybody sleeps, and how often fibers may change.
constexpr std::uint64_t kIdleMax = 200'000;
constexpr std::uint64_t kSwitchesMax = 2'000'000;

}  // namespace

Scheduler::Scheduler(std::uint64_t seed)
    : random_(seed ^ 0x7363686564756c65),
      by_priority_(random_.percent(40)),
      mean_turns_(by_priority_ ? random_.one_of({50, 300, 2'000})
                               : random_.one_of({2, 8, 25, 100, 400})) {
  running_ = this;
  engine::simulated::turns = {kNobodyAsks, this};
}

Scheduler::~Scheduler() {
  engine::simulated::turns = {};
  running_ = nullptr;
}

void Scheduler::run(std::function<void()> main) {
  start("main", [this, main = std::move(main)] {
    try {
      main();
    } catch (const Broken& broken) {
      broken_ = broken.what();
    }
    engine::simulated::turns.operations_left = kNobodyAsks;
    Fiber::change(*threads_[current_]->fiber, outside_, true);
  });
  draw_turns();
  current_ = 0;
  Fiber::change(outside_, *threads_[0]->fiber);
  if (!broken_.empty()) {
    throw Broken(broken_);
  }
}

std::uint32_t Scheduler::start(std::string name, std::function<void()> body) {
  const auto number = static_cast<std::uint32_t>(threads_.size());
  auto thread = std::make_unique<Thread>();
  thread->name = std::move(name);
  thread->priority = static_cast<std::int64_t>(random_.below(1'000'000));
  thread->fiber = std::make_unique<Fiber>([this, number, body = std::move(body)] {
    body();
    end(number);
  });
  thread->place = runnable_.size();
  runnable_.push_back(number);
  threads_.push_back(std::move(thread));
  return number;
}

void Scheduler::end(std::uint32_t number) {
  Thread& thread = *threads_[number];
  thread.ended = true;
  move(&runnable_, nullptr, number);
  wake(&thread, INT32_MAX);
  wait_for_time();
  const std::uint32_t next = choose();
  current_ = next;
  ++switches_;
  draw_turns();
  Fiber::change(*thread.fiber, *threads_[next]->fiber, true);
}

void Scheduler::join(std::uint32_t fiber) {
  while (!threads_[fiber]->ended) {
    block(threads_[fiber].get());
  }
}

void Scheduler::fail(std::string why) {
  broken_ = std::move(why);
  engine::simulated::turns.operations_left = kNobodyAsks;
  Fiber::change(*threads_[current_]->fiber, outside_, true);
  std::abort();
}

void Scheduler::advance(std::chrono::nanoseconds by) {
  now_ns_ += by.count();
  wake_due();
}

void Scheduler::draw_turns() {
  engine::simulated::turns.operations_left = random_.between(1, 2 * mean_turns_);
}

std::uint32_t Scheduler::choose() {
  if (!by_priority_) {
    return runnable_[random_.below(runnable_.size())];
  }
  std::uint32_t best = runnable_[0];
  for (const std::uint32_t thread : runnable_) {
    best = threads_[thread]->priority > threads_[best]->priority ? thread : best;
  }
  return best;
}

void Scheduler::go_on(std::uint32_t thread) {
  draw_turns();
  if (thread == current_) {
    return;
  }
  if (++switches_ == kSwitchesMax) {
    fail("no end: " + std::to_string(kSwitchesMax) + " switches");
  }
  Fiber& from = *threads_[current_]->fiber;
  current_ = thread;
  Fiber::change(from, *threads_[thread]->fiber);
}

bool Scheduler::all_asleep(const std::string& name) const {
  return std::none_of(runnable_.begin(), runnable_.end(), [&](std::uint32_t thread) {
    return thread != current_ && threads_[thread]->name == name;
  });
}

void Scheduler::turn() {
  constexpr std::chrono::nanoseconds kSpinTime = std::chrono::microseconds(100);
  if (++turns_ > patience_) {
    advance(kSpinTime);
  }
  if (by_priority_) {
    threads_[current_]->priority = --lowest_priority_;
  }
  go_on(choose());
}

void Scheduler::give_way() {
  if (engine::simulated::turns.operations_left > kNobodyAsks / 2) {
    return;  // while somebody looks at everything
  }
  turn();
}

// Takes the running fiber out and goes on with another.
void Scheduler::leave() {
  const std::uint32_t self = current_;
  move(&runnable_, &sleeping_, self);
  wait_for_time();
  const std::uint32_t next = choose();
  go_on(next);
}

void Scheduler::sleep(const void* address, std::chrono::nanoseconds timeout) {
  Thread& self = *threads_[current_];
  self.address = address;
  self.wakes_at = timeout == kForever ? kNoTime : now_ns_ + timeout.count();
  earliest_ns_ = std::min(earliest_ns_, self.wakes_at);
  leave();
}

void Scheduler::wake(const void* address, int fibers) {
  for (; fibers > 0; --fibers) {
    // Any of them: a futex promises no order.
    std::vector<std::uint32_t> candidates;
    for (const std::uint32_t thread : sleeping_) {
      if (threads_[thread]->address == address) {
        candidates.push_back(thread);
      }
    }
    if (candidates.empty()) {
      return;
    }
    make_runnable(candidates[random_.below(candidates.size())]);
  }
}

void Scheduler::make_runnable(std::uint32_t number) {
  Thread& thread = *threads_[number];
  thread.address = nullptr;
  thread.wakes_at = kNoTime;
  move(&sleeping_, &runnable_, number);
}

void Scheduler::move(std::vector<std::uint32_t>* from,
                     std::vector<std::uint32_t>* to,
                     std::uint32_t thread) {
  const std::size_t place = threads_[thread]->place;
  (*from)[place] = from->back();
  threads_[from->back()]->place = place;
  from->pop_back();
  if (to != nullptr) {
    threads_[thread]->place = to->size();
    to->push_back(thread);
  }
}

void Scheduler::wake_due() {
  if (now_ns_ < earliest_ns_) {
    return;
  }
  earliest_ns_ = kNoTime;
  for (std::size_t i = 0; i < sleeping_.size();) {
    Thread& thread = *threads_[sleeping_[i]];
    if (thread.wakes_at <= now_ns_) {
      make_runnable(sleeping_[i]);
    } else {
      earliest_ns_ = std::min(earliest_ns_, thread.wakes_at);
      ++i;
    }
  }
}

void Scheduler::wait_for_time() {
  if (!runnable_.empty()) {
    return;
  }
  ++idles_;
  // Looking wakes those who sleep, who then look themselves: once is enough.
  if (when_idle_ && looked_at_ns_ != now_ns_) {
    looked_at_ns_ = now_ns_;
    engine::simulated::turns.operations_left = kNobodyAsks;
    when_idle_();
  }
  while (runnable_.empty()) {
    if (earliest_ns_ == kNoTime || idles_ > kIdleMax) {
      fail("everybody sleeps for ever");
    }
    now_ns_ = std::max(now_ns_, earliest_ns_);
    progress();
    wake_due();
  }
}

}  // namespace laneway::simulation

// Scheduler: runs the threads of a simulated program as fibers, one at a time. Which one goes on,
// at each atomic operation, and when time passes, follow from a seed.
//
// Two ways to choose, drawn by the seed. Uniform: any runnable fiber, after a random number of
// operations. PCT: the runnable fiber with the highest priority, which falls below all others at
// a few random operations: finds a bug of depth d with probability 1/(n k^(d-1)) (Burckhardt et
// al., ASPLOS 2010). Time stands still while anybody can run; then it moves to the next timeout.
#pragma once

#include "engine/base/atomic.hpp"
#include "tests/core/random.hpp"
#include "tests/simulation/fiber.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace laneway::simulation {

// What ends a run at once.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Scheduler final : public engine::simulated::Scheduler {
 public:
  explicit Scheduler(std::uint64_t seed);
  ~Scheduler() override;

  // One is running at a time.
  static Scheduler& now_running() { return *running_; }

  // Runs `main` as the first fiber, until it returns. Throws Broken if the run broke.
  void run(std::function<void()> main);

  // For fibers.
  std::uint32_t start(std::string name, std::function<void()> body);
  void join(std::uint32_t fiber);
  std::uint32_t self() const { return current_; }
  const std::string& name(std::uint32_t fiber) const { return threads_[fiber]->name; }
  void nap(std::chrono::nanoseconds duration) { sleep(nullptr, duration); }
  // Until woken on the address.
  void block(const void* address) { sleep(address, kForever); }
  // Ends the run, from whatever fiber.
  [[noreturn]] void fail(std::string why);

  // So much spinning takes time, or one that waits for a later time would not end.
  void set_patience(std::uint64_t turns) { patience_ = turns; }
  // Somebody gets on: it is no spinning.
  void progress() { turns_ = 0; }

  std::int64_t now_ns() const { return now_ns_; }
  void advance(std::chrono::nanoseconds by);

  // Called when nobody can run and time is about to move. It may look at everything and wake
  // fibers, and nobody else runs meanwhile.
  void when_idle(std::function<void()> look) { when_idle_ = std::move(look); }
  std::uint64_t switches() const { return switches_; }
  // Are all fibers asleep that were started under this name?
  bool all_asleep(const std::string& name) const;

  void turn() override;
  void give_way() override;
  void sleep(const void* address, std::chrono::nanoseconds timeout) override;
  void wake(const void* address, int fibers) override;

 private:
  static constexpr std::chrono::nanoseconds kForever = std::chrono::nanoseconds::max();
  static constexpr std::int64_t kNoTime = INT64_MAX;

  struct Thread {
    std::string name;
    std::unique_ptr<Fiber> fiber;
    bool ended = false;
    const void* address = nullptr;  // sleeps on it
    std::int64_t wakes_at = kNoTime;
    std::int64_t priority = 0;
    std::size_t place = 0;  // in runnable_ or sleeping_
  };

  void draw_turns();
  std::uint32_t choose();
  void go_on(std::uint32_t thread);
  void leave();
  void make_runnable(std::uint32_t thread);
  void wait_for_time();
  void wake_due();
  void move(std::vector<std::uint32_t>* from, std::vector<std::uint32_t>* to, std::uint32_t thread);
  void end(std::uint32_t thread);

  static inline Scheduler* running_ = nullptr;

  engine::Random random_;
  const bool by_priority_;
  const std::uint64_t mean_turns_;
  std::int64_t lowest_priority_ = 0;
  std::int64_t now_ns_ = 1'000'000'000;
  std::int64_t looked_at_ns_ = 0;
  std::int64_t earliest_ns_ = kNoTime;  // no sleeper's time is over before
  std::uint64_t switches_ = 0;
  std::uint64_t turns_ = 0;  // since the last progress
  std::uint64_t patience_ = 20'000;
  std::uint64_t idles_ = 0;
  std::function<void()> when_idle_;
  std::string broken_;
  Fiber outside_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<std::uint32_t> runnable_;
  std::vector<std::uint32_t> sleeping_;  // in the order in which they fell asleep, as far as kept
  std::uint32_t current_ = 0;
};

}  // namespace laneway::simulation

// RunControl: how far the run is from its end, told by one thread and asked by all others.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

namespace laneway::tools {

// Steps go forward only. Any thread.
class RunControl {
 public:
  enum class Step : int {
    running,   // read and work
    draining,  // read no more, finish what was read
    stopping,  // end commands and workers now
  };

  Step step() const noexcept { return step_.load(std::memory_order_acquire); }
  bool reading() const noexcept { return step() == Step::running; }
  bool stopping() const noexcept { return step() == Step::stopping; }

  void advance(Step to) noexcept {
    Step now = step();
    while (now < to && !step_.compare_exchange_weak(now, to, std::memory_order_acq_rel,
                                                    std::memory_order_acquire)) {
    }
  }

  // The run cannot go on. The first reason is kept, and everything stops.
  void fail(const std::string& reason) {
    {
      const std::lock_guard lock(mutex_);
      if (failure_.empty()) {
        failure_ = reason;
      }
    }
    advance(Step::stopping);
  }
  std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  std::atomic<Step> step_{Step::running};
  mutable std::mutex mutex_;
  std::string failure_;
};

}  // namespace laneway::tools

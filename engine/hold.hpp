// Floor 3. Hold: the time during which a thread is the single writer of a shard.
#pragma once

#include "engine/base/atomic.hpp"
#include "engine/base/stall_point.hpp"
#include "engine/shard.hpp"

#include <cstdint>
#include <thread>

namespace laneway::engine {

// A short wait for another thread: off the hot path only.
inline void patience() {
  for (int i = 0; i < 64; ++i) {
    relax();
  }
  std::this_thread::yield();
}

// While it lives, the caller is the shard's single writer. Empty when the token was taken.
class Hold {
 public:
  static constexpr std::uint32_t kEverything = ~std::uint32_t{0};

  explicit Hold(Shard& shard) : shard_(shard.token_.try_take() ? &shard : nullptr) { begin(); }
  // Waits for its turn. Empty when the queue has been closed, whose token is never free again.
  static Hold patient(Shard& shard) {
    while (!shard.token_.try_take()) {
      if (shard.host_.closed.read()) {
        return Hold(nullptr);
      }
      patience();
    }
    return Hold(&shard);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (shard_ != nullptr) {
      shard_->release();
    }
  }

  explicit operator bool() const { return shard_ != nullptr; }
  std::int64_t now_ns() const { return now_ns_; }
  // Drains and advances; `wanted` messages should be ready afterwards if there are any.
  void step(std::uint32_t wanted) { shard_->step(wanted, now_ns_); }

 private:
  explicit Hold(Shard* shard) : shard_(shard) { begin(); }
  void begin() {
    if (shard_ != nullptr) {
      stall_point(StallPoint::hold_taken);
      ++shard_->holds_;
      now_ns_ = shard_->host_.now_ns();
    }
  }

  Shard* const shard_;
  std::int64_t now_ns_ = 0;
};

}  // namespace laneway::engine

// Scenarios of ShardHint.
//
//   a poller sees a ring drained and not what became ready by that    forbidden
//   a poller sees nothing of a hold, or some of the next one           allowed
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"
#include "engine/concurrent/shard_hint.hpp"

#include <cstdint>

namespace laneway::engine {

// A holder drains one message a hold, from the inbox and from the returns in turn; all of them stay
// ready. One poller looks on.
template <unsigned kHolds>
class ShardHintTornView {
 public:
  static constexpr unsigned kThreads = 2;
  static constexpr std::uint64_t kOperations = 2 * std::uint64_t{kHolds};

  void run(unsigned thread) {
    for (std::uint64_t hold = 1; hold <= kHolds; ++hold) {
      if (thread == 0) {
        ShardHint::View view{};
        view.inbox_drained = (hold + 1) / 2;
        view.returns_drained = hold / 2;
        view.ready = hold;
        hint_.show(view);
      } else {
        const ShardHint::View view = hint_.read();
        LANEWAY_CHECK(view.inbox_drained == 0 || view.ready >= 2 * view.inbox_drained - 1);
        LANEWAY_CHECK(view.ready >= 2 * view.returns_drained);
      }
    }
  }

  void after() { LANEWAY_CHECK(hint_.read().ready == kHolds); }

 private:
  ShardHint hint_;
};

}  // namespace laneway::engine

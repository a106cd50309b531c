// Floor 1. Departures: who is the last to leave a closed queue? Each Lease that delivers its final
// entry after the close departs; the closer says how many there will be. Exactly one of them all is
// told that it is the last, and may free what they shared.
// Progress: wait-free but for one fetch_add.
#pragma once

#include "engine/base/atomic.hpp"

#include <cstdint>

namespace laneway::engine {

class Departures {
 public:
  // By a Lease, as its last access. True: it was the last one.
  bool depart() noexcept {
    // (D1) acq_rel, pairs with itself and (D2): the last one sees all that the others did before.
    return balance_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  // By the closer, once. True: nobody is left (or nobody was ever expected).
  bool expect(std::int64_t leases) noexcept {
    // (D2) acq_rel, pairs with (D1).
    return balance_.fetch_add(leases, std::memory_order_acq_rel) + leases == 0;
  }

 private:
  atomic<std::int64_t> balance_{0};  // expected minus departed
};

}  // namespace laneway::engine

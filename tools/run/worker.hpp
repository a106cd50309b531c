// Worker: one thread of a run that receives records, has them handled and settles them.
#pragma once

#include <laneway/consumer.hpp>
#include <laneway/stats.hpp>

#include "tools/run/feeder.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>

namespace laneway::tools {

class Worker {
 public:
  // `index` tells the workers of a run apart.
  Worker(const RunParts& parts, Consumer consumer, std::uint32_t index);

  // Returns when the run is stopping or the queue was closed.
  void run();

  // After run() has returned: time inside the handler.
  const DurationHistogram& handling() const { return handling_; }

 private:
  void work();
  void work_on(Lease& lease);
  Verdict handle(const Delivery& delivery, LeaseKeeper& keeper);
  // True: the settle took effect.
  bool settle(Lease& lease, const Verdict& verdict);
  void drop_lost();

  RunParts parts_;
  Consumer consumer_;
  std::uint32_t index_;
  std::uint64_t ticket_;
  DurationHistogram handling_;
  // Leases that were lost on purpose, kept until they have run out.
  std::deque<std::pair<Lease, std::chrono::steady_clock::time_point>> lost_;
};

}  // namespace laneway::tools

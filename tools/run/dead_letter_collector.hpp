// DeadLetterCollector: takes dead letters out of the queue as they occur and writes them down.
#pragma once

#include "tools/run/feeder.hpp"
#include "tools/run/report.hpp"

#include <cstdint>
#include <deque>

namespace laneway::tools {

// One thread.
class DeadLetterCollector {
 public:
  explicit DeadLetterCollector(const RunParts& parts) : parts_(parts) {}

  // All that are there now.
  void collect();

  std::uint64_t rejected() const { return rejected_; }
  std::uint64_t attempts() const { return attempts_; }
  // The last few.
  const std::deque<DeadSample>& samples() const { return samples_; }

 private:
  bool take(const DeadLetter& letter);

  RunParts parts_;
  std::uint64_t rejected_ = 0;
  std::uint64_t attempts_ = 0;
  std::deque<DeadSample> samples_;
};

}  // namespace laneway::tools

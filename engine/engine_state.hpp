// Floor 3. EngineState: the named queues of an engine, its clock and its driver.
#pragma once

#include <laneway/engine.hpp>

#include "engine/driver.hpp"
#include "engine/journal_host.hpp"
#include "engine/queue_state.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace laneway::engine {

class EngineState {
 public:
  EngineState(const EngineOptions& options, std::shared_ptr<const Clock> clock);

  Result<> start(const EngineOptions& options);
  Result<std::shared_ptr<QueueState>> open(std::string_view name, const QueueOptions& options);
  std::shared_ptr<QueueState> find(std::string_view name) const;
  std::vector<std::shared_ptr<QueueState>> queues() const;
  Result<std::chrono::milliseconds> poll();
  Result<bool> flush(std::chrono::milliseconds timeout);
  JournalHost* journal() const { return journal_.get(); }
  void close() noexcept;

 private:
  Result<std::shared_ptr<QueueState>> make(std::string_view name, const QueueOptions& completed);

  const DriverMode mode_;
  const std::shared_ptr<const Clock> clock_;
  const std::shared_ptr<Driver> driver_;
  const std::chrono::system_clock::time_point origin_;  // wall time at time 0 of the clock
  std::shared_ptr<JournalHost> journal_;                // null: there is none
  mutable std::mutex mutex_;  // guards what follows; never taken on a hot path
  bool closed_ = false;
  std::map<std::string, std::shared_ptr<QueueState>, std::less<>> queues_;
};

}  // namespace laneway::engine

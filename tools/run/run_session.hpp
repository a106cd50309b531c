// RunSession: the threads of one run. A Feeder publishes the records, Workers handle them, and the
// calling thread looks after signals, dead letters and progress until everything is finished.
#pragma once

#include <laneway/queue.hpp>

#include "tools/run/dead_letter_collector.hpp"
#include "tools/run/feeder.hpp"
#include "tools/run/progress.hpp"
#include "tools/run/report.hpp"
#include "tools/run/run_setup.hpp"
#include "tools/run/signals.hpp"
#include "tools/run/worker.hpp"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace laneway::tools {

// run() is called once. The setup is prepared, and outlives this; the queue holds nothing but the
// open records of the setup's journal.
class RunSession {
 public:
  // `signals` were made before any thread was started, the engine's included.
  RunSession(RunSetup& setup, Signals& signals, Queue queue);

  Report run();

 private:
  using Clock = std::chrono::steady_clock;

  void start_workers();
  void join_workers();
  void watch();
  void heed(int signal);
  void show_progress(Progress& progress);
  Report report();
  void add_end(Report& report) const;

  RunSetup& setup_;
  Signals& signals_;
  Queue queue_;
  RunTally tally_;
  PendingRecords pending_;
  const RunParts parts_;
  Feeder feeder_;
  DeadLetterCollector collector_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  Clock::time_point started_;
  Clock::time_point grace_end_ = Clock::time_point::max();
  std::chrono::nanoseconds wall_{0};
  QueueStats stats_;
  bool interrupted_ = false;
};

}  // namespace laneway::tools

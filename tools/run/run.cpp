#include "tools/run/run.hpp"

#include <laneway/engine.hpp>

#include "tools/run/run_session.hpp"
#include "tools/run/run_setup.hpp"
#include "tools/run/signals.hpp"

namespace laneway::tools {

namespace {

// Answers why there was nothing to report.
std::string work(RunSetup& setup, Report& report) {
  std::string mistake = setup.prepare();
  if (!mistake.empty()) {
    return mistake;
  }
  // Before the engine's thread, and until it has ended: none of ours may be hit by a signal.
  Signals signals;
  auto engine = Engine::open(setup.engine_options());
  if (!engine) {
    return "cannot start the engine: " + to_string(engine.error());
  }
  const auto queue = engine->queue(kRunQueue, setup.queue_options());
  if (!queue) {
    return "cannot open the queue: " + to_string(queue.error());
  }
  if (!setup.options.result.journal.empty()) {
    setup.journal.use(*engine);
  }
  RunSession session(setup, signals, *queue);
  report = session.run();
  return {};
}

}  // namespace

ExitStatus run(const RunOptions& options) {
  RunSetup setup(options);
  Report report;
  std::string mistake = work(setup, report);
  if (mistake.empty()) {
    mistake = setup.writer.write(report, setup.records_on_output());
    if (mistake.empty()) {
      return report.status();
    }
  }
  setup.console.write_error("laneway run: " + mistake + "\n");
  return ExitStatus::failed;
}

}  // namespace laneway::tools

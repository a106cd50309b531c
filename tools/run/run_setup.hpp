// RunSetup: everything that a run needs before its first record.
#pragma once

#include "tools/run/console.hpp"
#include "tools/run/dead_letter_file.hpp"
#include "tools/run/feeder.hpp"
#include "tools/run/handler.hpp"
#include "tools/run/input_stream.hpp"
#include "tools/run/report_writer.hpp"
#include "tools/run/run_control.hpp"
#include "tools/run/run_journal.hpp"
#include "tools/run/run_options.hpp"

#include <memory>
#include <string>

namespace laneway::tools {

struct RunSetup {
  explicit RunSetup(const RunOptions& asked);

  // Opens and makes all of it. Empty on success, else what is wrong.
  std::string prepare();

  // Records, or what commands print, go to standard output.
  bool records_on_output() const;
  EngineOptions engine_options() const;
  QueueOptions queue_options() const;

  const RunOptions options;  // defaults filled in
  RunControl control;
  Console console{control};
  InputStream input;
  RunJournal journal;
  RecordRules rules;
  std::unique_ptr<Handler> handler;
  DeadLetterFile dead_letters;
  ReportWriter writer;
};

}  // namespace laneway::tools

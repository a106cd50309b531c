// Inspection: a journal as it lies there, read from end to end, and what there is to say of it.
#pragma once

#include "engine/journal/scan.hpp"
#include "tools/journal/census.hpp"
#include "tools/run/json_text.hpp"

#include <memory>
#include <string>

namespace laneway::journal_tool {

// Also the exit status of a command.
enum class Verdict : int {
  sound = 0,
  torn = 1,        // the last write was not finished; opening cuts it off
  corrupt = 2,     // confirmed records are damaged or missing; opening refuses
  unreadable = 3,  // there is nothing to be judged: no journal, in use, another version, an error
};

struct Inspection {
  Verdict verdict = Verdict::unreadable;
  std::string detail;  // of what is not sound
  engine::ScanResult scan;
  Census census;
  std::uint64_t disk_bytes = 0;  // of all files of the directory
  bool rebuilt = false;          // the manifest is damaged: this is what its segments say
};

// Changes nothing. Also reads on behind damage. `sink`, if not null, hears every record that
// can be read; `storage`, if not null, gets what was read from, still locked.
std::unique_ptr<Inspection> inspect(const std::string& directory,
                                    engine::RecordSink* sink = nullptr,
                                    std::unique_ptr<engine::Storage>* storage = nullptr);

tools::Json verdict_json(const Inspection& inspection);
tools::Json segments_json(const Inspection& inspection);
// Messages that are not over, by queue and state.
tools::Json queues_json(const Inspection& inspection);
tools::Json stat_json(const Inspection& inspection);

}  // namespace laneway::journal_tool

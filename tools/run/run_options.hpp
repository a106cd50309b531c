// RunOptions: what `laneway run` was asked to do. Every default is the documented one.
#pragma once

#include <laneway/options.hpp>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace laneway::tools {

// What comes in, and what its keys are.
struct InputOptions {
  std::string path = "-";
  std::string replay;  // path of a file of dead letters, whose records are the input; empty: none
  char separator = '\n';
  std::uint64_t record_bytes_max = 64 * 1024;
  std::uint64_t from = 1;  // number of the first record to work on
  std::uint64_t read_ahead = 10'000;
  std::string key;  // rule of KeyExtractor; empty: no keys
  std::string delimiter;
  std::string priority;  // rule of KeyExtractor for a number; empty: none
  std::string dedup;     // rule of KeyExtractor for an id; empty: none
  std::chrono::milliseconds dedup_window{600'000};
  bool strict_key = false;  // a record without a key is refused

  bool has_keys() const { return !key.empty() || !replay.empty(); }
};

// How a delivery is worked on. Either a handler or a command is given.
struct HandlerOptions {
  std::string handler;               // "count", "sleep:20ms"; empty: the command
  std::vector<std::string> command;  // with placeholders
  bool each_worker = false;          // the command lives as long as its worker
  std::string line = "{}";           // what it reads for each record, with placeholders
  std::set<std::uint32_t> reject_codes;
  std::set<std::uint32_t> retry_codes;   // empty: all that are no reject codes
  std::chrono::milliseconds timeout{0};  // 0: none
  std::chrono::milliseconds kill_after{2000};
  double fail_share = 0;
  double lose_share = 0;
  std::uint64_t seed = 1;

  // An exit code above 0 that is not tried again.
  bool is_permanent(std::uint32_t code) const {
    return reject_codes.count(code) != 0 || (!retry_codes.empty() && retry_codes.count(code) == 0);
  }
};

struct QueueingOptions {
  std::uint32_t workers = 0;  // 0: as many as there are cores
  std::uint32_t attempts = 5;
  Backoff backoff{.first = std::chrono::milliseconds(200),
                  .cap = std::chrono::milliseconds(10'000)};
  OnFailure on_failure = OnFailure::hold;
  double per_second = 0;            // deliveries; 0: no limit
  std::uint32_t max_in_flight = 0;  // 0: no limit
  // 0: an hour; a second when deliveries are lost on purpose. Nothing but a loss lets one run out.
  std::chrono::milliseconds lease{0};
};

struct ResultOptions {
  std::string journal;       // directory; empty: none
  std::string dead_letters;  // path; empty: they are counted only
  bool append = false;
  std::string json;  // path, "-" for standard output; empty: none
  bool quiet = false;
  std::chrono::milliseconds grace{10'000};
};

struct RunOptions {
  InputOptions input;
  HandlerOptions handler;
  QueueingOptions queueing;
  ResultOptions result;
};

// What no single option can tell: two that do not go together, or one that needs another. Empty
// when all is well.
std::string contradiction(const RunOptions& options);

// Ends of the program. More than one may apply: then the first of verify_failed, failed,
// interrupted, dead_lettered is told.
enum class ExitStatus : int {
  all_acknowledged = 0,
  dead_lettered = 1,  // or refused before it was worked on
  failed = 2,         // a mistake in the options, or a file or command that cannot be used
  verify_failed = 3,
  interrupted = 130,  // with work left
};

}  // namespace laneway::tools

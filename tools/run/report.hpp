// Report: what a run came to, as a table for people and as JSON for programs.
#pragma once

#include "tools/run/handler.hpp"
#include "tools/run/run_options.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace laneway::tools {

// A dead letter in a nutshell: no bytes of the record.
struct DeadSample {
  std::uint64_t number = 0;
  std::string key = {};
  std::uint32_t attempts = 0;
  std::string error = {};  // of the last attempt
};

struct Report {
  // The input.
  std::uint64_t read = 0;
  std::uint64_t empty = 0;
  std::uint64_t passed_over = 0;
  std::uint64_t unkeyed = 0;     // worked on without order
  std::uint64_t duplicates = 0;  // passed over: their id had been read
  std::uint64_t keys = 0;
  bool more_keys = false;  // there were more than could be told apart
  std::string busiest_key;
  std::uint64_t busiest_key_records = 0;
  bool keyed = false;  // a key was asked for
  // What became of the records.
  std::uint64_t acked = 0;
  std::uint64_t dead_rejected = 0;
  std::uint64_t dead_attempts = 0;
  std::uint64_t refused_long = 0;
  std::uint64_t refused_unkeyed = 0;
  std::vector<DeadSample> dead_samples;
  std::string dead_letters_path;
  // How it went.
  std::uint64_t deliveries = 0;
  std::uint64_t failed = 0;  // deliveries that ended in a retry or gave up
  std::uint64_t lease_expired = 0;
  std::uint64_t workers = 0;
  double busy_share = 0;  // of the workers' time
  std::chrono::microseconds handling_p50{0};
  std::chrono::microseconds handling_p99{0};
  std::chrono::nanoseconds wall{0};
  std::uint64_t seed = 0;
  // Its end.
  bool interrupted = false;
  bool input_ended = false;
  std::uint64_t left = 0;  // read and not finished
  std::uint64_t left_ready = 0;
  std::uint64_t left_blocked = 0;
  std::uint64_t left_delayed = 0;
  std::uint64_t first_left = 0;    // number; 0: none
  std::uint64_t first_unread = 0;  // number
  bool journal = false;            // going on needs nothing but the same command
  bool ordered = false;            // keys keep their order: resuming keeps it too
  std::string failure;             // why the run could not go on
  HandlerSummary handler;
  std::string handler_name;

  std::uint64_t dead() const {
    return dead_rejected + dead_attempts + refused_long + refused_unkeyed;
  }
  bool work_left() const { return left > 0 || !input_ended; }
  // Where to go on after an interruption: everything before it is finished.
  std::uint64_t resume_from() const { return first_left != 0 ? first_left : first_unread; }
  ExitStatus status() const;
  double per_second() const;
};

// One sentence: how the run ended.
std::string report_headline(const Report& report);
// Several lines, each with an end.
std::string report_table(const Report& report);
// One object; docs/run.md describes its members.
std::string report_json(const Report& report);

}  // namespace laneway::tools

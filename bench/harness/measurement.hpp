// Measurement: what one run found.
#pragma once

#include "bench/harness/histogram.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace laneway::bench {

// Its name ends in its unit, where it has one.
struct Figure {
  std::string name;
  double value;
};

struct NamedHistogram {
  std::string name;  // latency, or what else was timed
  Histogram histogram;
};

struct Measurement {
  std::uint64_t messages = 0;       // delivered in the measured part
  double seconds = 0;               // from the open gate to the last delivery
  double cpu_seconds = 0;           // of the process, in the measured part
  std::uint64_t publish_waits = 0;  // times a producer found no room
  std::uint64_t violations = 0;     // of order, exclusivity, integrity or completeness
  std::string first_violation;
  std::vector<Figure> figures;             // whatever else this workload counts
  std::vector<NamedHistogram> histograms;  // of an open loop, or of single calls
};

// User and system time of this process so far.
double cpu_seconds();

// The same of the calling thread alone.
double thread_cpu_seconds();

// The resident size of this process: now, and the largest so far, in bytes.
std::uint64_t resident_bytes();
std::uint64_t resident_bytes_peak();

// For a run that makes no progress any more: says so in the place of a result and ends the process.
[[noreturn]] void give_up(std::uint64_t published, std::uint64_t delivered);

}  // namespace laneway::bench

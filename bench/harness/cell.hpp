// Cell: one system in one workload. The list of all of them is what `laneway_bench list` prints and
// what `laneway_bench run` chooses from.
#pragma once

#include "bench/harness/measurement.hpp"
#include "bench/harness/run_options.hpp"
#include "bench/harness/subject.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace laneway::bench {

enum class Profile { brief, full };  // brief: part of the short profile too

// What the table of a workload shows: one figure that is compared, and those that stand beside it.
struct Headline {
  std::string figure = "rate_M_per_s";
  bool higher_is_better = true;
  std::vector<std::string> beside = {"ns_per_message", "cpu_s_per_million"};
};

struct Cell {
  std::string group;     // handoff, cycle, latency, ...
  std::string id;        // stable: H1, H3, Q1, Q3
  std::string workload;  // spelled out: one_to_one_batch_32
  std::string subject;   // laneway or a peer
  std::string package;   // where the subject's version is found; empty: this repository
  Shape shape;
  std::uint32_t payload = 64;
  Guarantees guarantees{};
  std::string lacks;  // why it cannot run here; empty: it can
  Profile profile = Profile::brief;
  Headline headline = {};
  double seconds_factor = 1;  // of the length of a measured run: some need longer than others
  std::function<Measurement(const RunOptions&)> run;
};

using Cells = std::vector<Cell>;

// Every cell of the program, in the order of the report; each program has its own.
Cells all_cells();

// Peers that were not found when this was built.
std::vector<std::string> peers_missing();

// What the harness itself costs a message on one thread: drawing a key, writing the element,
// reading and verifying it, with no queue in between.
double harness_cost_ns();

}  // namespace laneway::bench

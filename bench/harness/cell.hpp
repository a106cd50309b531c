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

struct Cell {
  std::string group;     // handoff, cycle
  std::string id;        // stable: H1, H3, Q1, Q3
  std::string workload;  // spelled out: one_to_one_batch_32
  std::string subject;   // laneway or a peer
  std::string package;   // where the subject's version is found; empty: this repository
  Shape shape;
  std::uint32_t payload = 64;
  Guarantees guarantees{};
  std::string lacks;  // why it cannot run here; empty: it can
  std::function<Measurement(const RunOptions&)> run;
};

using Cells = std::vector<Cell>;

// One workload family per function, in the order of the report.
void add_handoff_cells(Cells& cells);
void add_cycle_cells(Cells& cells);

// Peers that were not found when this was built.
std::vector<std::string> peers_missing();

// What the harness itself costs a message on one thread: drawing a key, writing the element,
// reading and verifying it, with no queue in between.
double harness_cost_ns();

}  // namespace laneway::bench

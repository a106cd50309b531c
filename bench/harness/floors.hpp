// Floors: what the machine itself takes, measured beside every run.
#pragma once

#include "bench/harness/placement.hpp"

namespace laneway::bench {

// One line, one way, between the cores of the first two threads of a run, by ping-pong of plain
// stores; in ns, the shortest of several rounds. On a virtual machine it may differ from one minute
// to the next: the cores move about. 0 when the threads are not placed, or there is one core only.
double line_transfer_ns(Placement placement);

}  // namespace laneway::bench

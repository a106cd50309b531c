// Floors: what the machine itself takes.
#pragma once

#include "bench/harness/histogram.hpp"
#include "bench/harness/placement.hpp"

#include <chrono>

namespace laneway::bench {

// One line, one way, between the cores of the first two threads of a run, by ping-pong of plain
// stores; in ns, the shortest of several rounds. On a virtual machine it may differ from one minute
// to the next: the cores move about. 0 when the threads are not placed, or there is one core only.
double line_transfer_ns(Placement placement);

// Times for which a thread that does nothing but read the clock did not get to run, or read it
// slowly: gaps between two readings, from 1 us on. All cores at once, for so long.
void idle_spinners(std::chrono::milliseconds length, Histogram* gaps);

// From waking a thread that sleeps on the other core until it runs.
void thread_wakes(int times, Histogram* delays);

// One reading of the clock that all timings here are made with.
double clock_reading_ns();

}  // namespace laneway::bench

// The workload families of laneway_bench, one function and one file each.
#pragma once

#include "bench/harness/cell.hpp"

namespace laneway::bench {

void add_stall_check(Cells& cells);
void add_handoff_cells(Cells& cells);
void add_cycle_cells(Cells& cells);
void add_server_cells(Cells& cells);
void add_latency_cells(Cells& cells);
void add_stuck_cells(Cells& cells);
void add_timer_cells(Cells& cells);
void add_redelivery_cells(Cells& cells);
void add_oversubscribed_cells(Cells& cells);
void add_scaling_cells(Cells& cells);
void add_journal_cells(Cells& cells);

}  // namespace laneway::bench

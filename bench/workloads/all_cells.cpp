#include "bench/workloads/workloads.hpp"

namespace laneway::bench {

Cells all_cells() {
  Cells cells;
  add_stall_check(cells);
  add_handoff_cells(cells);
  add_cycle_cells(cells);
  add_server_cells(cells);
  add_latency_cells(cells);
  add_stuck_cells(cells);
  add_timer_cells(cells);
  add_redelivery_cells(cells);
  add_oversubscribed_cells(cells);
  add_scaling_cells(cells);
  add_journal_cells(cells);
  return cells;
}

}  // namespace laneway::bench

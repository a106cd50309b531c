// check(): judges a history by the invariants S1 to S15. O(n log n) in time, and about four times
// the history in memory. The report refers to the history's events.
#pragma once

#include "tools/check/event.hpp"
#include "tools/check/report.hpp"

namespace laneway::check {

Report check(const History& history);

}  // namespace laneway::check

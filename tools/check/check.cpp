#include "tools/check/check.hpp"

#include "tools/check/rules.hpp"

#include <algorithm>

namespace laneway::check {

Report check(const History& history) {
  Report report;
  report.events = history.events.size();
  std::uint64_t first = kNever;
  std::uint64_t last = 0;
  for (const Event& event : history.events) {
    first = std::min(first, event.invoke);
    last = std::max(last, event.returned);
  }
  report.span = report.events == 0 ? 0 : last - first;
  const Lives lives(history);
  judge_messages(lives, &report);
  judge_leases(lives, &report);
  judge_keys(lives, &report);
  judge_room(lives, &report);
  judge_waiting(lives, &report);
  return report;
}

}  // namespace laneway::check

// The fifteen invariants, each told in docs/testing.md. Every rule says only what must be so in
// every execution that fits the history: stamps of calls that overlap decide nothing.
#pragma once

#include "tools/check/lives.hpp"
#include "tools/check/report.hpp"

namespace laneway::check {

void judge_messages(const Lives& lives, Report* report);  // S1 S2 S4 S6 S13
void judge_leases(const Lives& lives, Report* report);    // S3 S5 S10
void judge_keys(const Lives& lives, Report* report);      // S7 S8 S9 S10
void judge_room(const Lives& lives, Report* report);      // S11 S14
void judge_waiting(const Lives& lives, Report* report);   // S12 S15

}  // namespace laneway::check

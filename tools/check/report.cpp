#include "tools/check/report.hpp"

#include <algorithm>
#include <utility>

namespace laneway::check {

void Report::blame(unsigned invariant,
                   std::string text,
                   std::initializer_list<const Event*> shown) {
  ++broken;
  ++broken_by[invariant];
  if (violations.size() == kViolationsMax) {
    return;
  }
  Violation violation{invariant, std::move(text), {}};
  for (const Event* event : shown) {
    const auto& kept = violation.events;
    if (event != nullptr && std::find(kept.begin(), kept.end(), event) == kept.end()) {
      violation.events.push_back(event);
    }
  }
  std::sort(violation.events.begin(), violation.events.end(),
            [](const Event* a, const Event* b) { return a->invoke < b->invoke; });
  violations.push_back(std::move(violation));
}

const char* invariant_name(unsigned invariant) {
  static constexpr const char* kNames[kInvariants + 1] = {"",
                                                          "S1 no invention",
                                                          "S2 no loss",
                                                          "S3 one winner",
                                                          "S4 counted deliveries",
                                                          "S5 disjoint leases",
                                                          "S6 never early",
                                                          "S7 key order",
                                                          "S8 key exclusivity",
                                                          "S9 hold",
                                                          "S10 fencing",
                                                          "S11 conservation",
                                                          "S12 honest empty",
                                                          "S13 dead letters",
                                                          "S14 capacity",
                                                          "S15 liveness"};
  return kNames[invariant <= kInvariants ? invariant : 0];
}

}  // namespace laneway::check

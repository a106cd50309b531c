// Report: what the judge found.
#pragma once

#include "tools/check/event.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace laneway::check {

inline constexpr unsigned kInvariants = 15;

struct Violation {
  unsigned invariant = 0;  // 7 for S7
  std::string text;
  std::vector<const Event*> events;  // that show it, in the order of their calls
};

struct Report {
  static constexpr std::size_t kViolationsMax = 100;

  std::uint64_t events = 0;
  std::uint64_t span = 0;                                  // of stamps
  std::array<std::uint64_t, kInvariants + 1> judged{};     // how often each was put to the test
  std::array<std::uint64_t, kInvariants + 1> broken_by{};  // violations of each
  std::uint64_t broken = 0;                                // of all, of which some are kept
  std::vector<Violation> violations;

  bool holds() const { return broken == 0; }
  void judge(unsigned invariant) { ++judged[invariant]; }
  void blame(unsigned invariant, std::string text, std::initializer_list<const Event*> shown);
};

// "S7 key order".
const char* invariant_name(unsigned invariant);

}  // namespace laneway::check

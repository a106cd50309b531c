// Tally: what happened in simulated lives, so that a gate can ask for enough of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace laneway::simulation {

enum class Tally : std::uint8_t {
  journaled,  // runs
  lives,
  closed,
  killed,
  power_cut,
  cut_in_recovery,
  torn,       // journals that were found so
  recovered,  // messages
  failed_call,
  failed_sync,
  short_write,
  dead_disk,
  full_disk,
  past_leases,  // settled in a later life
  all,
};

struct TallyRule {
  std::string_view name;
  std::uint64_t floor;  // in the gate
};
inline constexpr std::array<TallyRule, static_cast<std::size_t>(Tally::all)> kTallyRules = {{
    {"journaled runs", 5'000},
    {"lives", 10'000},
    {"closed", 2'000},
    {"killed", 2'000},
    {"power cuts", 2'000},
    {"cuts in recovery", 800},
    {"torn", 1},
    {"messages recovered", 50'000},
    {"failed calls", 150},
    {"failed syncs", 150},
    {"short writes", 150},
    {"dead disks", 150},
    {"full disks", 250},
    {"leases of past lives", 800},
}};

struct Tallies {
  std::array<std::uint64_t, static_cast<std::size_t>(Tally::all)> of{};

  void count(Tally what, std::uint64_t times = 1) { of[static_cast<std::size_t>(what)] += times; }
  void add(const Tallies& other) {
    for (std::size_t i = 0; i < of.size(); ++i) {
      of[i] += other.of[i];
    }
  }
};

}  // namespace laneway::simulation

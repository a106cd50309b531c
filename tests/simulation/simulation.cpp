// The whole engine on one thread: rings, cores, driver, worker pool. Each seed draws who works with
// it and how, and how the scheduler interleaves them; the history is judged by S1 to S15. A seed
// replays exactly.
//
//   simulation [--seeds N] [--from SEED] [--operations N]             two processes, half each
//   simulation --long                                                 as --seeds 1000000
//   simulation --probe N                                              does one of N seeds break?
//   simulation --seed SEED [--operations N] [--keep LIST] [--trace]   one run; 1 when it is broken
//
// A broken run is tried again with fewer operations, each time in a process of its own, as long as
// the same invariant breaks; what is left is printed with the command that replays it.
#include "tests/simulation/regressions.hpp"
#include "tests/simulation/world.hpp"
#include "tools/check/check.hpp"
#include "tools/check/history_text.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace laneway::simulation {
namespace {

constexpr std::uint64_t kSeedsFloor = 20'000;
constexpr std::uint64_t kSeedsLong = 1'000'000;
constexpr std::uint64_t kOperationsFloor = 500;
constexpr std::uint64_t kProcesses = 2;

struct Settings {
  std::uint64_t seeds = kSeedsFloor;
  std::uint64_t from = 1;
  std::uint64_t operations = kOperationsFloor;
  bool one_seed = false;
  bool probe = false;
  bool trace = false;
  std::string keep;
};

// "3,17,40-45" as places; all when it is empty.
std::vector<bool> places_of(const std::string& list, std::size_t count) {
  std::vector<bool> kept;
  if (list.empty()) {
    return kept;
  }
  kept.resize(count);
  for (const char* at = list.c_str(); *at != '\0';) {
    char* end = nullptr;
    const std::uint64_t first = std::strtoull(at, &end, 10);
    std::uint64_t last = first;
    if (*end == '-') {
      last = std::strtoull(end + 1, &end, 10);
    }
    for (std::uint64_t place = first; place <= last && place < count; ++place) {
      kept[place] = true;
    }
    at = *end == ',' ? end + 1 : end + std::string_view(end).size();
  }
  return kept;
}

std::string list_of(const std::vector<bool>& kept) {
  std::string list;
  for (std::size_t first = 0; first < kept.size(); ++first) {
    if (!kept[first]) {
      continue;
    }
    std::size_t last = first;
    while (last + 1 < kept.size() && kept[last + 1]) {
      ++last;
    }
    list += (list.empty() ? "" : ",") + std::to_string(first);
    list += last == first ? "" : "-" + std::to_string(last);
    first = last;
  }
  return list.empty() ? std::to_string(kept.size()) : list;
}

struct Verdict {
  std::string broken;  // "S7 key order: ...", or empty
  std::uint64_t operations = 0;
  std::uint64_t switches = 0;
  Tallies tallies;
  check::Report report;
};

void print_violations(const check::Report& report) {
  constexpr std::size_t kShown = 3;
  for (std::size_t i = 0; i < std::min(kShown, report.violations.size()); ++i) {
    const check::Violation& violation = report.violations[i];
    std::printf("%s: %s\n", check::invariant_name(violation.invariant), violation.text.c_str());
    for (const check::Event* event : violation.events) {
      std::printf("  %s", check::event_line(*event).c_str());
    }
  }
}

// All lives; of several that are broken the first.
check::Report judge(const std::vector<check::History>& histories) {
  check::Report told;
  for (const check::History& history : histories) {
    check::Report report = check::check(history);
    report.events += told.events;
    for (unsigned i = 1; i <= check::kInvariants; ++i) {
      report.judged[i] += told.judged[i];
    }
    told = std::move(report);
    if (!told.holds()) {
      break;
    }
  }
  return told;
}

Verdict run_plan(const Plan& plan, const std::vector<bool>& kept, bool trace, bool print) {
  Verdict verdict;
  auto world = std::make_unique<World>(plan, kept, trace);
  std::vector<check::History> histories;
  try {
    world->run();
    histories = world->histories();
    verdict.report = judge(histories);
    if (!verdict.report.holds()) {
      const check::Violation& first = verdict.report.violations.front();
      verdict.broken = std::string(check::invariant_name(first.invariant)) + ": " + first.text;
      if (print) {
        print_violations(verdict.report);
      }
    }
  } catch (const Broken& broken) {
    verdict.broken = broken.what();
  }
  verdict.operations = world->operations_done();
  verdict.switches = world->switches();
  verdict.tallies = world->tallies();
  if (!verdict.broken.empty()) {
    // Its fibers stand where they stood: what they hold cannot be taken down.
    (void)world.release();
    engine::simulated::turns = {};
  }
  return verdict;
}

// --- shrinking --------------------------------------------------------------------------------

// What broke, up to the colon: "S7 key order". A run that ends by a signal broke that way.
std::string outcome_in_own_process(const Plan& plan, const std::vector<bool>& kept) {
  int ends[2];
  if (pipe(ends) != 0) {
    std::abort();
  }
  const pid_t child = fork();
  if (child == 0) {
    constexpr unsigned kSecondsMax = 20;
    alarm(kSecondsMax);
    (void)!freopen("/dev/null", "w", stderr);
    const std::string broken = run_plan(plan, kept, false, false).broken;
    (void)!write(ends[1], broken.data(), broken.size());
    _exit(0);
  }
  close(ends[1]);
  std::string broken;
  char buffer[256];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    broken.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    return "signal " + std::to_string(WTERMSIG(status));
  }
  if (WEXITSTATUS(status) != 0) {
    return "exit " + std::to_string(WEXITSTATUS(status));
  }
  return broken.substr(0, broken.find(':'));
}

// Leaves out halves, quarters, and so on, as long as the same thing breaks (delta debugging).
std::vector<bool> shrink(const Plan& plan, std::vector<bool> kept, const std::string& outcome) {
  constexpr int kRunsMax = 1'500;
  constexpr std::time_t kSecondsMax = 60;
  const std::time_t end = std::time(nullptr) + kSecondsMax;
  int runs = 0;
  for (std::size_t chunk = kept.size() / 2; chunk > 0; chunk /= 2) {
    for (bool smaller = true; smaller;) {
      smaller = false;
      for (std::size_t from = 0; from < kept.size() && runs < kRunsMax; from += chunk) {
        if (std::time(nullptr) > end) {
          return kept;
        }
        std::vector<bool> fewer = kept;
        std::fill_n(fewer.begin() + static_cast<std::ptrdiff_t>(from),
                    std::min(chunk, kept.size() - from), false);
        if (fewer != kept && (++runs, outcome_in_own_process(plan, fewer) == outcome)) {
          kept = fewer;
          smaller = chunk == 1;
        }
      }
    }
  }
  return kept;
}

int report_broken(const Plan& plan) {
  const std::vector<bool> all(plan.operations.size(), true);
  const std::string outcome = outcome_in_own_process(plan, all);
  std::printf("simulation: seed %llu broke: %s\n", static_cast<unsigned long long>(plan.seed),
              outcome.c_str());
  std::fflush(stdout);
  const std::vector<bool> kept = shrink(plan, all, outcome);
  std::printf(
      "%lld of %zu operations are enough:\n  simulation --seed %llu --operations %zu --keep %s "
      "--trace\n",
      static_cast<long long>(std::count(kept.begin(), kept.end(), true)), kept.size(),
      static_cast<unsigned long long>(plan.seed), kept.size(), list_of(kept).c_str());
  std::fflush(stdout);
  std::printf("%s\n", run_plan(plan, kept, false, true).broken.c_str());
  return 1;
}

// --- many seeds -------------------------------------------------------------------------------

// As the other counted tests print it: 20 000.
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) {
    digits.insert(at - 3, " ");
  }
  return digits;
}

int run_one(const Settings& settings) {
  const Plan plan(settings.from, settings.operations);
  const std::vector<bool> kept = places_of(settings.keep, plan.operations.size());
  const Verdict verdict = run_plan(plan, kept, settings.trace, true);
  std::printf("simulation: seed %llu, %llu operations, %llu switches, %llu events: %s\n",
              static_cast<unsigned long long>(plan.seed),
              static_cast<unsigned long long>(verdict.operations),
              static_cast<unsigned long long>(verdict.switches),
              static_cast<unsigned long long>(verdict.report.events),
              verdict.broken.empty() ? "holds" : verdict.broken.c_str());
  return verdict.broken.empty() ? 0 : 1;
}

// What a process has to tell, in memory that it shares with the one that waits for it.
struct Part {
  std::uint64_t seed = 0;  // the one that runs; when the process is over, one that broke, or 0
  std::uint64_t events = 0;
  std::uint64_t switches = 0;
  Tallies tallies;
  std::array<std::uint64_t, check::kInvariants + 1> judged{};

  void add(std::uint64_t more_events,
           std::uint64_t more_switches,
           const Tallies& more_tallies,
           const auto& more_judged) {
    events += more_events;
    switches += more_switches;
    tallies.add(more_tallies);
    for (unsigned i = 1; i <= check::kInvariants; ++i) {
      judged[i] += more_judged[i];
    }
  }
};

void run_part(const Settings& settings, std::uint64_t number, Part* part) {
  const std::uint64_t end = settings.from + settings.seeds;
  for (std::uint64_t seed = settings.from + number; seed < end; seed += kProcesses) {
    part->seed = seed;
    const Plan plan(seed, settings.operations);
    const Verdict verdict = run_plan(plan, {}, false, false);
    if (!verdict.broken.empty()) {
      std::printf("simulation: seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  verdict.broken.c_str());
      std::fflush(stdout);
      return;
    }
    part->add(verdict.report.events, verdict.switches, verdict.tallies, verdict.report.judged);
  }
  part->seed = 0;
}

// Every so many-th seed in each of the processes, so that the one that breaks first is soon found.
std::span<const Part> run_parts(const Settings& settings) {
  void* const shared = mmap(nullptr, kProcesses * sizeof(Part), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::abort();
  }
  const std::span parts(new (shared) Part[kProcesses], kProcesses);
  std::fflush(stdout);
  for (std::uint64_t number = 0; number < kProcesses; ++number) {
    if (fork() == 0) {
      run_part(settings, number, &parts[number]);
      _exit(0);
    }
  }
  while (wait(nullptr) > 0) {
  }
  return parts;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  return static_cast<double>(used.ru_utime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec) / 1e6;
}

// For who has broken the engine and asks whether it is noticed: nothing is counted or shrunk.
int probe(const Settings& settings) {
  const std::span<const Part> parts = run_parts(settings);
  return std::any_of(parts.begin(), parts.end(), [](const Part& part) { return part.seed != 0; });
}

int run_many(const Settings& settings) {
  try {
    std::printf("regressions: %llu run\n", static_cast<unsigned long long>(run_regressions()));
  } catch (const Broken& broken) {
    std::printf("simulation: a regression: %s\n", broken.what());
    return 1;
  }
  Part sum;
  std::uint64_t broken = ~std::uint64_t{0};
  for (const Part& part : run_parts(settings)) {
    sum.add(part.events, part.switches, part.tallies, part.judged);
    broken = part.seed != 0 ? std::min(broken, part.seed) : broken;
  }
  if (broken != ~std::uint64_t{0}) {
    return report_broken(Plan(broken, settings.operations));
  }
  std::printf("judged:");
  bool enough = settings.seeds >= kSeedsFloor && settings.operations >= kOperationsFloor;
  for (unsigned i = 1; i <= check::kInvariants; ++i) {
    std::printf(" S%u %s%s", i, grouped(sum.judged[i]).c_str(),
                i == check::kInvariants ? "\n" : ",");
    enough = enough && sum.judged[i] != 0;
  }
  std::printf("restarts:");
  for (std::size_t i = 0; i < kTallyRules.size(); ++i) {
    const auto& [name, floor] = kTallyRules[i];
    std::printf(" %s %.*s%s", grouped(sum.tallies.of[i]).c_str(), static_cast<int>(name.size()),
                name.data(), i + 1 == kTallyRules.size() ? "\n" : ",");
    enough = enough && sum.tallies.of[i] >= floor;
  }
  std::printf(
      "simulation: %s seeds x %llu operations, %s events, %s switches in %.1f s (floor %s) seed "
      "%llu %s\n",
      grouped(settings.seeds).c_str(), static_cast<unsigned long long>(settings.operations),
      grouped(sum.events).c_str(), grouped(sum.switches).c_str(), cpu_seconds(),
      grouped(kSeedsFloor).c_str(), static_cast<unsigned long long>(settings.from),
      enough ? "ok" : "TOO FEW");
  return enough ? 0 : 1;
}

Settings parse(int count, char** values) {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--trace") {
      settings.trace = true;
      continue;
    }
    if (name == "--long") {
      settings.seeds = kSeedsLong;
      continue;
    }
    const char* const value = i + 1 < count ? values[++i] : "";
    const std::uint64_t number = std::strtoull(value, nullptr, 10);
    if (name == "--seeds") {
      settings.seeds = number;
    } else if (name == "--probe") {
      settings.seeds = number;
      settings.probe = true;
    } else if (name == "--from") {
      settings.from = number;
    } else if (name == "--operations") {
      settings.operations = number;
    } else if (name == "--keep") {
      settings.keep = value;
    } else if (name == "--seed") {
      settings.from = number;
      settings.one_seed = true;
    } else {
      std::fprintf(stderr, "what is %s? See the top of simulation.cpp\n", values[i]);
      std::exit(2);
    }
  }
  return settings;
}

}  // namespace
}  // namespace laneway::simulation

int main(int count, char** values) {
  using namespace laneway::simulation;
  const Settings settings = parse(count, values);
  if (settings.one_seed) {
    return run_one(settings);
  }
  return settings.probe ? probe(settings) : run_many(settings);
}

// Runs scenarios under Relacy: first as they are, then with one memory order after the other
// weakened.
//
//   model_<thing> [--search random|bound|full] [--schedules N] [--seed N] [--weaken all|none]
//                 [--unit NAME]
//
// Without options: each unit as it is sized below, then all weaker orders.
//
// A unit is a scenario with the search that suits its size: all schedules of a small one, random
// ones of a larger one; the options override it. Each unit prints one line and fails below its
// floor. A schedule of a random search is named by its number: --seed N --schedules 1 replays it,
// and a failure prints its trace. A weaker order is killed when any unit fails with it; one that
// survives all of them fails the program. A broken unit is a scenario that leaves out a step of the
// protocol: it must fail. A subject that promises a number of schedules fails below it.
#pragma once

#include "engine/base/atomic.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <iostream>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::engine::model {

template <class Scenario>
struct Suite : rl::test_suite<Suite<Scenario>, static_cast<rl::thread_id_t>(Scenario::kThreads)> {
  Scenario scenario;
  void thread(unsigned index) { scenario.run(index); }
  void after() { scenario.after(); }
};

// Runs a search to its end or to the first failure, whose state it writes down for a replay.
using SearchRun = rl::test_result_e (*)(rl::test_params& params, std::ostream& state);

template <class Scenario, template <rl::thread_id_t> class Scheduler>
rl::test_result_e search_run(rl::test_params& params, std::ostream& state) {
  using Test = Suite<Scenario>;
  return rl::run_test<Test, Scheduler<Test::params::thread_count>>(params, state, false);
}

enum class Search : std::uint8_t { random, bound, full };

// Only the searches that a unit has use for are compiled: each takes the compiler a second.
struct Unit {
  const char* name;
  Search search;
  SearchRun random;
  SearchRun bound = nullptr;
  SearchRun full = nullptr;
  std::uint64_t schedules = 300'000;  // of a random search; the others end by themselves
  std::uint64_t floor = 300'000;
  bool broken = false;

  SearchRun run(Search kind) const {
    return kind == Search::random ? random : kind == Search::bound ? bound : full;
  }
};

template <class Scenario>
Unit random_search(const char* name, std::uint64_t schedules = 300'000) {
  Unit unit{name, Search::random, search_run<Scenario, rl::random_scheduler>};
  unit.schedules = unit.floor = schedules;
  return unit;
}

// All schedules with at most two switches away from a thread that could go on.
template <class Scenario>
Unit bound_search(const char* name, std::uint64_t floor) {
  Unit unit{name, Search::bound, search_run<Scenario, rl::random_scheduler>};
  unit.bound = search_run<Scenario, rl::context_bound_scheduler>;
  unit.floor = floor;
  return unit;
}

template <class Scenario>
Unit full_search(const char* name, std::uint64_t floor) {
  Unit unit{name, Search::full, search_run<Scenario, rl::random_scheduler>};
  unit.full = search_run<Scenario, rl::full_search_scheduler>;
  unit.floor = floor;
  return unit;
}

template <class Scenario>
Unit broken(const char* name) {
  Unit unit{name, Search::random, search_run<Scenario, rl::random_scheduler>};
  unit.broken = true;
  return unit;
}

// A stream that takes everything and keeps nothing; it never allocates, which a run would notice.
class Silence : public std::streambuf {
  int overflow(int character) override { return character; }
};

class Runner {
 public:
  // `judged` is the end of the name of the file whose orders this program weakens; null: none, as
  // the orders are weakened by the models of the parts.
  Runner(const char* thing, const char* judged, std::initializer_list<Unit> units)
      : thing_(thing), judged_(judged), units_(units) {}

  // Fails below so many schedules of random and context-bounded units together.
  Runner& at_least(std::uint64_t schedules) {
    floor_ = schedules;
    return *this;
  }

  int main(int argc, char** argv) {
    weaken_all_ = argc == 1;
    if (!parse(argc, argv)) {
      std::printf(
          "usage: %s [--search random|bound|full] [--schedules N] [--seed N] "
          "[--weaken all|none] [--unit NAME]\n",
          argv[0]);
      return 2;
    }
    bool ok = !units_.empty();
    for (const Unit& unit : units_) {
      ok = (unit.broken ? check_broken(unit) : check(unit)) && ok;
    }
    if (ok && weaken_all_) {
      ok = enough_in_all();
      ok = (judged_ == nullptr || weaken_each()) && ok;
    }
    return ok ? 0 : 1;
  }

 private:
  struct Outcome {
    rl::test_result_e result;
    std::uint64_t schedules;
    std::string state;  // of the failure
    bool ok() const { return result == rl::test_result_success; }
  };

  bool parse(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
      const std::string_view name = argv[i];
      const std::string value = argv[i + 1];
      if (name == "--search" && (value == "random" || value == "bound" || value == "full")) {
        for (Unit& unit : units_) {
          unit.search = value == "full"    ? Search::full
                        : value == "bound" ? Search::bound
                                           : Search::random;
          unit.floor = 1;
        }
      } else if (name == "--schedules") {
        for (Unit& unit : units_) {
          unit.schedules = std::stoull(value);
          unit.floor = unit.search == Search::random ? unit.schedules : unit.floor;
        }
      } else if (name == "--seed") {
        seed_ = std::stoull(value, nullptr, 0);
      } else if (name == "--weaken" && (value == "all" || value == "none")) {
        weaken_all_ = value == "all";
      } else if (name == "--unit") {
        std::erase_if(units_, [&](const Unit& unit) { return unit.name != value; });
      } else {
        return false;
      }
    }
    return argc % 2 == 1;
  }

  rl::test_params params_of(Search search, std::uint64_t schedules) {
    rl::test_params params;
    params.output_stream = &silent_;
    params.progress_stream = &silent_;
    params.execution_depth_limit = 5000;
    params.search_type = search == Search::full    ? rl::sched_full
                         : search == Search::bound ? rl::sched_bound
                                                   : rl::sched_random;
    params.context_bound = 2;
    if (search == Search::random) {
      params.initial_state = std::to_string(seed_).c_str();
      params.iteration_count = seed_ + schedules - 1;
    }
    return params;
  }

  Outcome run(const Unit& unit, Search search, std::uint64_t schedules) {
    rl::test_params params = params_of(search, schedules);
    rl::ostringstream state;
    Outcome outcome{};
    outcome.result = unit.run(search)(params, state);
    outcome.schedules = params.stop_iteration - (search == Search::random ? seed_ - 1 : 0);
    outcome.state = state.str().c_str();
    return outcome;
  }

  void print_trace(const Unit& unit, const Outcome& failure) {
    rl::test_params params = params_of(unit.search, unit.schedules);
    params.initial_state = failure.state.c_str();
    params.collect_history = true;
    params.output_stream = &std::cout;
    rl::ostringstream state;
    unit.run(unit.search)(params, state);
  }

  bool check(const Unit& unit) {
    if (unit.run(unit.search) == nullptr) {
      std::printf("%s: not compiled for this search, skipped\n", name_of(unit).c_str());
      return true;
    }
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = run(unit, unit.search, unit.schedules);
    const bool enough = outcome.schedules >= unit.floor;
    schedules_ += unit.search == Search::full ? 0 : outcome.schedules;
    const bool complete = outcome.ok() && unit.search != Search::random;
    std::printf("%s: %s schedules%s in %.1f s (floor %s) seed 0x%llx %s\n", name_of(unit).c_str(),
                grouped(outcome.schedules).c_str(), complete ? ", all there are," : "",
                seconds_since(start), grouped(unit.floor).c_str(),
                static_cast<unsigned long long>(seed_),
                !outcome.ok() ? "FAILED"
                : enough      ? "ok"
                              : "TOO FEW");
    std::fflush(stdout);
    if (!outcome.ok()) {
      print_trace(unit, outcome);
    }
    return outcome.ok() && enough;
  }

  bool enough_in_all() const {
    const bool enough = schedules_ >= floor_;
    if (floor_ != 0) {
      std::printf("%s: %s random and context-bounded schedules (floor %s) seed 0x%llx %s\n", thing_,
                  grouped(schedules_).c_str(), grouped(floor_).c_str(),
                  static_cast<unsigned long long>(seed_), enough ? "ok" : "TOO FEW");
    }
    return enough;
  }

  bool check_broken(const Unit& unit) {
    const Outcome outcome = run(unit, Search::random, unit.schedules);
    std::printf("%s, broken on purpose: %s at schedule %s (floor: found out) seed 0x%llx %s\n",
                name_of(unit).c_str(), rl::test_result_str(outcome.result),
                grouped(outcome.schedules).c_str(), static_cast<unsigned long long>(seed_),
                outcome.ok() ? "FAILED" : "ok");
    return !outcome.ok();
  }

  // --- weaker orders ---------------------------------------------------------------------------

  static std::vector<std::memory_order> weaker(const OrderSite& site) {
    const bool update =
        site.operation == Operation::update || site.operation == Operation::compare_exchange;
    switch (site.order) {
      case std::memory_order_seq_cst:
        return {update                               ? std::memory_order_acq_rel
                : site.operation == Operation::store ? std::memory_order_release
                                                     : std::memory_order_acquire};
      case std::memory_order_acq_rel:
        return {std::memory_order_acquire, std::memory_order_release};
      default:
        return {std::memory_order_relaxed};
    }
  }

  bool weaken_each() {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<OrderSite> sites(orders.sites().begin(), orders.sites().end());
    unsigned killed = 0;
    unsigned all = 0;
    for (const OrderSite& site : sites) {
      if (!std::string_view(site.file).ends_with(judged_)) {
        continue;
      }
      for (const std::memory_order order : weaker(site)) {
        ++all;
        orders.weaken(site, order);
        killed += kill(site, order) ? 1 : 0;
      }
    }
    orders.weaken_none();
    const bool ok = killed == all && all != 0;
    std::printf("%s: %u of %u weaker orders killed in %.1f s (floor: all) seed 0x%llx %s\n", thing_,
                killed, all, seconds_since(start), static_cast<unsigned long long>(seed_),
                ok ? "ok" : "FAILED");
    return ok;
  }

  bool kill(const OrderSite& site, std::memory_order order) {
    std::printf("  %s:%u %s %s -> %s: ", judged_, site.line, name(site.operation), name(site.order),
                name(order));
    // Briefly with each unit, then at length: most orders are missed at once by the right one.
    for (const std::uint64_t schedules : {kSchedulesAtFirst, kSchedulesPerMutant}) {
      for (const Unit& unit : units_) {
        if (unit.broken) {
          continue;
        }
        const Outcome outcome = run(unit, Search::random, schedules);
        if (!outcome.ok()) {
          std::printf("killed at schedule %s of %s, %s\n", grouped(outcome.schedules).c_str(),
                      name_of(unit).c_str(), rl::test_result_str(outcome.result));
          std::fflush(stdout);
          return true;
        }
      }
    }
    std::printf("SURVIVED\n");
    std::fflush(stdout);
    return false;
  }

  // --- words -----------------------------------------------------------------------------------

  std::string name_of(const Unit& unit) const {
    return *unit.name == '\0' ? thing_ : std::string(thing_) + "/" + unit.name;
  }

  static const char* name(std::memory_order order) {
    constexpr const char* kNames[] = {"relaxed", "consume", "acquire",
                                      "release", "acq_rel", "seq_cst"};
    return kNames[static_cast<int>(order)];
  }
  static const char* name(Operation operation) {
    constexpr const char* kNames[] = {"load", "store", "update", "compare_exchange",
                                      "failed compare_exchange"};
    return kNames[static_cast<int>(operation)];
  }

  static std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) {
      digits.insert(at - 3, 1, ' ');
    }
    return digits;
  }

  static double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  static constexpr std::uint64_t kSchedulesAtFirst = 3'000;
  static constexpr std::uint64_t kSchedulesPerMutant = 300'000;

  const char* const thing_;
  const char* const judged_;
  std::vector<Unit> units_;
  std::uint64_t seed_ = 0x5eed;
  std::uint64_t floor_ = 0;
  std::uint64_t schedules_ = 0;
  bool weaken_all_ = false;
  Silence silence_;
  std::ostream silent_{&silence_};
};

}  // namespace laneway::engine::model

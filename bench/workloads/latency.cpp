// L2: latency in an open loop, at fixed rates and at shares of each system's own peak, for each way
// of waiting. The cycle of laneway stands beside the hand-made lease queue, its hand-off beside
// queues that only move.
#include "bench/harness/open_loop.hpp"
#include "bench/peers/laneway.hpp"
#include "bench/peers/mutex_ring.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/diy.hpp"
#include "bench/peers/moodycamel.hpp"
#include "bench/peers/moodycamel_blocking.hpp"
#endif
#ifdef BENCH_HAVE_BOOST
#include "bench/peers/boost_lockfree.hpp"
#endif

#include <string>
#include <utility>

namespace laneway::bench {
namespace {

constexpr Shape kSingle{1, 1, 1};

struct Load {
  const char* name;
  double per_second;     // or, when 0:
  double share_of_peak;  // of what the system does in a closed loop with the same calls
};
constexpr std::array<Load, 6> kLoads{{{"10000_per_s", 1e4, 0},
                                      {"100000_per_s", 1e5, 0},
                                      {"1000000_per_s", 1e6, 0},
                                      {"50_percent_of_peak", 0, 0.5},
                                      {"80_percent_of_peak", 0, 0.8},
                                      {"95_percent_of_peak", 0, 0.95}}};

struct Way {
  const char* name;
  Waiting waiting;
};
constexpr Way kSpin{"spin", Waiting::spin};
constexpr Way kHybrid{"hybrid", Waiting::hybrid};
constexpr Way kBlock{"block", Waiting::block};

template <class Subject, class Element>
double rate_of(const Load& load, RunOptions options) {
  if (load.per_second > 0) {
    return load.per_second;
  }
  options.measured = std::min(options.measured, std::chrono::duration<double>(0.15));
  const Measurement peak = run_race<Subject, Element>(kSingle, options);
  return static_cast<double>(peak.messages) / peak.seconds * load.share_of_peak;
}

// `brief` names the loads that the short profile has.
template <class Subject, class Element>
void add(Cells& cells, const Who& who, const Way& way, std::string_view brief) {
  for (const Load& load : kLoads) {
    Cell cell = cell_of<Subject>({"latency", "L2", std::string(way.name) + "_at_" + load.name}, who,
                                 kSingle);
    cell.headline = {
        "p99_us",
        false,
        {"p50_us", "p90_us", "p999_us", "p9999_us", "max_us", "service_p99_us", "send_lag_p99_us",
         "offered_per_s", "achieved_per_s", "consumer_cpu_s_per_million"}};
    cell.profile = brief.find(load.name) != std::string_view::npos ? Profile::brief : Profile::full;
    cell.seconds_factor = 2;
    cell.run = [load, way](const RunOptions& options) {
      const double rate = rate_of<Subject, Element>(load, options);
      Subject subject(kSingle);
      return OpenLoop<Subject, Element>(subject, {}, way.waiting, options).run(rate);
    };
    cells.push_back(std::move(cell));
  }
}

}  // namespace

void add_latency_cells(Cells& cells) {
  using Cycle = LanewayCycle<QueueKind::by_key, Acks::as_received>;
  constexpr auto kEvery =
      "10000_per_s 100000_per_s 1000000_per_s 50_percent_of_peak 80_percent_of_peak "
      "95_percent_of_peak";
  constexpr auto kOne = "100000_per_s";
  add<Cycle, KeyedElement>(cells, {"laneway"}, kSpin, kEvery);
  add<LanewayHandoff, Payload>(cells, {"laneway_handoff"}, kSpin, kOne);
  add<MutexRing<Payload>, Payload>(cells, {"mutex_ring", "libstdc++6"}, kSpin, kOne);
#ifdef BENCH_HAVE_MOODYCAMEL
  add<Diy<16>, KeyedElement>(cells, {"diy16"}, kSpin, "100000_per_s 50_percent_of_peak");
  add<Moodycamel<Payload, MoodycamelUse::plain>, Payload>(
      cells, {"moodycamel", "libconcurrentqueue-dev"}, kSpin, kOne);
#endif
#ifdef BENCH_HAVE_BOOST
  add<BoostSpsc<Payload>, Payload>(cells, {"boost_spsc_queue", "libboost1.74-dev"}, kSpin, kOne);
#endif
  add<Cycle, KeyedElement>(cells, {"laneway"}, kHybrid, kOne);
  add<Cycle, KeyedElement>(cells, {"laneway"}, kBlock, kOne);
  add<LanewayHandoff, Payload>(cells, {"laneway_handoff"}, kBlock, kOne);
#ifdef BENCH_HAVE_MOODYCAMEL
  add<Diy<16>, KeyedElement>(cells, {"diy16"}, kBlock, kOne);
  add<MoodycamelBlocking, Payload>(cells, {"moodycamel_blocking", "libconcurrentqueue-dev"}, kBlock,
                                   kOne);
#endif
}

}  // namespace laneway::bench

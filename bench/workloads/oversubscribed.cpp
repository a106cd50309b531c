// H4, Q5: twice, four and eight times as many threads as cores, bare hand-off and full cycle.
// Queues in which a thread waits for another one that is not running are found out here. The
// rte_ring of the classic mode is left out: it may make no end.
#include "bench/peers/laneway.hpp"
#include "bench/peers/mutex_ring.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/diy.hpp"
#include "bench/peers/moodycamel.hpp"
#endif
#ifdef BENCH_HAVE_TBB
#include "bench/peers/tbb.hpp"
#endif
#ifdef BENCH_HAVE_DPDK
#include "bench/peers/rte_ring.hpp"
#endif

#include <algorithm>
#include <array>
#include <string>

namespace laneway::bench {
namespace {

struct Load {
  const char* name;
  std::uint32_t threads_a_core;
  Profile profile;
};
constexpr std::array<Load, 3> kLoads{{{"two_threads_a_core", 2, Profile::full},
                                      {"four_threads_a_core", 4, Profile::full},
                                      {"eight_threads_a_core", 8, Profile::brief}}};

template <class Subject, class Element>
void add(Cells& cells, const char* id, const std::string& suffix, const Who& who) {
  const auto cores = static_cast<std::uint32_t>(std::max<std::size_t>(1, cores_usable()));
  for (const Load& load : kLoads) {
    const std::uint32_t side = std::max(1u, cores * load.threads_a_core / 2);
    const Shape shape{side, side, 32, {}, 1};
    cells.push_back(
        race_cell<Subject, Element>({"oversubscribed", id, load.name + suffix}, who, shape));
    cells.back().profile = load.profile;
  }
}

}  // namespace

void add_oversubscribed_cells(Cells& cells) {
  add<LanewayHandoff, Payload>(cells, "H4", "_handoff", {"laneway"});
  add<MutexRing<Payload>, Payload>(cells, "H4", "_handoff", {"mutex_ring", "libstdc++6"});
#ifdef BENCH_HAVE_MOODYCAMEL
  add<Moodycamel<Payload, MoodycamelUse::tokens>, Payload>(
      cells, "H4", "_handoff", {"moodycamel_tokens", "libconcurrentqueue-dev"});
#endif
#ifdef BENCH_HAVE_TBB
  add<TbbBounded<Payload>, Payload>(cells, "H4", "_handoff", {"tbb_bounded", "libtbb-dev"});
#endif
#ifdef BENCH_HAVE_DPDK
  add<RteRing<Payload, RteRingMode::relaxed_tail>, Payload>(cells, "H4", "_handoff",
                                                            {"rte_ring_rts", "libdpdk-dev"});
#endif
  add<LanewayCycle<QueueKind::by_key, Acks::as_received>, KeyedElement>(cells, "Q5", "_cycle",
                                                                        {"laneway"});
#ifdef BENCH_HAVE_MOODYCAMEL
  add<Diy<1>, KeyedElement>(cells, "Q5", "_cycle", {"diy1"});
  add<Diy<16>, KeyedElement>(cells, "Q5", "_cycle", {"diy16"});
#endif
}

}  // namespace laneway::bench

// H1, H3: bare hand-off of 64 bytes by value. No keys, no leases: what rings are made for.
#include "bench/workloads/shapes.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/moodycamel.hpp"
#endif
#ifdef BENCH_HAVE_BOOST
#include "bench/peers/boost_lockfree.hpp"
#endif
#ifdef BENCH_HAVE_READERWRITERQUEUE
#include "bench/peers/readerwriterqueue.hpp"
#endif
#ifdef BENCH_HAVE_TBB
#include "bench/peers/tbb.hpp"
#endif
#ifdef BENCH_HAVE_DPDK
#include "bench/peers/rte_ring.hpp"
#endif
#include "bench/peers/laneway.hpp"
#include "bench/peers/mutex_ring.hpp"
#include "bench/workloads/workloads.hpp"

#include <utility>

namespace laneway::bench {
namespace {

enum class Threads { any, one_to_one, as_many_as_cores };
enum class Calls { single_and_bulk, single };

struct Limits {
  Threads threads = Threads::any;
  Calls calls = Calls::single_and_bulk;
};

template <class Subject>
void add(Cells& cells, const char* subject, const char* package, const Limits& limits = {}) {
  for (const Shape& shape : kShapes) {
    const char* id = shape.producers == 1 ? "H1" : "H3";
    Cell cell = race_cell<Subject, Payload>({"handoff", id, workload_name(shape)},
                                            {subject, package}, shape);
    if (limits.threads == Threads::one_to_one && shape.producers + shape.consumers > 2) {
      cell.lacks = "one producer and one consumer only";
    } else if (limits.threads == Threads::as_many_as_cores &&
               shape.producers + shape.consumers > 2) {
      cell.lacks = "may make no end with more threads than cores; that is what RTS is for";
    } else if (limits.calls == Calls::single && shape.batch > 1) {
      cell.lacks = "no bulk calls";
    }
    cells.push_back(std::move(cell));
  }
}

}  // namespace

void add_handoff_cells(Cells& cells) {
  add<LanewayHandoff>(cells, "laneway", "");
#ifdef BENCH_HAVE_MOODYCAMEL
  add<Moodycamel<Payload, MoodycamelUse::plain>>(cells, "moodycamel", "libconcurrentqueue-dev");
  add<Moodycamel<Payload, MoodycamelUse::tokens>>(cells, "moodycamel_tokens",
                                                  "libconcurrentqueue-dev");
#endif
#ifdef BENCH_HAVE_BOOST
  add<BoostQueue<Payload>>(cells, "boost_queue", "libboost1.74-dev", {.calls = Calls::single});
  add<BoostSpsc<Payload>>(cells, "boost_spsc_queue", "libboost1.74-dev",
                          {.threads = Threads::one_to_one});
#endif
#ifdef BENCH_HAVE_READERWRITERQUEUE
  add<ReaderWriterQueue<Payload>>(cells, "readerwriterqueue", "libreaderwriterqueue-dev",
                                  {Threads::one_to_one, Calls::single});
#endif
#ifdef BENCH_HAVE_TBB
  add<TbbBounded<Payload>>(cells, "tbb_bounded", "libtbb-dev", {.calls = Calls::single});
#endif
#ifdef BENCH_HAVE_DPDK
  add<RteRing<Payload, RteRingMode::classic>>(cells, "rte_ring", "libdpdk-dev",
                                              {.threads = Threads::as_many_as_cores});
  add<RteRing<Payload, RteRingMode::relaxed_tail>>(cells, "rte_ring_rts", "libdpdk-dev");
#endif
  add<MutexRing<Payload>>(cells, "mutex_ring", "libstdc++6");
}

}  // namespace laneway::bench

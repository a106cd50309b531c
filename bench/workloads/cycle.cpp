// Q1, Q3: the full life cycle. Publish 64 bytes with one of 100,000 keys, receive under a 30 s
// lease that excludes the key, ack. moodycamel moves the same 72 bytes and promises none of it: it
// stands in the table as the price of moving alone.
#include "bench/peers/laneway.hpp"
#include "bench/workloads/shapes.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/diy.hpp"
#include "bench/peers/moodycamel.hpp"
#endif

#include <cstdint>
#include <string>
#include <utility>

namespace laneway::bench {
namespace {

// `lacks_single` says why the subject has no place in the workloads of batch 1.
template <class Subject>
void add(Cells& cells,
         const std::string& subject,
         const char* package,
         const char* lacks_single = "") {
  for (const Shape& shape : kShapes) {
    Cell cell = race_cell<Subject, KeyedElement>(subject, package, shape);
    cell.group = "cycle";
    cell.id = shape.producers == 1 ? "Q1" : "Q3";
    if (shape.batch == 1) {
      cell.lacks = lacks_single;
    }
    cells.push_back(std::move(cell));
  }
}

template <std::uint32_t kShards>
void add_laneway(Cells& cells, const std::string& suffix) {
  using enum QueueKind;
  add<LanewayCycle<by_key, kShards, Acks::each>>(cells, "laneway" + suffix, "");
  add<LanewayCycle<by_key, kShards, Acks::batch>>(cells, "laneway_batch_ack" + suffix, "",
                                                  "acks one by one when it has one");
  add<LanewayCycle<unordered, kShards, Acks::each>>(cells, "laneway_unordered" + suffix, "");
}

}  // namespace

void add_cycle_cells(Cells& cells) {
  add_laneway<1>(cells, "");
  add_laneway<4>(cells, "_4_shards");
#ifdef BENCH_HAVE_MOODYCAMEL
  add<Diy<1>>(cells, "diy1", "");
  add<Diy<16>>(cells, "diy16", "");
  add<Moodycamel<KeyedElement, MoodycamelUse::plain>>(cells, "moodycamel_bare",
                                                      "libconcurrentqueue-dev");
#endif
}

}  // namespace laneway::bench

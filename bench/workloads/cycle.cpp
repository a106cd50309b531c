// Q1, Q3: the full life cycle. Publish 64 bytes with one of 100,000 keys, receive under a 30 s
// lease that excludes the key, ack. moodycamel moves the same 72 bytes and promises none of it: it
// stands in the table as the price of moving alone.
// K1-K4: the same with one key, ten keys, and keys drawn by a Zipf law. KP: streams in partitions,
// received in ordered runs.
#include "bench/peers/laneway_troubled.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/diy.hpp"
#include "bench/peers/moodycamel.hpp"
#endif

#include <cstdint>
#include <string>
#include <utility>

namespace laneway::bench {
namespace {

using enum QueueKind;

// `lacks_single` says why the subject has no place in the workloads of batch 1.
template <class Subject>
void add(Cells& cells, const Who& who, const char* lacks_single = "") {
  for (const Shape& shape : kShapes) {
    const char* id = shape.producers == 1 ? "Q1" : "Q3";
    Cell cell = race_cell<Subject, KeyedElement>({"cycle", id, workload_name(shape)}, who, shape);
    if (shape.batch == 1) {
      cell.lacks = lacks_single;
    }
    cells.push_back(std::move(cell));
  }
}

struct Keys {
  const char* id;
  const char* name;
  Shape shape;
  Profile profile;
};
// A producer has its own keys, so there are at least as many keys as producers.
constexpr std::array<Keys, 5> kKeyed{{
    {"K1", "one_hot_key", {1, 4, 32, {KeyPlan::Draw::uniform, 1}}, Profile::brief},
    {"K2", "ten_keys", {4, 4, 32, {KeyPlan::Draw::uniform, 10}}, Profile::brief},
    {"K4", "zipf_keys", {4, 4, 32, {KeyPlan::Draw::zipf, kKeys}}, Profile::brief},
    {"K4", "zipf_keys_single", {4, 4, 1, {KeyPlan::Draw::zipf, kKeys}}, Profile::full},
    {"K3", "a_million_keys", {4, 4, 32, {KeyPlan::Draw::uniform, 1'000'000}}, Profile::full},
}};

template <class Subject>
void add_keyed(Cells& cells, const Who& who) {
  for (const Keys& keys : kKeyed) {
    cells.push_back(
        race_cell<Subject, KeyedElement>({"cycle", keys.id, keys.name}, who, keys.shape));
    cells.back().profile = keys.profile;
  }
}

template <class Subject>
void add_partitioned(Cells& cells, const Who& who) {
  const Shape shape{4, 4, 32, {KeyPlan::Draw::uniform, 16}};
  cells.push_back(
      race_cell<Subject, KeyedElement>({"cycle", "KP", "sixteen_partitions"}, who, shape));
}

}  // namespace

void add_cycle_cells(Cells& cells) {
  add<LanewayCycle<by_key, Acks::as_received>>(cells, {"laneway"});
  add<LanewayCycle<by_key, Acks::one_by_one>>(cells, {"laneway_single_acks"},
                                              "a batch of one is acknowledged singly anyway");
  add<LanewayCycle<unordered, Acks::as_received>>(cells, {"laneway_unordered"});
  add_keyed<LanewayCycle<by_key, Acks::as_received>>(cells, {"laneway"});
  add_partitioned<LanewayRuns>(cells, {"laneway"});
#ifdef BENCH_HAVE_MOODYCAMEL
  add<Diy<1>>(cells, {"diy1"});
  add<Diy<16>>(cells, {"diy16"});
  add<Moodycamel<KeyedElement, MoodycamelUse::plain>>(
      cells, {"moodycamel_bare", "libconcurrentqueue-dev"});
  add_keyed<Diy<1>>(cells, {"diy1"});
  add_keyed<Diy<16>>(cells, {"diy16"});
  add_partitioned<Diy<1>>(cells, {"diy1"});
  add_partitioned<Diy<16>>(cells, {"diy16"});
#endif
}

}  // namespace laneway::bench

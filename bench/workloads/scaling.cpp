// Q3: shards and threads, up to the cores there are. M1: memory of a backlog, by message.
#include "bench/harness/element.hpp"
#include "bench/peers/laneway.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/diy.hpp"
#endif

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

namespace laneway::bench {
namespace {

using Cycle = LanewayCycle<QueueKind::by_key, Acks::as_received>;

// One workload for each number of threads; its subjects are the numbers of shards.
void add_shards(Cells& cells) {
  const auto cores = static_cast<std::uint32_t>(std::max<std::size_t>(1, cores_usable()));
  for (std::uint32_t side = 1; side <= std::max(2u, cores); side *= 2) {
    for (const std::uint32_t shards : {1u, 2u, 4u, 16u}) {
      const Shape shape{side, side, 32, {}, shards};
      const std::string subject =
          shards == 1 ? "laneway" : "laneway_" + std::to_string(shards) + "_shards";
      cells.push_back(race_cell<Cycle, KeyedElement>(
          {"scaling", "Q3", count_in_words(side) + "_to_" + count_in_words(side) + "_by_shards"},
          {subject}, shape));
      cells.back().profile =
          side == std::max(2u, cores) && shards != 16 ? Profile::brief : Profile::full;
    }
  }
}

// A backlog of so many messages is published, and later received and settled.
template <class Subject>
Measurement memory(std::uint32_t count) {
  const std::uint64_t before = resident_bytes();
  const auto ledger = std::make_unique<KeyLedger>(kKeys);
  const auto keys = std::make_unique<KeySet>(kKeys);
  Feed feed(*keys, {.producer = 0, .producers = 1}, KeyPlan::Draw::uniform, 1);
  Verifier verifier(Subject::kOrder, 1, *ledger);
  const std::uint64_t of_harness = resident_bytes() - before;
  Subject subject({1, 1, kBatchMax, {}, 1, count});
  Waiter waiter;
  {
    auto producer = subject.producer(0);
    std::array<KeyedElement, kBatchMax> elements;
    for (std::uint32_t done = 0; done < count; done += kBatchMax) {
      for (KeyedElement& element : elements) {
        feed.write(element);
      }
      producer.publish(elements, waiter);
    }
  }
  const std::uint64_t full = resident_bytes() - before - of_harness;
  auto consumer = subject.consumer(0);
  while (verifier.count() < feed.written()) {
    (void)consumer.consume(kBatchMax, verifier);
  }
  Measurement found;
  found.violations = verifier.violations();
  found.first_violation = verifier.first_violation();
  found.figures.push_back({"bytes_per_message", static_cast<double>(full) / count});
  found.figures.push_back({"bytes_per_message_after_it_is_drained",
                           static_cast<double>(resident_bytes() - before - of_harness) / count});
  return found;
}

struct Backlog {
  const char* workload;
  std::uint32_t count;
  Profile profile;
};

template <class Subject>
void add_memory(Cells& cells, const Who& who) {
  for (const auto& [workload, count, profile] :
       {Backlog{"backlog_of_a_million", 1u << 20, Profile::brief},
        Backlog{"backlog_of_ten_million", 10u << 20, Profile::full}}) {
    Cell cell = cell_of<Subject>({"scaling", "M1", workload}, who, {1, 0, 32});
    cell.headline = {"bytes_per_message", false, {"bytes_per_message_after_it_is_drained"}};
    cell.profile = profile;
    cell.run = [size = count](const RunOptions&) { return memory<Subject>(size); };
    cells.push_back(std::move(cell));
  }
}

}  // namespace

void add_scaling_cells(Cells& cells) {
  add_shards(cells);
  add_memory<Cycle>(cells, {"laneway"});
#ifdef BENCH_HAVE_MOODYCAMEL
  add_memory<Diy<16>>(cells, {"diy16"});
#endif
}

}  // namespace laneway::bench

// K5, K6: half a percent of all messages has one key, and that key is stuck, or its messages fail.
// The others are asked: their throughput, and their latency at a fixed rate. Beside them stands the
// same load with nothing wrong.
#include "bench/harness/open_loop.hpp"
#include "bench/peers/laneway_troubled.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#ifdef BENCH_HAVE_MOODYCAMEL
#include "bench/peers/diy_stuck.hpp"
#endif

#include <string>
#include <utility>

namespace laneway::bench {
namespace {

constexpr KeyPlan kPlan{KeyPlan::Draw::one_marked, kKeys};
constexpr double kRate = 100'000;

template <class Subject>
void add(Cells& cells, const std::string& trouble, const char* id, const Who& who) {
  const Shape shape{1, 1, 32, kPlan};
  cells.push_back(
      race_cell<Subject, KeyedElement>({"stuck", id, trouble + "_key_rate"}, who, shape));

  Cell cell = cell_of<Subject>({"stuck", id, trouble + "_key_latency"}, who, {1, 1, 1, kPlan});
  cell.headline = {"p99_us", false, {"p50_us", "p999_us", "max_us", "achieved_per_s"}};
  cell.run = [](const RunOptions& options) {
    Subject subject({1, 1, 1, kPlan});
    return OpenLoop<Subject, KeyedElement>(subject, kPlan, Waiting::spin, options).run(kRate);
  };
  cells.push_back(std::move(cell));
}

}  // namespace

void add_stuck_cells(Cells& cells) {
  using enum Trouble;
  add<LanewayTroubled<stuck>>(cells, "stuck", "K5", {"laneway"});
  add<LanewayTroubled<none>>(cells, "stuck", "K5", {"laneway_untroubled"});
#ifdef BENCH_HAVE_MOODYCAMEL
  add<DiyStuck>(cells, "stuck", "K5", {"diy16"});
#endif
  add<LanewayTroubled<poison>>(cells, "poison", "K6", {"laneway"});
  add<LanewayTroubled<none>>(cells, "poison", "K6", {"laneway_untroubled"});
}

}  // namespace laneway::bench

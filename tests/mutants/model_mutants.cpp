// Units that notice mutants of engine/concurrent (tests/mutants/run.py), in one program: it is
// compiled once for all of them.
#include "tests/model/run_models.hpp"
#include "tests/model/scenario_blocked_publishers.hpp"
#include "tests/model/scenario_close.hpp"
#include "tests/model/scenario_event_count.hpp"
#include "tests/model/scenario_inbox_ring.hpp"
#include "tests/model/scenario_lease_word.hpp"
#include "tests/model/scenario_returns_ring.hpp"
#include "tests/model/scenario_sleeping.hpp"
#include "tests/model/scenario_slot_reuse.hpp"
#include "tests/model/scenario_token.hpp"

namespace laneway::engine {
namespace {

struct Batches : InboxShape {
  static constexpr std::uint64_t kEntries = 3;
  static constexpr std::uint32_t kBatch = 2;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("mutants", nullptr,
                {random_search<InboxDrain<Batches>>("inbox_ring"),
                 random_search<ReturnsDrain<ReturnsShape>>("returns_ring"),
                 random_search<ReturnsClose<2>>("returns_ring_closed"),
                 random_search<LeaseSettleRace<2, 2>>("settle_race"),
                 random_search<LeaseHandOver>("lease_hand_over"),
                 random_search<LeaseExtend>("lease_extend"),
                 random_search<SlotReuse<ReuseShape>>("slot_reuse"),
                 random_search<TokenExclusion<2, 2>>("token"),
                 random_search<TokenWanted<2, 2>>("token_wanted"),
                 random_search<EventItems<2, 1>>("event_count"),
                 random_search<Sleeping<SleepingShape>>("sleeping"),
                 random_search<QueueClose<CloseShape>>("close")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

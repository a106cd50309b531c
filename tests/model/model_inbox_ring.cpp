#include "tests/model/run_models.hpp"
#include "tests/model/scenario_inbox_ring.hpp"

namespace {

using namespace laneway::engine;

struct OneProducer : InboxShapeDefaults {
  static constexpr unsigned kProducers = 1;
  static constexpr unsigned kLooks = 1;
};
struct TwoProducers : InboxShapeDefaults {
  static constexpr unsigned kHolders = 0;
  static constexpr std::uint64_t kEntries = 1;
};
struct Wrap : InboxShapeDefaults {
  static constexpr std::uint64_t kFirst = 0xffff'fffe;  // positions pass 2^32
};
struct Batches : InboxShapeDefaults {
  static constexpr std::uint64_t kEntries = 3;
  static constexpr std::uint32_t kBatch = 2;
};
struct TwoHolders : InboxShapeDefaults {
  static constexpr unsigned kHolders = 2;
};

}  // namespace

int main(int argc, char** argv) {
  using model::kSimulate;
  using model::Search;
  return model::Runner("inbox_ring", "engine/concurrent/inbox_ring.hpp",
                       {{"refusal", kSimulate<InboxRefusal<2>>, Search::full, 0, 30'000},
                        {"refusal_after_a_race", kSimulate<InboxRefusal<1>>, Search::full, 0, 1},
                        {"one_producer", kSimulate<InboxDrain<OneProducer>>, Search::full, 0, 1},
                        {"two_producers", kSimulate<InboxDrain<TwoProducers>>, Search::full, 0, 1},
                        {"wrap", kSimulate<InboxDrain<Wrap>>},
                        {"batches", kSimulate<InboxDrain<Batches>>},
                        {"two_holders", kSimulate<InboxDrain<TwoHolders>>},
                        {"sleep", kSimulate<InboxSleep<2, 1>>}})
      .main(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_handoff_ring.hpp"

namespace {

using namespace laneway::engine;

struct Two : HandoffShape {
  static constexpr unsigned kProducers = 1;
  static constexpr unsigned kConsumers = 1;
};
struct Batches : HandoffShape {
  static constexpr std::uint64_t kEntries = 3;
  static constexpr std::uint32_t kBatch = 2;
};
struct Sleep : HandoffShape {
  static constexpr unsigned kProducers = 1;
  static constexpr bool kSleep = true;
};

}  // namespace

int main(int argc, char** argv) {
  using model::kSimulate;
  using model::Search;
  return model::Runner(
             "handoff_ring", "engine/concurrent/handoff_ring.hpp",
             {{"refusal_of_a_consumer", kSimulate<HandoffRefusal<true>>, Search::full, 0, 1},
              {"refusal_of_a_producer", kSimulate<HandoffRefusal<false>>, Search::full, 0, 1},
              {"sleep", kSimulate<HandoffPass<Sleep>>},
              {"two_by_two", kSimulate<HandoffPass<HandoffShape>>},
              {"batches", kSimulate<HandoffPass<Batches>>}})
      .main(argc, argv);
}

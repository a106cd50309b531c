#include "tests/model/run_models.hpp"
#include "tests/model/scenario_returns_ring.hpp"

namespace {

using namespace laneway::engine;

struct Batches : ReturnsShape {
  static constexpr std::uint64_t kEntries = 3;
  static constexpr std::uint32_t kBatch = 2;
};
struct Sleep : ReturnsShape {
  static constexpr bool kSleep = true;
};

}  // namespace

int main(int argc, char** argv) {
  using model::kSimulate;
  using model::Search;
  return model::Runner("returns_ring", "engine/concurrent/returns_ring.hpp",
                       {{"close_of_one", kSimulate<ReturnsClose<1>>, Search::full, 0, 1},
                        {"close_of_two", kSimulate<ReturnsClose<2>>},
                        {"drain", kSimulate<ReturnsDrain<ReturnsShape>>},
                        {"batches", kSimulate<ReturnsDrain<Batches>>},
                        {"sleep", kSimulate<ReturnsDrain<Sleep>>}})
      .main(argc, argv);
}

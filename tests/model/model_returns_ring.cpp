#include "tests/model/run_models.hpp"
#include "tests/model/scenario_returns_ring.hpp"

namespace laneway::engine {
namespace {

struct One : ReturnsShape {
  static constexpr unsigned kSettlers = 1;
  static constexpr std::uint64_t kEntries = 1;
  static constexpr bool kSleep = true;
};
struct Batches : ReturnsShape {
  static constexpr std::uint64_t kEntries = 3;
  static constexpr std::uint32_t kBatch = 2;
};
struct Sleep : ReturnsShape {
  static constexpr bool kSleep = true;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("returns_ring", "engine/concurrent/returns_ring.hpp",
                {full_search<ReturnsClose<1>>("close_of_one", 30),
                 full_search<ReturnsClose<2>>("close_of_two", 9'000),
                 full_search<ReturnsDrain<One>>("one", 570'000),
                 bound_search<ReturnsDrain<ReturnsShape>>("drain_bounded", 780'000),
                 random_search<ReturnsDrain<Sleep>>("sleep"),
                 random_search<ReturnsClose<3>>("close_of_three", 400'000),
                 random_search<ReturnsDrain<ReturnsShape>>("drain"),
                 random_search<ReturnsDrain<Batches>>("batches", 300'000)})
      .at_least(2'000'000)
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_event_count.hpp"
#include "tests/model/scenario_sleeping.hpp"

namespace laneway::engine {
namespace {

struct Helped : SleepingShape {
  static constexpr unsigned kHelpers = 1;
};
struct Forgetful : Helped {
  static constexpr bool kHolderLooksAgain = false;
};
struct Hasty : SleepingShape {
  static constexpr bool kSleeperLooksAgain = false;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("event_count", "engine/concurrent/event_count.hpp",
                {full_search<EventChange>("change", 1'600),
                 full_search<EventItems<1, 0>>("item", 15'000),
                 bound_search<EventItems<1, 1>>("items_bounded", 11'000),
                 random_search<EventItems<1, 1>>("items", 500'000),
                 random_search<EventItems<2, 1>>("items_of_two", 400'000),
                 random_search<EventFlag<2>>("flag", 500'000),
                 random_search<Sleeping<SleepingShape>>("shard"),
                 random_search<Sleeping<Helped>>("shard_helped"),
                 broken<Sleeping<Forgetful>>("holder_looks_once"),
                 broken<Sleeping<Hasty>>("sleeper_looks_once")})
      .at_least(2'000'000)
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

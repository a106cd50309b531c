#include "tests/model/run_models.hpp"
#include "tests/model/scenario_event_count.hpp"
#include "tests/model/scenario_sleeping.hpp"

namespace {

using namespace laneway::engine;

struct Helped : SleepingShape {
  static constexpr unsigned kHelpers = 1;
};
struct Forgetful : Helped {
  static constexpr bool kLooksAgain = false;
};

}  // namespace

int main(int argc, char** argv) {
  using model::kSimulate;
  using model::Search;
  return model::Runner("event_count", "engine/concurrent/event_count.hpp",
                       {{"change", kSimulate<EventChange>, Search::full, 0, 1},
                        {"items", kSimulate<EventItems<1, 1>>},
                        {"items_of_two", kSimulate<EventItems<2, 1>>},
                        {"flag", kSimulate<EventFlag<2>>},
                        {"shard", kSimulate<Sleeping<SleepingShape>>},
                        {"shard_helped", kSimulate<Sleeping<Helped>>},
                        model::broken<Sleeping<Forgetful>>("shard_forgetful")})
      .main(argc, argv);
}

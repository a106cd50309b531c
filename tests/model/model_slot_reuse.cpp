#include "tests/model/run_models.hpp"
#include "tests/model/scenario_slot_reuse.hpp"

namespace laneway::engine {
namespace {

struct OneWorker : ReuseShape {
  static constexpr unsigned kWorkers = 1;
  static constexpr bool kOneLook = true;
};
struct TwoExpiries : ReuseShape {
  static constexpr unsigned kExpiries = 2;
};
struct PinsIgnored : ReuseShape {
  static constexpr bool kHeedPins = false;
};
struct GenerationIgnored : ReuseShape {
  static constexpr bool kCompareGeneration = false;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("slot_reuse", nullptr,
                {full_search<SlotReuse<OneWorker>>("one_worker", 100'000),
                 bound_search<SlotReuse<ReuseShape>>("two_workers_bounded", 250'000),
                 random_search<SlotReuse<ReuseShape>>("two_workers", 1'000'000),
                 random_search<SlotReuse<TwoExpiries>>("two_expiries", 800'000),
                 broken<SlotReuse<PinsIgnored>>("pins_ignored"),
                 broken<SlotReuse<GenerationIgnored>>("generation_ignored")})
      .at_least(2'000'000)
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

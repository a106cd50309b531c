#include "tests/model/run_models.hpp"
#include "tests/model/scenario_close.hpp"

namespace laneway::engine {
namespace {

struct OneLease : CloseShape {
  static constexpr unsigned kLeases = 1;
  static constexpr unsigned kSleepers = 0;
};
struct OneSleeper : CloseShape {
  static constexpr unsigned kLeases = 1;
};
struct TwoSleepers : CloseShape {
  static constexpr unsigned kLeases = 1;
  static constexpr unsigned kSleepers = 2;
};
struct LeasesGoOn : CloseShape {
  static constexpr bool kClosedLeasesEnd = false;
};
struct Impatient : CloseShape {
  static constexpr bool kCloserWaitsForHole = false;
};
struct WakesFirst : CloseShape {
  static constexpr bool kFlagFirst = false;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("close", nullptr,
                {full_search<QueueClose<OneLease>>("one_lease", 150'000),
                 bound_search<QueueClose<OneSleeper>>("one_sleeper_bounded", 930'000),
                 random_search<QueueClose<OneSleeper>>("one_sleeper", 500'000),
                 random_search<QueueClose<CloseShape>>("two_leases", 300'000),
                 random_search<QueueClose<TwoSleepers>>("two_sleepers", 300'000),
                 broken<QueueClose<LeasesGoOn>>("leases_go_on"),
                 broken<QueueClose<Impatient>>("closer_leaves_a_hole"),
                 broken<QueueClose<WakesFirst>>("wakes_before_the_flag")})
      .at_least(2'000'000)
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

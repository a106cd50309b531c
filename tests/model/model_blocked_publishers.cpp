#include "tests/model/run_models.hpp"
#include "tests/model/scenario_blocked_publishers.hpp"

namespace laneway::engine {
namespace {

// Each hold makes room for one of those who wait.
struct OneWaits : BlockedShape {
  static constexpr unsigned kPublishers = 1;
  static constexpr std::uint64_t kSlots = 1;
  static constexpr std::uint64_t kFilled = 1;
  static constexpr unsigned kHolds = 1;
};
struct OnlyWaits : OneWaits {
  static constexpr std::uint64_t kEntries = 1;
  static constexpr bool kOnlyWaits = true;
};
struct TwoWait : BlockedShape {
  static constexpr std::uint64_t kFilled = 1;
  static constexpr unsigned kHolds = 2;
};
struct ThreeShareASlot : BlockedShape {
  static constexpr unsigned kPublishers = 3;
  static constexpr std::uint64_t kEntries = 1;
  static constexpr std::uint64_t kSlots = 1;
};
struct TwoHolders : BlockedShape {
  static constexpr unsigned kHolders = 2;
  static constexpr std::uint64_t kLeaveAtOnce = 2;
};
struct Hasty : TwoWait {
  static constexpr bool kPublisherLooksAgain = false;
  static constexpr bool kPublisherWants = false;
};
struct Silent : TwoWait {
  static constexpr bool kPublisherWants = false;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("blocked_publishers", nullptr,
                {full_search<BlockedPublishers<OnlyWaits>>("only_waits", 1'590'000),
                 bound_search<BlockedPublishers<OneWaits>>("one_waits_bounded", 8'200),
                 random_search<BlockedPublishers<TwoWait>>("two_wait", 1'200'000),
                 random_search<BlockedPublishers<BlockedShape>>("two_publishers", 300'000),
                 random_search<BlockedPublishers<ThreeShareASlot>>("three_share_a_slot", 300'000),
                 random_search<BlockedPublishers<TwoHolders>>("two_holders", 200'000),
                 broken<BlockedPublishers<Hasty>>("publisher_looks_once"),
                 broken<BlockedPublishers<Silent>>("publisher_wants_nothing")})
      .at_least(2'000'000)
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_inbox_ring.hpp"

namespace laneway::engine {
namespace {

struct OneProducer : InboxShape {
  static constexpr unsigned kProducers = 1;
  static constexpr unsigned kLooks = 1;
};
struct TwoProducers : InboxShape {
  static constexpr unsigned kHolders = 0;
  static constexpr std::uint64_t kEntries = 1;
};
struct Wrap : InboxShape {
  static constexpr std::uint64_t kFirst = 0xffff'fffe;  // positions pass 2^32
};
struct Batches : InboxShape {
  static constexpr std::uint64_t kEntries = 3;
  static constexpr std::uint32_t kBatch = 2;
};
struct TwoHolders : InboxShape {
  static constexpr unsigned kHolders = 2;
};
struct PublishFirst : InboxShape {
  static constexpr bool kPublishFirst = true;
};
struct LimitFirst : InboxShape {
  static constexpr bool kLimitFirst = true;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("inbox_ring", "engine/concurrent/inbox_ring.hpp",
                {full_search<InboxRefusal<2>>("refusal", 36'000),
                 full_search<InboxRefusal<1>>("refusal_after_a_race", 2'000),
                 full_search<InboxDrain<OneProducer>>("one_producer", 2'300'000),
                 full_search<InboxDrain<TwoProducers>>("two_producers", 60'000),
                 bound_search<InboxSleep<2, 1>>("sleep_bounded", 180'000),
                 random_search<InboxSleep<2, 1>>("sleep", 500'000),
                 random_search<InboxDrain<Wrap>>("wrap", 600'000),
                 random_search<InboxDrain<Batches>>("batches", 400'000),
                 random_search<InboxDrain<TwoHolders>>("two_holders", 400'000),
                 broken<InboxDrain<PublishFirst>>("publish_before_write"),
                 broken<InboxDrain<LimitFirst>>("limit_before_read")})
      .at_least(2'000'000)
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_handoff_ring.hpp"

namespace laneway::engine {
namespace {

struct OneByOne : HandoffShape {
  static constexpr unsigned kProducers = 1;
  static constexpr unsigned kConsumers = 1;
  static constexpr std::uint64_t kEntries = 1;
};
struct Batches : HandoffShape {
  static constexpr std::uint64_t kEntries = 3;
  static constexpr std::uint32_t kBatch = 2;
};
struct Sleep : HandoffShape {
  static constexpr unsigned kProducers = 1;
  static constexpr bool kSleep = true;
};
struct PublishFirst : HandoffShape {
  static constexpr bool kPublishFirst = true;
};
struct FreeFirst : HandoffShape {
  static constexpr bool kFreeFirst = true;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("handoff_ring", "engine/concurrent/handoff_ring.hpp",
                {full_search<HandoffRefusal<true>>("refusal_of_a_consumer", 6'400),
                 full_search<HandoffRefusal<false>>("refusal_of_a_producer", 3'200),
                 full_search<HandoffPass<OneByOne>>("one_by_one", 190'000),
                 random_search<HandoffPass<Sleep>>("sleep"),
                 random_search<HandoffPass<HandoffShape>>("two_by_two"),
                 random_search<HandoffPass<Batches>>("batches"),
                 broken<HandoffPass<PublishFirst>>("publish_before_write"),
                 broken<HandoffPass<FreeFirst>>("free_before_read")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

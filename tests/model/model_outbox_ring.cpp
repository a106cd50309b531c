#include "tests/model/run_models.hpp"
#include "tests/model/scenario_outbox_ring.hpp"

namespace laneway::engine {
namespace {

struct Wrap : OutboxShape {
  static constexpr std::uint64_t kFrames = 8;
};
struct Batches : OutboxShape {
  static constexpr std::uint64_t kFrames = 6;
  static constexpr std::uint64_t kWords = 8;
  static constexpr std::uint64_t kPublishEach = 2;
};

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("outbox_ring", "engine/concurrent/outbox_ring.hpp",
                {random_search<OutboxFrames<OutboxShape>>("frames"),
                 random_search<OutboxFrames<Wrap>>("wrap"),
                 random_search<OutboxFrames<Batches>>("batches")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

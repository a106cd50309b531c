#include "tests/model/scenario_outbox_ring.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

template <std::uint64_t kEach>
struct Shape : OutboxShape {
  static constexpr std::uint64_t kFrames = 1000;
  static constexpr std::uint64_t kWords = 16;
  static constexpr std::uint64_t kPublishEach = kEach;
};

int run_stress(int argc, char** argv) {
  stress::Runner runner("outbox_ring", argc, argv);
  runner.play<OutboxFrames<Shape<1>>>("each");
  runner.play<OutboxFrames<Shape<5>>>("batches");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

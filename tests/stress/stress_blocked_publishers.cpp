#include "tests/model/scenario_blocked_publishers.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

struct Many : BlockedShape {
  static constexpr unsigned kPublishers = 6;
  static constexpr unsigned kHolders = 2;
  static constexpr std::uint64_t kEntries = 100;
};

int run_stress(int argc, char** argv) {
  stress::Runner runner("blocked_publishers", argc, argv);
  runner.play<BlockedPublishers<Many>>("seven_publishers");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

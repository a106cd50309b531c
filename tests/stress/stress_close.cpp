#include "tests/model/scenario_close.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

struct Many : CloseShape {
  static constexpr unsigned kLeases = 4;
  static constexpr unsigned kSleepers = 3;
};

int run_stress(int argc, char** argv) {
  stress::Runner runner("close", argc, argv);
  runner.play<QueueClose<CloseShape>>("two_leases");
  runner.play<QueueClose<Many>>("four_leases");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

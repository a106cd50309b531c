#include "tests/model/scenario_free_list.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("free_list", argc, argv);
  runner.play<FreeListTurns<2, 1, 2000>>("turns");
  runner.play<FreeListTurns<4, 2, 1000>>("turns");
  runner.play<FreeListTurns<8, 2, 500>>("turns");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

#include "tests/model/scenario_returns_ring.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("departures", argc, argv);
  runner.play<ReturnsClose<1>>("close");
  runner.play<ReturnsClose<3>>("close");
  runner.play<ReturnsClose<7>>("close");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

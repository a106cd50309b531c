#include "tests/model/scenario_token.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("token", argc, argv);
  runner.play<TokenExclusion<2, 5000>>("exclusion");
  runner.play<TokenExclusion<4, 5000>>("exclusion");
  runner.play<TokenExclusion<8, 5000>>("exclusion");
  runner.play<TokenWanted<1, 50>>("wanted");
  runner.play<TokenWanted<3, 50>>("wanted");
  runner.play<TokenWanted<7, 50>>("wanted");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

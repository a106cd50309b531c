#include "tests/model/scenario_credits.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("credits", argc, argv);
  runner.play<CreditsSleep<2, 1, 200>>("sleep");
  runner.play<CreditsSleep<8, 2, 200>>("sleep");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

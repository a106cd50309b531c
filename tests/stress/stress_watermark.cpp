#include "tests/model/scenario_watermark.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("watermark", argc, argv);
  runner.play<WatermarkEdges<2, 200>>("edges");
  runner.play<WatermarkEdges<8, 200>>("edges");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

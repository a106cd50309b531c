#include "tests/model/scenario_shard_hint.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("shard_hint", argc, argv);
  runner.play<ShardHintTornView<5000>>("torn_view");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_shard_hint.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("shard_hint", "engine/concurrent/shard_hint.hpp",
                {full_search<ShardHintTornView<1>>("one_hold", 45'000),
                 random_search<ShardHintTornView<4>>("four_holds")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_free_list.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("free_list", "engine/concurrent/free_list.hpp",
                {full_search<FreeListTurns<2, 1, 1>>("once", 390'000),
                 random_search<FreeListTurns<2, 1, 2>>("two"),
                 random_search<FreeListTurns<2, 2, 2>>("two_blocks_each"),
                 random_search<FreeListTurns<3, 1, 3>>("three")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_free_list.hpp"

int main(int argc, char** argv) {
  using namespace laneway::engine;
  using model::kSimulate;
  using model::Search;
  return model::Runner("free_list", "engine/concurrent/free_list.hpp",
                       {{"two", kSimulate<FreeListTurns<2, 1, 2>>},
                        {"two_blocks_each", kSimulate<FreeListTurns<2, 2, 2>>},
                        {"three", kSimulate<FreeListTurns<3, 1, 3>>}})
      .main(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_returns_ring.hpp"

int main(int argc, char** argv) {
  using namespace laneway::engine;
  using model::kSimulate;
  using model::Search;
  return model::Runner("departures", "engine/concurrent/departures.hpp",
                       {{"one", kSimulate<ReturnsClose<1>>, Search::full, 0, 1},
                        {"three", kSimulate<ReturnsClose<3>>}})
      .main(argc, argv);
}

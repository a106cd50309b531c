#include "tests/model/run_models.hpp"
#include "tests/model/scenario_returns_ring.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner(
             "departures", "engine/concurrent/departures.hpp",
             {full_search<ReturnsClose<1>>("one", 30), full_search<ReturnsClose<2>>("two", 9'000),
              random_search<ReturnsClose<3>>("three")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

#include "tests/model/run_models.hpp"
#include "tests/model/scenario_watermark.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("watermark", "engine/concurrent/watermark.hpp",
                {full_search<WatermarkEdges<2>>("once", 900'000),
                 random_search<WatermarkEdges<2, 2>>("two"),
                 random_search<WatermarkEdges<3, 2>>("three")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

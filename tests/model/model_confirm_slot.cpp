#include "tests/model/run_models.hpp"
#include "tests/model/scenario_confirm_slot.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("confirm_slot", "engine/concurrent/confirm_slot.hpp",
                {random_search<ConfirmRounds<1, false, false>>("once"),
                 random_search<ConfirmRounds<2, true, false>>("two_steps"),
                 random_search<ConfirmRounds<2, false, true>>("gives_up"),
                 random_search<ConfirmRounds<3, true, true>>("gives_up_between")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

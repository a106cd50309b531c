#include "tests/model/run_models.hpp"
#include "tests/model/scenario_event_count.hpp"
#include "tests/model/scenario_mailbox.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner(
             "counter", "engine/concurrent/counter.hpp",
             {full_search<EventFlag<1>>("flag", 2'800), random_search<EventFlag<2>>("flag_of_two"),
              random_search<MailboxDeadlines<2>>("level")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

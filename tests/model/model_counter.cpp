#include "tests/model/run_models.hpp"
#include "tests/model/scenario_event_count.hpp"
#include "tests/model/scenario_mailbox.hpp"

int main(int argc, char** argv) {
  using namespace laneway::engine;
  using model::kSimulate;
  using model::Search;
  return model::Runner("counter", "engine/concurrent/counter.hpp",
                       {{"flag", kSimulate<EventFlag<1>>, Search::full, 0, 1},
                        {"flag_of_two", kSimulate<EventFlag<2>>},
                        {"level", kSimulate<MailboxDeadlines<2>>}})
      .main(argc, argv);
}

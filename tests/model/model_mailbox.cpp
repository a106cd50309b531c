#include "tests/model/run_models.hpp"
#include "tests/model/scenario_mailbox.hpp"

int main(int argc, char** argv) {
  using namespace laneway::engine;
  using model::kSimulate;
  using model::Search;
  return model::Runner("mailbox", "engine/concurrent/mailbox.hpp",
                       {{"one_poster", kSimulate<MailboxNews<1, 1, 2>>},
                        {"two_posters", kSimulate<MailboxNews<2, 1, 2>>},
                        {"two_letters", kSimulate<MailboxNews<2, 2, 1>>}})
      .main(argc, argv);
}

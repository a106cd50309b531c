#include "tests/model/run_models.hpp"
#include "tests/model/scenario_mailbox.hpp"

namespace laneway::engine {
namespace {

int run_models(int argc, char** argv) {
  using namespace model;
  return Runner("mailbox", "engine/concurrent/mailbox.hpp",
                {full_search<MailboxNews<1, 1, 1>>("once", 160'000),
                 random_search<MailboxNews<1, 1, 2>>("one_poster"),
                 random_search<MailboxNews<2, 1, 2>>("two_posters"),
                 random_search<MailboxNews<2, 2, 1>>("two_letters")})
      .main(argc, argv);
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_models(argc, argv);
}

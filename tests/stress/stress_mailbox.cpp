#include "tests/model/scenario_mailbox.hpp"
#include "tests/stress/run_stress.hpp"

namespace laneway::engine {
namespace {

int run_stress(int argc, char** argv) {
  stress::Runner runner("mailbox", argc, argv);
  runner.play<MailboxNews<1, 2, 200>>("news");
  runner.play<MailboxNews<3, 3, 100>>("news");
  runner.play<MailboxNews<7, 4, 50>>("news");
  runner.play<MailboxDeadlines<1>>("deadlines");
  runner.play<MailboxDeadlines<3>>("deadlines");
  runner.play<MailboxDeadlines<7>>("deadlines");
  return runner.result();
}

}  // namespace
}  // namespace laneway::engine

int main(int argc, char** argv) {
  return laneway::engine::run_stress(argc, argv);
}

#include <laneway/engine.hpp>

#include <cstdio>

using namespace std::chrono_literals;

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue mails = *engine.queue("mails", {.capacity = 10'000});

  // Producer. Any thread may publish; the bytes are copied before publish returns.
  laneway::Result<laneway::MessageId> id =
      mails.publish({.key = "customer-7", .payload = "welcome"});
  if (!id) {
    std::printf("refused: %s\n", to_string(id.error()).c_str());
    return 1;
  }

  // Consumer. One Consumer per receiving thread.
  laneway::Consumer consumer = *mails.consumer();
  for (laneway::Lease& job : *consumer.receive({.max = 32, .wait = 1s})) {
    std::printf("working on: %s\n", std::string(job.payload().text()).c_str());
    if (!job.ack()) {
      std::printf("too late: another worker may have it\n");
    }
  }

  const laneway::MessageStatus status = *mails.status(*id);
  std::printf("the message is %s\n", std::string(to_string(status.state)).c_str());
  return status.state == laneway::MessageState::completed ? 0 : 1;
}

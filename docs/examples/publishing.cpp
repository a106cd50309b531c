#include <laneway/engine.hpp>

#include <array>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue mails = *engine.queue("mails", {.capacity = 3});

  // [message]
  const laneway::Message reminder{
      .key = "customer-7",           // one at a time and in order with others of this key
      .payload = "your trial ends",  // any bytes; text converts
      .type = "reminder.trial",      // free text for handlers and dead letters
      .delay = 1h,                   // not delivered before this
      .ttl = 24h,                    // EXPIRED when it still waits after this
      .attempts_max = 2,             // instead of what the queue says
  };
  laneway::Result<laneway::MessageId> id = mails.publish(reminder);
  // [message]

  // [batch]
  const std::array<laneway::Message, 3> messages{{
      {.key = "customer-7", .payload = "welcome"},
      {.key = "customer-7", .payload = "invoice"},
      {.key = "customer-9", .payload = "welcome"},
  }};
  std::array<laneway::Published, 3> results;
  const laneway::Result<std::size_t> accepted = mails.publish(messages, results);
  if (!accepted) {
    std::printf("nothing was published: %s\n", to_string(accepted.error()).c_str());
    return 1;
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!results[i].accepted()) {  // here: queue_full, the capacity of 3 is used up
      std::printf("message %zu: %s\n", i, std::string(to_string(results[i].refused)).c_str());
    }
  }
  // [batch]
  return id && *accepted == 2 ? 0 : 1;
}

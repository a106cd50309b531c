#include <laneway/engine.hpp>

#include <cstdio>
#include <string>

using namespace std::chrono_literals;

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  // [options]
  const laneway::QueueOptions options{.attempts_max = 3, .backoff = {.first = 2ms, .cap = 50ms}};
  laneway::Queue mails = *engine.queue("mails", options);
  // [options]
  const laneway::MessageId id = *mails.publish({.key = "customer-7", .payload = "welcome"});
  (void)mails.publish({.key = "customer-7", .payload = "invoice"});
  (void)mails.publish({.key = "customer-9", .payload = "welcome"});

  // [work]
  laneway::Consumer consumer = *mails.consumer();
  for (int done = 0; done < 2;) {
    for (laneway::Lease& job : *consumer.receive({.max = 8, .wait = 1s})) {
      std::printf("%s, %s, attempt %u\n", std::string(job.key()).c_str(),
                  std::string(job.payload().text()).c_str(), job.attempt());
      if (job.id() == id) {
        (void)job.nack({.error = "mailbox unavailable", .error_class = 450});
      } else {
        done += job.ack() ? 1 : 0;
      }
    }
  }
  // [work]

  // [dead letters]
  const laneway::DeadLetterPage page = *mails.dead_letters();
  for (const laneway::DeadLetter& letter : page.letters) {
    std::printf("dead: %s, because of %s\n", letter.key.c_str(),
                std::string(to_string(letter.reason)).c_str());
    for (const laneway::Attempt& attempt : letter.story) {
      std::printf("  attempt %u %s: %s\n", attempt.number,
                  std::string(to_string(attempt.end)).c_str(), attempt.error.c_str());
    }
    (void)mails.replay(letter.id);  // a new life: attempts start at 1 again
  }
  // [dead letters]
  return mails.stats()->replayed == 1 ? 0 : 1;
}

#include <laneway/engine.hpp>
#include <laneway/worker_pool.hpp>

#include <cstdio>
#include <thread>

using namespace std::chrono_literals;

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue mails = *engine.queue("mails", {.capacity = 10'000, .attempts_max = 3});

  laneway::WorkerPool pool =
      *laneway::WorkerPool::start(mails, {.workers = 4}, [](const laneway::MessageView& mail) {
        std::printf("%.*s: %.*s (attempt %u)\n", static_cast<int>(mail.key.size()), mail.key.data(),
                    static_cast<int>(mail.payload.size()), mail.payload.text().data(),
                    mail.attempt);
        return mail.payload.text() == "poison" ? laneway::Outcome::reject("cannot be sent")
                                               : laneway::Outcome::ack();
      });

  for (const char* text : {"welcome", "invoice", "poison", "reminder"}) {
    if (const auto id = mails.publish({.key = "customer-7", .payload = text}); !id) {
      std::printf("refused: %s\n", to_string(id.error()).c_str());
    }
  }
  while (mails.stats()->acked < 3) {
    std::this_thread::sleep_for(1ms);
  }
  pool.drain(10s);
  const laneway::DeadLetterPage dead = *mails.dead_letters();
  for (const laneway::DeadLetter& letter : dead.letters) {
    std::printf("dead: %s, %s\n", letter.key.c_str(), letter.story.back().error.c_str());
  }
}

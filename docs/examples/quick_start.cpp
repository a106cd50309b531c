#include <laneway/engine.hpp>
#include <laneway/worker_pool.hpp>

#include <iostream>

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue mails = *engine.queue("mails", {.capacity = 10'000, .attempts_max = 3});
  const auto send = [](const laneway::MessageView& mail) {
    std::cout << mail.key << ": " << mail.payload.text() << ", attempt " << mail.attempt << '\n';
    return mail.payload.empty() ? laneway::Outcome::reject("no text") : laneway::Outcome::ack();
  };
  laneway::WorkerPool pool = *laneway::WorkerPool::start(mails, {.workers = 4}, send);
  laneway::MessageId last;
  for (const char* text : {"welcome", "", "invoice"}) {
    last = *mails.publish({.key = "customer-7", .payload = text});
  }
  const laneway::MessageStatus status = *mails.wait(last, std::chrono::seconds(10));
  return status.state == laneway::MessageState::completed && mails.stats()->dead == 1 ? 0 : 1;
}

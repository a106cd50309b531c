#include <laneway/engine.hpp>
#include <laneway/worker_pool.hpp>

#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue orders = *engine.queue("orders");
  laneway::Queue mails = *engine.queue("mails");

  // [chain]
  // A handler may publish. The order is acknowledged only when its mail has been accepted.
  auto confirm = [mails](const laneway::MessageView& order) mutable {
    const std::string text = "confirmed: " + std::string(order.payload.text());
    const laneway::Result<laneway::MessageId> mail =
        mails.publish({.key = order.key, .payload = text});
    return mail ? laneway::Outcome::ack() : laneway::Outcome::retry(to_string(mail.error()), 100ms);
  };
  auto send = [](const laneway::MessageView&) { return laneway::Outcome::ack(); };
  laneway::WorkerPool confirming = *laneway::WorkerPool::start(orders, {.workers = 2}, confirm);
  laneway::WorkerPool sending = *laneway::WorkerPool::start(mails, {.workers = 2}, send);
  // [chain]

  for (int i = 0; i < 100; ++i) {
    const std::string customer = "customer-" + std::to_string(i % 7);
    (void)orders.publish({.key = customer, .payload = std::to_string(i)});
  }
  while (mails.stats()->acked < 100) {
    std::this_thread::sleep_for(1ms);
  }

  // [shutdown]
  orders.pause_publishing();  // nothing new comes in
  confirming.drain(5s);       // the first stage first: it still publishes into the second
  sending.drain(5s);
  const laneway::QueueStats left = *orders.stats();
  std::printf("not worked on: %llu\n",
              static_cast<unsigned long long>(left.ready + left.blocked + left.delayed));
  engine.close();
  // [shutdown]
  return left.acked == 100 ? 0 : 1;
}

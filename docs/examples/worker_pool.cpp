#include <laneway/engine.hpp>
#include <laneway/worker_pool.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

laneway::Outcome send(const laneway::MessageView& mail) {
  if (mail.payload.text() == "to nobody") {
    return laneway::Outcome::reject("no such customer");  // never again
  }
  if (mail.payload.text() == "at night" && mail.attempt == 1) {
    return laneway::Outcome::retry("closed, come back later", 5ms);  // again, after this long
  }
  return laneway::Outcome::ack();
}

}  // namespace

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue mails = *engine.queue("mails");

  // [pool]
  laneway::Result<laneway::WorkerPool> pool =
      laneway::WorkerPool::start(mails, {.workers = 2, .lease = 10s}, send);
  if (!pool) {
    std::printf("no workers: %s\n", to_string(pool.error()).c_str());
    return 1;
  }
  for (const char* text : {"welcome", "at night", "to nobody"}) {
    (void)mails.publish({.key = "customer-7", .payload = text});
  }
  // [pool]
  while (mails.stats()->acked < 2 || mails.stats()->dead < 1) {
    std::this_thread::sleep_for(1ms);
  }

  // [stop]
  const laneway::PoolReport report = pool->drain(5s);  // waits for running handlers
  const laneway::PoolStats stats = pool->stats();
  engine.close();
  // [stop]
  std::printf("handled %llu, retried %llu, still running %llu\n",
              static_cast<unsigned long long>(stats.handled),
              static_cast<unsigned long long>(stats.retried),
              static_cast<unsigned long long>(report.abandoned));
  return stats.handled == 4 && stats.retried == 1 && report.abandoned == 0 ? 0 : 1;
}

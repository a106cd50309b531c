#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include <cstdio>
#include <memory>
#include <string>

using namespace std::chrono_literals;

// Prints the payloads in the order in which they are completed. "a1" fails once.
int main() {
  auto clock = std::make_shared<laneway::ManualClock>();
  laneway::Engine engine =
      *laneway::Engine::open({.driver = laneway::DriverMode::manual, .clock = clock});
  laneway::Queue queue = *engine.queue("jobs", {.shards = 1});
  // [publish]
  (void)queue.publish({.key = "a", .payload = "a-later", .delay = 10s});
  (void)queue.publish({.key = "a", .payload = "a1"});
  (void)queue.publish({.key = "a", .payload = "a2"});
  (void)queue.publish({.key = "b", .payload = "b1"});
  (void)queue.publish({.key = "b", .payload = "b2"});
  // [publish]

  std::string completed;
  laneway::Consumer consumer = *queue.consumer();
  while (queue.stats()->acked < 5) {
    laneway::LeaseBatch batch = *consumer.receive();
    if (batch.empty()) {
      clock->advance(*engine.poll());  // to the next thing that is due
      continue;
    }
    laneway::Lease& job = batch[0];
    if (job.payload().text() == "a1" && job.attempt() == 1) {
      (void)job.nack({.after = 1s});
      continue;
    }
    completed += std::string(job.payload().text()) + " ";
    (void)job.ack();
  }
  std::printf("%s\n", completed.c_str());
  return completed == "b1 b2 a1 a2 a-later " ? 0 : 1;
}

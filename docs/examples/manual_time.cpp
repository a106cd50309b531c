#include <laneway/clock.hpp>
#include <laneway/engine.hpp>

#include <cstdio>
#include <memory>

using namespace std::chrono_literals;

int main() {
  // [test]
  auto clock = std::make_shared<laneway::ManualClock>();
  laneway::Engine engine =
      *laneway::Engine::open({.driver = laneway::DriverMode::manual, .clock = clock});
  laneway::Queue mails = *engine.queue("mails");
  laneway::Consumer consumer = *mails.consumer();
  (void)mails.publish({.key = "customer-7", .payload = "reminder", .delay = 1h});

  const bool nothing_yet = consumer.receive()->empty();
  clock->advance(1h);
  (void)engine.poll();  // does what is due now
  laneway::Result<laneway::LeaseBatch> batch = consumer.receive({.lease = 30s});
  const bool delivered = batch && batch->size() == 1;

  clock->advance(30s);
  (void)engine.poll();  // the lease is over, so the ack is too late
  const bool lost = delivered && (*batch)[0].ack().error().code == laneway::Errc::lease_lost;
  // [test]
  std::printf("nothing yet: %d, delivered: %d, lost: %d\n", nothing_yet, delivered, lost);
  return nothing_yet && delivered && lost ? 0 : 1;
}

// One message through the whole life: publish, receive, ack. Exits 0 when every step answered as
// the headers promise.
#include <laneway/engine.hpp>

#include <chrono>
#include <cstdio>
#include <string_view>

namespace {

int fail(std::string_view step, const laneway::Error& error) {
  const std::string text = laneway::to_string(error);
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(step.size()), step.data(), text.c_str());
  return 1;
}

}  // namespace

int main() {
  using namespace std::chrono_literals;

  auto engine = laneway::Engine::open();
  if (!engine) {
    return fail("open", engine.error());
  }
  auto queue = engine->queue("mails");
  if (!queue) {
    return fail("queue", queue.error());
  }
  auto id = queue->publish({.key = "customer-7", .payload = "welcome"});
  if (!id) {
    return fail("publish", id.error());
  }
  auto consumer = queue->consumer();
  if (!consumer) {
    return fail("consumer", consumer.error());
  }
  auto jobs = consumer->receive({.max = 8, .wait = 5s});
  if (!jobs) {
    return fail("receive", jobs.error());
  }
  if (jobs->size() != 1 || (*jobs)[0].payload().text() != "welcome" || (*jobs)[0].id() != *id) {
    std::fprintf(stderr, "receive: not the message that was published\n");
    return 1;
  }
  if (auto acked = (*jobs)[0].ack(); !acked) {
    return fail("ack", acked.error());
  }
  auto status = queue->status(*id);
  if (!status || status->state != laneway::MessageState::completed) {
    std::fprintf(stderr, "status: the message is not completed\n");
    return 1;
  }
  std::puts("published, received, acknowledged");
  return 0;
}

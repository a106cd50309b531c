#include <laneway/engine.hpp>

#include <cstdio>
#include <string>

using namespace std::chrono_literals;

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  // [run]
  laneway::Queue changes = *engine.queue("changes", {.run_max = 16});
  for (const char* text : {"insert", "update", "delete"}) {
    (void)changes.publish({.key = "table-1", .payload = text});
  }

  laneway::Consumer consumer = *changes.consumer();
  for (laneway::Lease& run : *consumer.receive({.max = 1, .wait = 1s})) {
    for (std::size_t i = 0; i < run.size(); ++i) {
      std::printf("%s\n", std::string(run.message(i).payload.text()).c_str());
      if (!run.ack_through(i + 1)) {
        break;  // the lease is lost; what was acknowledged before stays so
      }
    }
  }
  // [run]
  return changes.stats()->acked == 3 ? 0 : 1;
}

#include <laneway/engine.hpp>

#include <cstdio>

using namespace std::chrono_literals;

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  // [take]
  laneway::Queue samples = *engine.queue("samples", {.kind = laneway::QueueKind::handoff});
  (void)samples.publish({.payload = "21.5"});

  laneway::Consumer consumer = *samples.consumer();
  laneway::MessageBatch batch;  // about 8 KiB; use it again and again
  const laneway::Result<std::size_t> taken = consumer.take(batch, {.max = 64, .wait = 1s});
  for (std::size_t i = 0; taken && i < *taken; ++i) {
    std::printf("%.*s\n", static_cast<int>(batch.payload(i).size()),
                batch.payload(i).text().data());
  }
  // [take]
  return taken && *taken == 1 ? 0 : 1;
}

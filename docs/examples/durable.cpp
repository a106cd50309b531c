#include <laneway/engine.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

int main() {
  const std::string directory = std::filesystem::temp_directory_path() / "laneway-durable-example";
  std::filesystem::remove_all(directory);
  const laneway::EngineOptions options{.journal = {.directory = directory}};
  const laneway::QueueOptions bills{.durability = laneway::Durability::sync};
  {
    // [publish]
    laneway::Engine engine = *laneway::Engine::open(options);
    laneway::Queue queue = *engine.queue("bills", bills);
    // Returns when the message is on stable storage.
    if (const auto id = queue.publish({.key = "customer-7", .payload = "bill 4711"}); !id) {
      std::printf("%s\n", to_string(id.error()).c_str());
    }
    // [publish]
    // [tickets]
    std::vector<laneway::MessageId> tickets;
    for (int i = 0; i < 1000; ++i) {
      tickets.push_back(*queue.publish_async({.key = "customer-8", .payload = std::to_string(i)}));
    }
    // Of one shard, and so of one key, the last one speaks for all.
    const bool durable = *queue.wait_durable(tickets.back(), std::chrono::seconds(10));
    // [tickets]
    std::printf("1,000 more: %s\n", durable ? "durable" : "not yet");
  }
  laneway::Engine engine = *laneway::Engine::open(options);
  laneway::Queue queue = *engine.queue("bills", bills);
  const auto found = engine.journal_stats()->recovery;
  std::printf("found: %s, %llu messages\n", std::string(to_string(found.end)).c_str(),
              static_cast<unsigned long long>(found.messages));
  const bool all = found.messages == 1001;
  engine.close();
  std::filesystem::remove_all(directory);
  return all ? 0 : 1;
}

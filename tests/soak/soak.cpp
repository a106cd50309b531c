// A queue under load for as long as one likes: producers send by the clock, whether or not anybody
// keeps up; consumers fail, drop and outlive their leases; operators pause, cancel, replay and
// discard. All the while:
//
//   no message of a key is acknowledged after a later one      (but replayed ones, which join
//   again) every accepted message is in exactly one state             (stats conserve) memory and
//   descriptors are after a while what they were early on
//
//   soak [--seconds N] [--rate MESSAGES_PER_SECOND] [--seed N]
#include <laneway/engine.hpp>

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace laneway {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr unsigned kProducers = 2;
constexpr unsigned kConsumers = 3;
constexpr unsigned kKeys = 1'000;  // of each producer
constexpr unsigned kReplayedKeys = kKeys / 4;
constexpr std::uint64_t kFloorPerSecond = 5'000;

struct Settings {
  double seconds = 15;
  double rate = 100'000;
  std::uint64_t seed = 0x5eed;
};

// What a payload begins with; large ones go on.
struct Content {
  std::uint32_t key;
  std::uint32_t check;
  std::uint64_t number;  // the how-many-eth of its key

  static std::uint32_t check_of(std::uint32_t key, std::uint64_t number) {
    return static_cast<std::uint32_t>((number ^ key) * 0x9e3779b97f4a7c15u >> 32);
  }
};

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "soak: broken: %s\n", what);
  std::abort();
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::size_t descriptors() {
  std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

class Soak {
 public:
  explicit Soak(const Settings& settings) : settings_(settings) {}

  int run() {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kProducers; ++i) {
      threads.emplace_back([this, i] { produce(i); });
    }
    for (unsigned i = 0; i < kConsumers; ++i) {
      threads.emplace_back([this, i] { consume(i); });
    }
    threads.emplace_back([this] { operate(); });
    watch();
    producing_.store(false);
    threads[0].join();
    threads[1].join();
    while (waiting() != 0) {
      std::this_thread::sleep_for(10ms);
    }
    working_.store(false);
    for (std::size_t i = kProducers; i < threads.size(); ++i) {
      threads[i].join();
    }
    return report();
  }

 private:
  static std::string key_name(std::uint32_t key) {
    // Every eighth does not fit into the slot.
    return (key % 8 == 0 ? "customer-with-a-long-name-" : "c-") + std::to_string(key);
  }
  static bool is_replayed(std::uint32_t key) { return key % kKeys < kReplayedKeys; }

  std::uint64_t waiting() {
    const QueueStats stats = *queue_.stats();
    return stats.ready + stats.blocked + stats.delayed + stats.leased;
  }

  void produce(unsigned producer) {
    std::mt19937_64 random(settings_.seed + producer);
    std::array<std::uint64_t, kKeys> numbers{};
    std::string payload;
    const auto gap =
        std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * kProducers / settings_.rate));
    auto due = steady_clock::now();
    while (producing_.load(std::memory_order_relaxed)) {
      if (steady_clock::now() < due) {
        std::this_thread::sleep_until(due);
      }
      due += gap;
      const auto place = static_cast<std::uint32_t>(random() % kKeys);
      const std::uint32_t key = producer * kKeys + place;
      const Content content{key, Content::check_of(key, numbers[place]), numbers[place]};
      payload.assign(random() % 64 == 0 ? 2'000 : sizeof(content), 'p');
      std::memcpy(payload.data(), &content, sizeof(content));
      const std::string name = key_name(key);
      Message message{.key = name, .payload = payload};
      // Delayed ones join later, so they have no place in the order of publishing.
      message.ttl = random() % 256 == 0 ? 20ms : 0ms;
      const Result<MessageId> id = queue_.publish(message);
      if (id) {
        ++numbers[place];
        accepted_.fetch_add(1, std::memory_order_relaxed);
        newest_.store(id->value, std::memory_order_relaxed);
      } else if (id.error().code == Errc::queue_full) {
        refused_.fetch_add(1, std::memory_order_relaxed);
      } else {
        broken("publish answers what it should not");
      }
    }
  }

  void consume(unsigned number) {
    std::mt19937_64 random(settings_.seed + 100 + number);
    Consumer consumer = *queue_.consumer();
    std::vector<Lease> zombies;
    while (working_.load(std::memory_order_relaxed)) {
      LeaseBatch batch = *consumer.receive({.max = 16, .wait = 5ms});
      for (Lease& lease : batch) {
        work(lease, random, &zombies);
      }
      if (zombies.size() > 8) {
        for (Lease& zombie : zombies) {
          (void)content_of(zombie.message());  // its bytes stay, however late
          acknowledge(zombie);
        }
        zombies.clear();
      }
    }
  }

  void work(Lease& lease, std::mt19937_64& random, std::vector<Lease>* zombies) {
    const std::uint64_t dice = random() % 1'000;
    if (dice < 20) {
      (void)lease.nack({.error = "the service timed out", .after = 1ms});
    } else if (dice < 25) {
      (void)lease.reject({.error = "no such customer", .error_class = 4});
    } else if (dice < 30) {
      (void)lease.release();
    } else if (dice < 32) {
      Lease dropped = std::move(lease);
    } else if (dice < 34) {
      zombies->push_back(std::move(lease));
    } else {
      if (dice < 50) {
        (void)lease.extend(100ms);
      }
      acknowledge(lease);
    }
  }

  static Content content_of(const MessageView& message) {
    Content content{};
    std::memcpy(&content, message.payload.data(), sizeof(content));
    if (content.check != Content::check_of(content.key, content.number) ||
        message.key != key_name(content.key)) {
      broken("a message is not what was published");
    }
    return content;
  }

  // While a Lease holds, nobody can have acknowledged a later message of its key. What is read
  // before an acknowledgement that succeeds was read under the lease.
  void acknowledge(Lease& lease) {
    std::array<Content, 8> run{};
    const std::size_t size = lease.size();
    for (std::size_t i = 0; i < size; ++i) {
      run[i] = content_of(lease.message(i));
    }
    std::atomic<std::uint64_t>& done = done_[run[0].key];
    const std::uint64_t before = done.load();
    if (!lease.ack()) {
      return;
    }
    acked_.fetch_add(size, std::memory_order_relaxed);
    for (std::size_t i = 0; i < size && !is_replayed(run[0].key); ++i) {
      if (run[i].number + 1 <= before || (i != 0 && run[i].number <= run[i - 1].number)) {
        broken("a message was acknowledged after a later one of its key");
      }
    }
    std::uint64_t highest = before;
    const std::uint64_t last = run[size - 1].number + 1;
    while (highest < last && !done.compare_exchange_weak(highest, last)) {
    }
  }

  void operate() {
    std::mt19937_64 random(settings_.seed + 200);
    while (working_.load(std::memory_order_relaxed)) {
      std::this_thread::sleep_for(20ms);
      if (!queue_.stats()->conserved()) {
        broken("a message is in no state, or in two");
      }
      if (random() % 8 == 0 && producing_.load()) {
        queue_.pause_consuming();
        std::this_thread::sleep_for(2ms);
      }
      queue_.resume_consuming();
      (void)queue_.cancel(MessageId{newest_.load()});
      for (const DeadLetter& letter : (*queue_.dead_letters({.payloads = true})).letters) {
        Content content{};
        std::memcpy(&content, letter.payload.data(), sizeof(content));
        // Either may find that it has been discarded to make room.
        (void)(is_replayed(content.key) && producing_.load() ? queue_.replay(letter.id)
                                                             : queue_.discard(letter.id));
      }
    }
  }

  // Memory is compared with what it was after a third of the time, when all of it has been used.
  void watch() {
    const std::chrono::duration<double> third(settings_.seconds / 3);
    std::this_thread::sleep_for(third);
    const std::uint64_t bytes = resident_bytes();
    const std::size_t files = descriptors();
    std::this_thread::sleep_for(2 * third);
    grown_ = static_cast<std::int64_t>(resident_bytes()) - static_cast<std::int64_t>(bytes);
    if (grown_ > static_cast<std::int64_t>(bytes / 4 + (8u << 20))) {
      broken("memory grows");
    }
    if (descriptors() != files) {
      broken("descriptors are left open");
    }
  }

  int report() {
    const QueueStats stats = *queue_.stats();
    const auto floor = static_cast<std::uint64_t>(settings_.seconds) * kFloorPerSecond;
    if (stats.published != accepted_.load() || stats.acked != acked_.load() || !stats.conserved() ||
        stats.pinned != 0) {
      broken("the counters differ from what was done");
    }
    const bool enough = acked_.load() >= floor;
    std::printf(
        "soak: %llu accepted, %llu refused, %llu acknowledged, %llu redelivered, %llu expired "
        "leases, %llu dead, memory %+lld KiB in %.0f s (floor %llu) seed 0x%llx %s\n",
        number(accepted_.load()), number(refused_.load()), number(acked_.load()),
        number(stats.redelivered), number(stats.lease_expired), number(stats.dead_lettered),
        static_cast<long long>(grown_ / 1024), settings_.seconds, number(floor),
        number(settings_.seed), enough ? "ok" : "TOO FEW");
    return enough ? 0 : 1;
  }

  static unsigned long long number(std::uint64_t value) { return value; }

  const Settings settings_;
  Engine engine_ = *Engine::open();
  Queue queue_ = *engine_.queue("soak",
                                {.capacity = 8'192,
                                 .shards = 4,
                                 .payload_pool_bytes = 4 * 1024 * 1024,
                                 .attempts_max = 3,
                                 .backoff = {.first = 1ms, .cap = 10ms},
                                 .lease = 50ms,
                                 .run_max = 4,
                                 .dead_letters_max = 1'000});
  std::atomic<bool> producing_{true};
  std::atomic<bool> working_{true};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> newest_{0};
  std::array<std::atomic<std::uint64_t>, kProducers * kKeys> done_{};  // the highest number + 1
  std::int64_t grown_ = 0;
};

}  // namespace
}  // namespace laneway

int main(int count, char** values) {
  laneway::Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = values[i];
    if (name == "--seconds") {
      settings.seconds = std::atof(values[i + 1]);
    } else if (name == "--rate") {
      settings.rate = std::atof(values[i + 1]);
    } else if (name == "--seed") {
      settings.seed = std::strtoull(values[i + 1], nullptr, 0);
    } else {
      std::fprintf(stderr, "what is %s? See the top of tests/soak/soak.cpp\n", values[i]);
      return 2;
    }
  }
  return laneway::Soak(settings).run();
}

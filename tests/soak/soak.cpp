// Queues with every limit on, one of each shape below, under load for as long as one likes:
// producers send by the clock, whether or not anybody keeps up; consumers and a worker pool fail,
// throw, drop and outlive their leases, and take; operators pause, drain, cancel, replay and
// discard. All the while no message of a key is acknowledged after a later one (delayed and
// replayed ones join later, their keys are left out), every accepted message is in exactly one
// state, no more leases are out than allowed, the watermark's edges are told in turn, and memory
// and descriptors stay what they were early on. At the end each of these must have happened.
//
//   soak [--seconds N] [--rate MESSAGES_PER_SECOND] [--seed N] [--journal NEW_DIRECTORY]
//
// The load is divided among the queues. With a journal they survive; each journal has a bound that
// it would soon reach if it kept what is over, and its next life must agree.
#include <laneway/engine.hpp>
#include <laneway/worker_pool.hpp>

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
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace laneway {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr unsigned kProducers = 2;
constexpr unsigned kConsumers = 3;
constexpr unsigned kKeys = 250;            // of each producer
constexpr unsigned kLateKeys = kKeys / 4;  // delayed and replayed
constexpr unsigned kNoKey = 0;             // one of them stands for messages without a key
constexpr std::string_view kLateType = "late";
constexpr std::uint64_t kFloorPerSecond = 5'000;
constexpr std::uint64_t kSegmentBytes = 1024 * 1024;
constexpr std::uint64_t kSegmentsMax = 128;
constexpr std::uint32_t kInFlightMax = 256;

// In what the queues differ: where there is a choice, each has another one.
struct Shape {
  const char* name;
  Overflow overflow;
  OnFailure on_failure;
  OnDeath on_death;
  RateLimit rate;

  bool in_order() const { return on_failure == OnFailure::hold; }
};
constexpr Shape kShapes[] = {
    {"plain", Overflow::reject, OnFailure::hold, OnDeath::continue_key, {1e6, 1'000}},
    {"holding", Overflow::block, OnFailure::hold, OnDeath::hold_key, {10'000, 500}},
    {"diverting", Overflow::drop_oldest, OnFailure::hold, OnDeath::divert_key, {}},
    {"detaching", Overflow::reject, OnFailure::detach, OnDeath::continue_key, {}},
};

struct Settings {
  double seconds = 15;
  double rate = 100'000;
  std::uint64_t seed = 0x5eed;
  std::string journal;
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

// To look takes a descriptor: one at a time.
std::mutex looking;

std::uint64_t resident_bytes() {
  const std::lock_guard lock(looking);
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::size_t descriptors() {
  const std::lock_guard lock(looking);
  std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

class Soak {
 public:
  Soak(const Settings& settings, const Shape& shape) : settings_(settings), shape_(shape) {
    queue_.observe(edges_);
  }

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
    queue_.resume_publishing();
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
    (void)pool_.drain(1s);
    const int status = report();
    if (survives()) {
      compare_next_life();
    }
    return status;
  }

 private:
  static std::string key_name(std::uint32_t key) {
    if (key % kKeys == kNoKey) {
      return "";
    }
    // Every eighth does not fit into the slot.
    return (key % 8 == 0 ? "customer-with-a-long-name-" : "c-") + std::to_string(key);
  }
  static bool joins_late(std::uint32_t key) { return key % kKeys < kLateKeys; }

  // When all has been published. While the journal's disk stalls, stats may lag behind.
  std::uint64_t waiting() {
    const QueueStats stats = *queue_.stats();
    return accepted_.load() - stats.published + stats.ready + stats.blocked + stats.delayed +
           stats.leased;
  }

  // What a producer is about to publish: the strings that its messages show.
  struct Parcel {
    static constexpr std::size_t kMax = 4;
    std::array<std::string, kMax> names;
    std::array<std::string, kMax> payloads;
    std::string dedup_id;  // for the first one
    std::array<Message, kMax> messages;
    std::array<Published, kMax> results;
    std::array<std::uint32_t, kMax> places;
  };

  void produce(unsigned producer) {
    std::mt19937_64 random(settings_.seed + producer);
    std::array<std::uint64_t, kKeys> numbers{};
    Parcel parcel;
    const auto gap =
        std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * kProducers / settings_.rate));
    auto due = steady_clock::now();
    while (producing_.load(std::memory_order_relaxed)) {
      if (steady_clock::now() < due) {
        std::this_thread::sleep_until(due);
      }
      const std::size_t size = random() % 8 == 0 ? Parcel::kMax : 1;
      due += gap * static_cast<int>(size);
      // One message of a key in a parcel: the next number is known when the first is accepted.
      const auto first = static_cast<std::uint32_t>(random() % kKeys);
      for (std::size_t i = 0; i < size; ++i) {
        parcel.places[i] = (first + static_cast<std::uint32_t>(i) * 251) % kKeys;
        const std::uint32_t key = producer * kKeys + parcel.places[i];
        fill(parcel, i, key, numbers[parcel.places[i]], random);
      }
      const bool again = random() % 64 == 0;
      parcel.messages[0].dedup_id = again ? parcel.dedup_id : std::string_view();
      publish(parcel, size);
      for (std::size_t i = 0; i < size; ++i) {
        numbers[parcel.places[i]] += count(parcel.results[i]) ? 1 : 0;
      }
      if (again && parcel.results[0].accepted()) {
        publish_again(parcel);
      }
    }
  }

  static void fill(Parcel& parcel,
                   std::size_t i,
                   std::uint32_t key,
                   std::uint64_t number,
                   std::mt19937_64& random) {
    const Content content{key, Content::check_of(key, number), number};
    std::string& payload = parcel.payloads[i];
    payload.assign(random() % 64 == 0 ? 2'000 : sizeof(content), 'p');
    std::memcpy(payload.data(), &content, sizeof(content));
    parcel.names[i] = key_name(key);
    if (i == 0) {
      parcel.dedup_id = std::to_string(key) + '/' + std::to_string(number);
    }
    Message& message = parcel.messages[i];
    message = {.key = parcel.names[i], .payload = payload};
    message.priority = static_cast<std::int32_t>(random() % 3);
    message.ttl = random() % 256 == 0 ? 20ms : 0ms;
    message.type = joins_late(key) ? kLateType : std::string_view();
    message.delay = joins_late(key) && random() % 16 == 0 ? 3ms : 0ms;
  }

  void publish(Parcel& parcel, std::size_t size) {
    if (size == 1) {
      const Result<MessageId> id = queue_.publish(parcel.messages[0]);
      parcel.results[0] = id ? Published{*id, Errc{}} : Published{{}, id.error().code};
    } else if (const auto taken =
                   queue_.publish(std::span(parcel.messages).first(size), parcel.results);
               !taken) {
      parcel.results.fill({{}, taken.error().code});
    }
  }

  bool count(const Published& result) {
    if (result.accepted()) {
      accepted_.fetch_add(1, std::memory_order_relaxed);
      newest_.store(result.id.value, std::memory_order_relaxed);
      return true;
    }
    if (result.refused != Errc::queue_full && result.refused != Errc::key_full &&
        result.refused != Errc::shed && result.refused != Errc::paused_for_publish) {
      broken("publish answers what it should not");
    }
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  void publish_again(const Parcel& parcel) {
    const Result<MessageId> id = queue_.publish(parcel.messages[0]);
    if (id && *id != parcel.results[0].id) {
      broken("a message with a dedup id was taken twice");
    }
  }

  void consume(unsigned number) {
    std::mt19937_64 random(settings_.seed + 100 + number);
    Consumer consumer = *queue_.consumer();
    std::vector<Lease> zombies;
    MessageBatch taken;
    while (working_.load(std::memory_order_relaxed)) {
      if (random() % 64 == 0) {
        take(consumer, &taken);
      }
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

  // Completed as they are handed out, so another thread may be ahead with a later one.
  void take(Consumer& consumer, MessageBatch* batch) {
    const std::size_t count = *consumer.take(*batch, {.max = 8});
    for (std::size_t i = 0; i < count; ++i) {
      (void)content_of(batch->message(i));
    }
    taken_.fetch_add(count, std::memory_order_relaxed);
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

  // A pool's worker settles after the handler has returned, so here only the bytes can be checked.
  Outcome handle(const MessageView& message) {
    const Content content = content_of(message);
    const std::uint64_t dice = (content.number * 31 + message.attempt) % 100;
    if (dice == 0) {
      throw std::runtime_error("the service is not there");
    }
    return dice < 3   ? Outcome::retry("the service timed out", 1ms)
           : dice < 4 ? Outcome::reject("no such customer", 4)
                      : Outcome::ack();
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
    const bool tells = size == 1 && run[0].number % 16 == 0;
    if (!(tells ? lease.ack("done") : lease.ack())) {
      return;
    }
    acked_.fetch_add(size, std::memory_order_relaxed);
    for (std::size_t i = 0; i < size && shape_.in_order() && !joins_late(run[0].key); ++i) {
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
      const QueueStats stats = *queue_.stats();
      if (!stats.conserved()) {
        broken("a message is in no state, or in two");
      }
      if (stats.in_flight > kInFlightMax) {
        broken("more leases are out than allowed");
      }
      stopped_ += stats.keys_stopped;
      if (producing_.load()) {
        disturb(random() % 16);
      }
      queue_.resume_consuming();
      queue_.resume_publishing();
      for (int i = 0; i < 4; ++i) {
        (void)queue_.cancel(MessageId{newest_.load()});
      }
      for (const DeadLetter& letter : (*queue_.dead_letters({.payloads = true})).letters) {
        Content content{};
        std::memcpy(&content, letter.payload.data(), sizeof(content));
        // Either may find that it has been discarded to make room.
        (void)(joins_late(content.key) && producing_.load() ? queue_.replay(letter.id)
                                                            : queue_.discard(letter.id));
      }
    }
  }

  void disturb(std::uint64_t dice) {
    if (dice < 2) {
      queue_.pause_consuming();  // long enough for the queue to fill
      std::this_thread::sleep_for(dice == 0 ? 2ms : 60ms);
    } else if (dice == 2) {
      (void)queue_.drain(1ms);
    } else if (dice == 3) {
      (void)queue_.discard_all({.error_class = 4, .older_than = 1ms});
    } else if (dice == 4) {
      (void)queue_.stats(0);
    } else if (dice == 5) {
      queue_.pause_publishing();
      std::this_thread::sleep_for(2ms);
    } else if (dice == 6) {
      (void)queue_.replay_all({.filter = {.type = kLateType}, .per_second = 10'000});
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
    // Segments come and go, up to the journal's bound.
    if (descriptors() > files + (survives() ? std::size(kShapes) * kSegmentsMax : 0)) {
      broken("descriptors are left open");
    }
  }

  int report() {
    const QueueStats stats = *queue_.stats();
    const PoolStats pool = pool_.stats();
    const auto floor =
        static_cast<std::uint64_t>(settings_.seconds) * kFloorPerSecond / std::size(kShapes);
    const std::uint64_t acked = acked_.load() + taken_.load() + pool.acked;
    if (stats.published != accepted_.load() || stats.acked != acked || !stats.conserved() ||
        stats.pinned != 0 || (stats.dead == 0 && stats.bytes != 0) || stats.in_flight != 0) {
      std::fprintf(stderr, "soak: published %llu of %llu, acked %llu of %llu, bytes %llu\n",
                   number(stats.published), number(accepted_.load()), number(stats.acked),
                   number(acked), number(stats.bytes));
      broken("the counters differ from what was done");
    }
    if (edges_->rises.load() != edges_->falls.load()) {
      broken("a watermark's rise has no fall");
    }
    const std::chrono::duration<double> lasted = steady_clock::now() - began_;
    if (shape_.rate.per_second > 0 &&
        static_cast<double>(stats.leased_total) >
            shape_.rate.per_second * lasted.count() + static_cast<double>(shape_.rate.burst)) {
      broken("more was granted than the rate lets through");
    }
    const std::lock_guard lock(printing_);
    const bool all = everything_happened(stats, pool);
    const bool enough = stats.acked >= floor;
    std::printf(
        "soak/%s: %llu accepted, %llu refused, %llu acknowledged, %llu redelivered, %llu expired "
        "leases, %llu dead, memory %+lld KiB in %.0f s (floor %llu) seed 0x%llx %s\n",
        shape_.name, number(accepted_.load()), number(refused_.load()), number(stats.acked),
        number(stats.redelivered), number(stats.lease_expired), number(stats.dead_lettered),
        static_cast<long long>(grown_ / 1024), settings_.seconds, number(floor),
        number(settings_.seed), enough && all ? "ok" : "TOO FEW");
    return enough && all ? 0 : 1;
  }

  // What is switched on and never happens is not tested.
  bool everything_happened(const QueueStats& stats, const PoolStats& pool) const {
    std::vector<std::pair<const char*, std::uint64_t>> counts = {
        {"refused as key_full", stats.refused_key_full},
        {"refused while paused", stats.refused_paused},
        {"shed", stats.shed},
        {"deduplicated", stats.deduplicated},
        {"rises above the high watermark", edges_->rises.load()},
        {"nacked", stats.nacked},
        {"released", stats.released},
        {"abandoned", stats.abandoned},
        {"expired leases", stats.lease_expired},
        {"late settles", stats.lease_lost},
        {"dead by attempts", stats.dead_attempts},
        {"dead by a reject", stats.dead_rejected},
        {"replayed", stats.replayed},
        {"discarded", stats.discarded},
        {"message deadlines", stats.expired},
        {"cancelled", stats.cancelled},
        {"taken", taken_.load()},
        {"acknowledged by the pool", pool.acked},
        {"exceptions of handlers", pool.threw},
    };
    if (shape_.overflow == Overflow::drop_oldest) {
      counts.emplace_back("dropped", stats.dropped);
    } else {
      counts.emplace_back("refused as full", stats.refused_full);
    }
    if (shape_.in_order()) {
      counts.emplace_back("revoked of a run", stats.revoked);
    }
    if (shape_.on_death != OnDeath::continue_key) {
      counts.emplace_back("keys stopped, each time seen", stopped_);
    }
    if (shape_.on_death == OnDeath::divert_key) {
      counts.emplace_back("dead behind another", stats.dead_diverted);
    }
    bool all = true;
    for (const auto& [what, count] : counts) {
      std::printf("  %-32s %llu\n", what, number(count));
      all = all && count != 0;
    }
    return all;
  }

  static unsigned long long number(std::uint64_t value) { return value; }

  struct Edges final : QueueObserver {
    void rose_to_high() noexcept override {
      if (rises.fetch_add(1) != falls.load()) {
        broken("a watermark rose twice");
      }
    }
    void fell_to_low() noexcept override {
      if (falls.fetch_add(1) + 1 != rises.load()) {
        broken("a watermark fell twice");
      }
    }
    std::atomic<std::uint64_t> rises{0};
    std::atomic<std::uint64_t> falls{0};
  };

  bool survives() const { return !settings_.journal.empty(); }

  EngineOptions engine_options() const {
    EngineOptions options;
    options.journal = {.directory = survives() ? settings_.journal + '/' + shape_.name : "",
                       .segment_bytes = kSegmentBytes,
                       .bytes_max = kSegmentsMax * kSegmentBytes};
    return options;
  }

  QueueOptions queue_options() const {
    return {.capacity = 1'024,
            .shards = 4,
            .payload_pool_bytes = 4 * 1024 * 1024,
            .bytes_max = 2 * 1024 * 1024,
            .key_messages_max = 4,
            .overflow = shape_.overflow,
            .block_max = 2ms,
            .high_watermark = 400,
            .low_watermark = 200,
            .priorities = true,
            .shed_below = 1,
            .dedup_window = std::chrono::minutes(1),
            .in_flight_max = kInFlightMax,
            .rate = shape_.rate,
            .attempts_max = 3,
            .backoff = {.first = 1ms, .cap = 10ms},
            .on_failure = shape_.on_failure,
            .on_death = shape_.on_death,
            .lease = 50ms,
            .run_max = 4,
            .dead_letters_max = 1'000,
            .dead_letters_age_max = 1s,
            .results_remembered = 1'000,
            .durability = survives() ? Durability::async : Durability::none};
  }

  // Opens the journal again: what is over stays so, and the dead letters are those that there were.
  void compare_next_life() {
    const std::uint64_t dead = queue_.stats()->dead;
    const JournalStats journal = *engine_.journal_stats();
    std::printf("  %-32s %llu MiB\n", "written to the journal",
                number(journal.bytes_written / (1024 * 1024)));
    engine_.close();
    engine_ = *Engine::open(engine_options());
    Queue again = *engine_.queue("soak", queue_options());
    again.pause_consuming();
    const QueueStats stats = *again.stats();
    if (stats.ready + stats.blocked + stats.delayed + stats.leased != 0 || stats.dead > dead) {
      broken("the journal's next life has other messages");
    }
  }

  const Settings settings_;
  const Shape shape_;
  static inline std::mutex printing_;
  const steady_clock::time_point began_ = steady_clock::now();
  Engine engine_ = *Engine::open(engine_options());
  Queue queue_ = *engine_.queue("soak", queue_options());
  const std::shared_ptr<Edges> edges_ = std::make_shared<Edges>();
  WorkerPool pool_ = *WorkerPool::start(
      queue_, {.workers = 1, .batch = 4}, [this](const MessageView& view) { return handle(view); });
  std::atomic<bool> producing_{true};
  std::atomic<bool> working_{true};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::uint64_t stopped_ = 0;  // the operator's
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
    } else if (name == "--journal") {
      settings.journal = values[i + 1];
    } else {
      std::fprintf(stderr, "what is %s? See the top of tests/soak/soak.cpp\n", values[i]);
      return 2;
    }
  }
  if (!settings.journal.empty()) {
    std::filesystem::create_directory(settings.journal);
  }
  settings.rate /= static_cast<double>(std::size(laneway::kShapes));
  std::vector<std::future<int>> queues;
  for (const laneway::Shape& shape : laneway::kShapes) {
    queues.push_back(std::async(
        std::launch::async, [&settings, &shape] { return laneway::Soak(settings, shape).run(); }));
  }
  int status = 0;
  for (std::future<int>& queue : queues) {
    status |= queue.get();
  }
  return status;
}

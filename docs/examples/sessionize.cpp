// Turns an access log into sessions per client, by several workers at once and still exactly:
//   sessionize FILE      (- is standard input) prints client, begin, end, requests, bytes
//   sessionize           makes a log of its own and compares the result with a plain loop
// Workers die on purpose all the time. docs/streams.md tells the story.
#include <laneway/engine.hpp>
#include <laneway/typed.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kGapSeconds = 30 * 60;  // a longer silence begins a new session
constexpr std::size_t kCheckpointEvery = 8;    // messages
constexpr auto kLease = 30ms;

struct Hit {
  std::int64_t time;  // seconds since 1970
  std::uint64_t bytes;
};

struct Session {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::uint64_t requests = 0;  // 0: no session has begun
  std::uint64_t bytes = 0;
  auto operator<=>(const Session&) const = default;
};
using Sessions = std::set<std::pair<std::string, Session>>;

// The stream's whole logic: one hit of one client. Answers the session that it ended, if any.
Session advance(Session& open, const Hit& hit) {
  Session closed;
  if (open.requests > 0 && hit.time - open.end > kGapSeconds) {
    closed = std::exchange(open, Session{});
  }
  open.begin = open.requests == 0 ? hit.time : open.begin;
  open.end = std::max(open.requests == 0 ? hit.time : open.end, hit.time);
  ++open.requests;
  open.bytes += hit.bytes;
  return closed;
}

// [store]
// What is known of a client: its open session, and up to which message that is true.
struct Checkpoint {
  Session open;
  laneway::MessageId through;
};

// Stands for a database: each call is one transaction. It knows the highest fence that has worked
// on a client, and refuses a worker whose lease is over and who does not know it.
class Store {
 public:
  Checkpoint load(const std::string& client, std::uint64_t fence) {
    const std::lock_guard lock(mutex_);
    Row& row = rows_[client];
    row.fence = std::max(row.fence, fence);
    return row.checkpoint;
  }

  // The new checkpoint and the sessions that ended on the way: both, or neither.
  bool commit(const std::string& client,
              std::uint64_t fence,
              const Checkpoint& checkpoint,
              const std::vector<Session>& closed) {
    const std::lock_guard lock(mutex_);
    Row& row = rows_[client];
    if (fence < row.fence) {
      ++refused_;
      return false;
    }
    row.checkpoint = checkpoint;
    for (const Session& session : closed) {
      sessions_.emplace(client, session);
    }
    return true;
  }
  // [store]

  // After the last message: what is still open ends here.
  Sessions finish() {
    for (auto& [client, row] : rows_) {
      sessions_.emplace(client, row.checkpoint.open);
    }
    return sessions_;
  }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Row {
    Checkpoint checkpoint;
    std::uint64_t fence = 0;
  };

  std::mutex mutex_;
  std::map<std::string, Row> rows_;
  Sessions sessions_;
  std::uint64_t refused_ = 0;
};

// Which deliveries end badly: drawn from the message and its attempt.
enum class Fate { fine, dies_before_commit, dies_before_ack, outlives_its_lease };
Fate fate_of(const laneway::MessageView& message) {
  static std::atomic<int> outlived{0};
  const std::uint64_t drawn =
      (message.id.value + message.attempt * 0x1234567u) * 0x9e3779b97f4a7c15u >> 60u;
  switch (drawn) {
    case 0:
      return Fate::dies_before_commit;
    case 1:
      return Fate::dies_before_ack;
    case 2:
      return outlived++ < 8 ? Fate::outlives_its_lease : Fate::fine;  // they take their time
    default:
      return Fate::fine;
  }
}

// [work]
// One run: up to 32 messages of one client, in order. Whoever returns early has died: the Lease
// ends unsettled, and what was not acknowledged comes again, to whatever worker.
void sessionize(laneway::Lease& run, Store& store) {
  const std::string client(run.key());
  const Fate fate = fate_of(run.message());
  Checkpoint at = store.load(client, run.fence());
  std::vector<Session> closed;
  for (std::size_t i = 0; i < run.size(); ++i) {
    const laneway::MessageView message = run.message(i);
    if (message.id > at.through) {  // else: committed by a worker who died before its ack
      const Session ended = advance(at.open, *laneway::Typed<Hit>::read(message.payload));
      if (ended.requests > 0) {
        closed.push_back(ended);
      }
      at.through = message.id;
    }
    if ((i + 1) % kCheckpointEvery != 0 && i + 1 < run.size()) {
      continue;
    }
    if (fate == Fate::dies_before_commit) {
      return;
    }
    if (fate == Fate::outlives_its_lease) {
      std::this_thread::sleep_for(3 * kLease);  // another worker has the client by now
    }
    if (!store.commit(client, run.fence(), at, closed)) {
      return;
    }
    if (fate == Fate::dies_before_ack || !run.ack_through(i + 1)) {
      return;
    }
    closed.clear();
  }
}
// [work]

void work(laneway::Consumer consumer, Store& store) {
  while (true) {
    laneway::Result<laneway::LeaseBatch> batch = consumer.receive({.max = 2, .wait = 100ms});
    if (!batch) {
      return;  // closed
    }
    for (laneway::Lease& run : *batch) {
      sessionize(run, store);
    }
  }
}

// 203.0.113.7 - - [12/Mar/2026:10:15:32 +0000] "GET / HTTP/1.1" 200 512
bool parse(const std::string& line, std::string& client, Hit& hit) {
  static const std::string kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char name[256];
  char month[4];
  int day = 0, year = 0, hour = 0, minute = 0, second = 0, zone = 0;
  unsigned long bytes = 0;
  const int found =
      std::sscanf(line.c_str(), "%255s %*s %*s [%2d/%3s/%4d:%2d:%2d:%2d %5d] \"%*[^\"]\" %*d %lu",
                  name, &day, month, &year, &hour, &minute, &second, &zone, &bytes);
  const std::size_t index = found >= 3 ? kMonths.find(month) : std::string::npos;
  if (found < 8 || index == std::string::npos) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(index / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const auto time = std::chrono::sys_days(date) + std::chrono::hours(hour - zone / 100) +
                    std::chrono::minutes(minute - zone % 100) + std::chrono::seconds(second);
  client = name;
  hit = {.time = time.time_since_epoch().count(), .bytes = bytes};
  return true;
}

// [publish]
void publish(laneway::Typed<Hit>& hits, std::istream& log) {
  std::string client;
  Hit hit{};
  for (std::string line; std::getline(log, line);) {
    if (!parse(line, client, hit)) {
      std::fprintf(stderr, "passed over: %s\n", line.c_str());
      continue;
    }
    while (!hits.publish(hit, {.key = client})) {  // full: the workers are slower than the file
      std::this_thread::sleep_for(1ms);
    }
  }
}
// [publish]

struct Told {
  Sessions sessions;
  std::uint64_t refused;
  laneway::QueueStats stats;
};

Told run(std::istream& log) {
  laneway::Engine engine = *laneway::Engine::open();
  // [queue]
  laneway::Typed<Hit> hits(*engine.queue("hits", {.capacity = 16'384,
                                                  .attempts_max = 1000,
                                                  .backoff = {.first = 1ms, .cap = 10ms},
                                                  .lease = kLease,
                                                  .run_max = 32}));
  // [queue]
  Store store;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back(work, *hits.queue().consumer(), std::ref(store));
  }
  publish(hits, log);
  laneway::QueueStats stats = *hits.queue().stats();
  while (stats.acked + stats.dead < stats.published) {
    std::this_thread::sleep_for(1ms);
    stats = *hits.queue().stats();
  }
  engine.close();
  for (std::thread& worker : workers) {
    worker.join();
  }
  return {store.finish(), store.refused(), stats};
}

std::string made_log() {
  std::string log;
  std::uint32_t state = 1;
  int second = 0;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 1'664'525u + 1'013'904'223u;
    second += static_cast<int>(state >> 30u);
    char line[128];
    std::snprintf(
        line, sizeof line,
        "10.0.0.%u - - [%02d/Mar/2026:%02d:%02d:%02d +0100] \"GET /%d HTTP/1.1\" 200 %u\n",
        (state >> 16u) % 97 * ((state >> 8u) % 97) % 251, 1 + second / 86'400, second / 3600 % 24,
        second / 60 % 60, second % 60, i, state >> 20u);
    log += line;
  }
  return log;
}

Sessions by_a_plain_loop(std::istream& log) {
  Sessions sessions;
  std::map<std::string, Session> open;
  std::string client;
  Hit hit{};
  for (std::string line; std::getline(log, line);) {
    if (parse(line, client, hit)) {
      const Session closed = advance(open[client], hit);
      if (closed.requests > 0) {
        sessions.emplace(client, closed);
      }
    }
  }
  sessions.insert(open.begin(), open.end());
  return sessions;
}

int check() {
  std::istringstream log(made_log());
  const Told told = run(log);
  std::istringstream again(made_log());
  const Sessions expected = by_a_plain_loop(again);
  std::printf("%zu sessions of %llu hits; %llu leases abandoned, %llu expired, %llu late commits\n",
              told.sessions.size(), static_cast<unsigned long long>(told.stats.published),
              static_cast<unsigned long long>(told.stats.abandoned),
              static_cast<unsigned long long>(told.stats.lease_expired),
              static_cast<unsigned long long>(told.refused));
  // Whether somebody is overtaken, and so commits late, is up to the machine.
  const bool lived_through_it =
      told.stats.abandoned > 20 && told.stats.lease_expired > 0 && told.stats.dead == 0;
  return told.sessions == expected && lived_through_it ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    return check();
  }
  const std::string path = argv[1];
  std::ifstream file(path);
  if (path != "-" && !file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return 2;
  }
  for (const auto& [client, session] : run(path == "-" ? std::cin : file).sessions) {
    std::printf("%s %lld %lld %llu %llu\n", client.c_str(), static_cast<long long>(session.begin),
                static_cast<long long>(session.end),
                static_cast<unsigned long long>(session.requests),
                static_cast<unsigned long long>(session.bytes));
  }
  return 0;
}

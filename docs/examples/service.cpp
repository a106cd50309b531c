// A small but whole service: jobs come in by HTTP and are worked on behind its back.
//
//   service DIRECTORY [PORT]     PORT 0, the default: any that is free; it is printed
//
//   POST /jobs?key=K   the body is the job. 202 and its id; 503: full, or shutting down
//   GET  /jobs/ID      pending, completed or failed
//   GET  /metrics      for Prometheus
//   SIGTERM            takes no more jobs, finishes what it can, writes down the rest in
//                      DIRECTORY/unfinished, and the next start takes that up again
//
// A job is a line for DIRECTORY/ledger, a job that failed for good one for DIRECTORY/failed. One
// that begins with "slow" takes its time, with "flaky" fails at first, with "bad" always.
#include <laneway/engine.hpp>
#include <laneway/prometheus.hpp>
#include <laneway/worker_pool.hpp>

#include <httplib.h>
#include <signal.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr auto kGrace = 2s;
constexpr std::uint32_t kAttempts = 3;

// [jobs]
struct Job {
  std::string key;
  std::string body;
};

// The jobs that were accepted and are not finished: what a shutdown must not lose, since messages
// live in memory. In the order of their ids, which is that of each key.
class Jobs {
 public:
  explicit Jobs(laneway::Queue queue) : queue_(std::move(queue)) {}

  laneway::Result<laneway::MessageId> accept(const Job& job) {
    const std::lock_guard lock(mutex_);  // a worker may be done with it before publish returns
    const auto id = queue_.publish({.key = job.key, .payload = job.body});
    if (id) {
      open_.emplace(*id, job);
    }
    return id;
  }
  void finish(laneway::MessageId id) {
    const std::lock_guard lock(mutex_);
    open_.erase(id);
  }

  void save(const std::string& path) const {
    std::ofstream file(path, std::ios::trunc | std::ios::binary);
    for (const auto& [id, job] : open_) {
      file << job.key.size() << ' ' << job.body.size() << '\n' << job.key << job.body;
    }
  }
  void load(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::size_t key = 0;
    std::size_t body = 0;
    while (file >> key >> body && file.get() == '\n') {
      Job job{std::string(key, ' '), std::string(body, ' ')};
      file.read(job.key.data(), static_cast<std::streamsize>(key));
      file.read(job.body.data(), static_cast<std::streamsize>(body));
      while (!accept(job)) {
        std::this_thread::sleep_for(1ms);  // more than the queue holds: as room appears
      }
    }
  }
  std::size_t count() const { return open_.size(); }
  // [jobs]

 private:
  laneway::Queue queue_;
  std::mutex mutex_;
  std::map<laneway::MessageId, Job> open_;
};

class Book {
 public:
  explicit Book(const std::string& path) : file_(path, std::ios::app) {}

  bool write(const laneway::MessageView& job) {
    const std::lock_guard lock(mutex_);
    file_ << job.key << ' ' << job.payload.text() << std::endl;
    return static_cast<bool>(file_);
  }

 private:
  std::mutex mutex_;
  std::ofstream file_;
};

// [work]
laneway::Outcome work(const laneway::MessageView& job, Book& ledger) {
  const std::string_view text = job.payload.text();
  if (text.starts_with("bad")) {
    return laneway::Outcome::reject("nobody can do this");
  }
  if (text.starts_with("flaky") && job.attempt == 1) {
    return laneway::Outcome::retry("not now", 50ms);
  }
  if (text.starts_with("slow")) {
    std::this_thread::sleep_for(20ms);
  }
  return ledger.write(job) ? laneway::Outcome::ack() : laneway::Outcome::retry("cannot write");
}
// [work]

// [state]
// What a client wants to know of a message's state.
const char* word_for(laneway::MessageState state) {
  switch (state) {
    case laneway::MessageState::completed:
      return "completed";
    case laneway::MessageState::cancelled:
    case laneway::MessageState::dead:
    case laneway::MessageState::discarded:
    case laneway::MessageState::dropped:
    case laneway::MessageState::expired:
      return "failed";
    default:
      return "pending";
  }
}
// [state]

// The ids of a process mean nothing to the next one, so they carry when it began.
class Ids {
 public:
  std::string text(laneway::MessageId id) const { return began_ + '-' + std::to_string(id.value); }
  std::optional<laneway::MessageId> read(const std::string& began, const std::string& value) const {
    laneway::MessageId id;
    const char* end = value.data() + value.size();
    const bool number = std::from_chars(value.data(), end, id.value).ptr == end;
    return number && began == began_ ? std::optional(id) : std::nullopt;
  }

 private:
  std::string began_ = std::to_string(std::chrono::system_clock::now().time_since_epoch() / 1ms);
};

// [http]
void serve(httplib::Server& server,
           laneway::Queue queue,
           Jobs& jobs,
           const Ids& ids,
           const laneway::PrometheusMetrics& metrics) {
  server.Post("/jobs", [&jobs, &ids](const httplib::Request& request, httplib::Response& response) {
    const auto id = jobs.accept({request.get_param_value("key"), request.body});
    if (id) {
      response.status = 202;
      response.set_content("{\"id\": \"" + ids.text(*id) + "\"}\n", "application/json");
      return;
    }
    const bool busy = id.error().code == laneway::Errc::queue_full ||
                      id.error().code == laneway::Errc::paused_for_publish;
    response.status = busy ? 503 : 400;
    response.set_header("Retry-After", "1");
    response.set_content(to_string(id.error()) + '\n', "text/plain");
  });
  server.Get(R"(/jobs/(\d+)-(\d+))", [queue, &ids](const httplib::Request& request,
                                                   httplib::Response& response) mutable {
    const auto id = ids.read(request.matches[1], request.matches[2]);
    const auto status = queue.status(id.value_or(laneway::MessageId{}));
    if (!status || status->state == laneway::MessageState::unknown) {
      response.status = 404;
      return;
    }
    response.set_content(std::string("{\"state\": \"") + word_for(status->state) +
                             "\", \"attempts\": " + std::to_string(status->attempts) + "}\n",
                         "application/json");
  });
  server.Get("/metrics", [&metrics](const httplib::Request&, httplib::Response& response) {
    response.set_content(metrics.text(), laneway::PrometheusMetrics::kContentType);
  });
}
// [http]

// SIGTERM and SIGINT arrive here and at no thread.
sigset_t catch_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// [shutdown]
// Takes no more, lets the workers finish while there is time, then stops them.
laneway::PoolReport wind_down(laneway::Queue& queue, laneway::WorkerPool& pool) {
  queue.pause_publishing();
  const auto end = std::chrono::steady_clock::now() + kGrace;
  const auto left = [&queue] {
    const laneway::QueueStats stats = *queue.stats();
    return stats.ready + stats.blocked + stats.delayed + stats.leased;
  };
  while (left() > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(10ms);
  }
  return pool.drain(kGrace);
}
// [shutdown]

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "service DIRECTORY [PORT]\n");
    return 2;
  }
  const std::string directory = argv[1];
  const sigset_t signals = catch_signals();  // before any thread

  laneway::Engine engine = *laneway::Engine::open();
  laneway::Queue queue = *engine.queue("jobs", {.capacity = 10'000, .attempts_max = kAttempts});
  Jobs jobs(queue);
  Book ledger(directory + "/ledger");
  Book failed(directory + "/failed");
  const auto handle = [&](const laneway::MessageView& job) {
    laneway::Outcome outcome = work(job, ledger);
    const bool last = job.attempt == kAttempts;
    if (outcome.kind() == laneway::Outcome::Kind::reject ||
        (outcome.kind() == laneway::Outcome::Kind::retry && last)) {
      failed.write(job);
    }
    if (outcome.kind() != laneway::Outcome::Kind::retry || last) {
      jobs.finish(job.id);
    }
    return outcome;
  };
  std::optional<laneway::WorkerPool> pool =
      *laneway::WorkerPool::start(queue, {.workers = 4}, handle);
  // [metrics]
  laneway::PrometheusMetrics metrics;
  metrics.add(queue);
  metrics.add_pool(queue, [&pool] { return pool->stats(); });
  // [metrics]
  jobs.load(directory + "/unfinished");

  const Ids ids;
  httplib::Server server;
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1000);
  serve(server, queue, jobs, ids, metrics);
  const int wanted = argc > 2 ? std::atoi(argv[2]) : 0;
  const int port = wanted == 0 ? server.bind_to_any_port("127.0.0.1")
                               : (server.bind_to_port("127.0.0.1", wanted) ? wanted : -1);
  if (port < 0) {
    std::fprintf(stderr, "cannot listen\n");
    return 1;
  }
  std::thread listener([&server] { server.listen_after_bind(); });
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  const laneway::PoolReport report = wind_down(queue, *pool);
  server.stop();
  listener.join();
  pool.reset();  // waits for handlers that outlived the grace
  jobs.save(directory + "/unfinished");
  std::printf("released %llu, unfinished %zu\n", static_cast<unsigned long long>(report.released),
              jobs.count());
  return 0;
}

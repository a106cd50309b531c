// Producers, consumers with late settles, and an operator on real threads write a history, which is
// judged by the fifteen invariants (tools/check). A run is a queue of a shape drawn by its seed; it
// has rounds: at the end of each every message is accounted for, so a round is a history of its
// own, and memory does not grow with the run. An operation is a message accepted, taken, or a
// settle.
//
//   history_threads [--runs N] [--operations N of each run] [--round OPERATIONS] [--seed N]
//                   [--write FILE: the last round, as `laneway check` reads it]
#include <laneway/engine.hpp>

#include "tests/history/operator.hpp"
#include "tests/history/producer.hpp"
#include "tests/history/recorder.hpp"
#include "tests/history/stage.hpp"
#include "tests/history/worker.hpp"
#include "tools/check/check.hpp"
#include "tools/check/history_text.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace laneway::history {
namespace {

#ifdef NDEBUG
constexpr std::uint64_t kFloor = 200'000;
#else
constexpr std::uint64_t kFloor = 50'000;  // assertions and sanitizers take their time
#endif

struct Settings {
  std::uint64_t runs = 8;
  std::uint64_t operations = kFloor / 8;
  std::uint64_t round = 100'000;
  std::uint64_t seed = 0x5eed;
  std::string file;
};

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : seed_(seed), shape_(seed), queue_(*engine_.queue("history", shape_.options)) {
    for (unsigned party = 0; party < kParties; ++party) {
      numbers_[party] = party;
    }
  }

  // Answers how many operations there were.
  std::uint64_t play(std::uint64_t operations, check::History* history) {
    std::deque<Recorder> recorders;
    for (unsigned party = 0; party < kParties; ++party) {
      recorders.emplace_back(party);
    }
    Stage stage(queue_, shape_, operations);
    std::mt19937_64 seeds(seed_ + numbers_[0]);
    Operator boss(stage, seeds(), &numbers_[kParties - 1], recorders[kParties - 1]);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kParties - 1; ++i) {
      threads.emplace_back([&stage, seed = seeds(), number = &numbers_[i], &recorder = recorders[i],
                            produces = i < kProducers] {
        if (produces) {
          Producer(stage, seed, number, recorder).run();
        } else {
          Worker(stage, seed, recorder).run();
        }
      });
    }
    boss.run();
    for (std::thread& thread : threads) {
      thread.join();
    }
    boss.account(recorders);
    history->rules = shape_.rules();
    history->events.clear();
    for (const Recorder& recorder : recorders) {
      history->events.insert(history->events.end(), recorder.events().begin(),
                             recorder.events().end());
    }
    name_messages(history);
    return stage.done.load();
  }

  // Fencing tokens rise from round to round as well; the rest of that is the judge's.
  bool tokens_rise(const check::History& history) {
    std::array<std::uint64_t, kShardsMax> highest = tokens_;
    for (const check::Event& event : history.events) {
      if (event.kind == check::Kind::grant) {
        const std::size_t shard = event.lease >> MessageId::kPositionBits;
        if (event.lease <= tokens_[shard]) {
          return false;
        }
        highest[shard] = std::max(highest[shard], event.lease);
      }
    }
    tokens_ = highest;
    return true;
  }

 private:
  static constexpr std::size_t kShardsMax = 4;

  // Ids become numbers; an id that nobody was given becomes the number of no message.
  static void name_messages(check::History* history) {
    std::unordered_map<std::uint64_t, std::uint64_t> numbers;
    for (check::Event& event : history->events) {
      if (event.kind == check::Kind::publish) {
        if (event.lease != 0) {
          numbers.emplace(event.lease, event.message);
        }
        event.lease = 0;
      }
    }
    for (check::Event& event : history->events) {
      const bool by_id = event.kind == check::Kind::end || event.kind == check::Kind::replay;
      if (by_id && event.lease != 0) {
        const auto found = numbers.find(event.lease);
        event.message = found == numbers.end() ? ~event.lease : found->second;
        event.lease = 0;
      }
    }
  }

  const std::uint64_t seed_;
  const Shape shape_;
  Engine engine_ = *Engine::open();
  Queue queue_;
  std::array<std::uint64_t, kParties> numbers_{};
  std::array<std::uint64_t, kShardsMax> tokens_{};
};

unsigned long long printed(std::uint64_t number) {
  return number;
}

void write(const check::History& history, const std::string& file) {
  std::ofstream out(file);
  out << check::kFirstLine << '\n' << check::rules_line(history.rules);
  for (const check::Event& event : history.events) {
    out << check::event_line(event);
  }
}

// Adds what it put to the test; prints what is violated.
bool holds(const check::History& history, std::uint64_t seed, check::Report* sum) {
  const check::Report report = check::check(history);
  sum->events += report.events;
  for (unsigned i = 0; i <= check::kInvariants; ++i) {
    sum->judged[i] += report.judged[i];
  }
  if (report.holds()) {
    return true;
  }
  std::printf("history_threads: %llu violations, seed %llu, %s", printed(report.broken),
              printed(seed), check::rules_line(history.rules).c_str());
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(kShown, report.violations.size()); ++i) {
    const check::Violation& violation = report.violations[i];
    std::printf("%s: %s\n", check::invariant_name(violation.invariant), violation.text.c_str());
    for (const check::Event* event : violation.events) {
      std::printf("  %s", check::event_line(*event).c_str());
    }
  }
  return false;
}

// False: an invariant is violated.
bool play_run(const Settings& settings,
              std::uint64_t seed,
              std::uint64_t* done,
              check::Report* sum) {
  Run run(seed);
  check::History history;
  for (std::uint64_t left = settings.operations; left != 0;) {
    const std::uint64_t played = run.play(std::min(settings.round, left), &history);
    left -= std::min(left, played);
    *done += played;
    const bool right = holds(history, seed, sum);
    if (!settings.file.empty()) {
      write(history, settings.file);
    }
    if (!right || !run.tokens_rise(history)) {
      return false;
    }
  }
  return true;
}

int play(const Settings& settings) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  check::Report sum;
  for (std::uint64_t i = 0; i < settings.runs; ++i) {
    if (!play_run(settings, settings.seed + i, &done, &sum)) {
      return 1;
    }
  }
  bool enough = done >= kFloor;
  for (unsigned i = 1; i <= check::kInvariants; ++i) {
    enough &= sum.judged[i] != 0 || settings.runs < Settings().runs;
    std::printf("  %-22s %12llu judged\n", check::invariant_name(i), printed(sum.judged[i]));
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf(
      "history_threads: %llu runs, %llu operations, %llu events, at most %ld MiB in %.1f s (floor "
      "%llu) seed 0x%llx %s\n",
      printed(settings.runs), printed(done), printed(sum.events), usage.ru_maxrss / 1024,
      seconds.count(), printed(kFloor), printed(settings.seed), enough ? "ok" : "TOO FEW");
  return enough ? 0 : 1;
}

}  // namespace
}  // namespace laneway::history

int main(int count, char** values) {
  laneway::history::Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = values[i];
    const std::uint64_t number = std::strtoull(values[i + 1], nullptr, 0);
    if (name == "--runs") {
      settings.runs = number;
    } else if (name == "--operations") {
      settings.operations = number;
    } else if (name == "--round") {
      settings.round = number;
    } else if (name == "--seed") {
      settings.seed = number;
    } else if (name == "--write") {
      settings.file = values[i + 1];
    } else {
      std::fprintf(stderr, "what is %s? See the top of tests/history/history_threads.cpp\n",
                   values[i]);
      return 2;
    }
  }
  return laneway::history::play(settings);
}

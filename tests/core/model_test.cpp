// ShardCore beside an obvious model. Each seed draws a shape (kind of queue, limits, lengths of
// time, weights of the verbs) and then random verbs, which are done to both; the rules are checked
// after each of them. Seed and number of operations replay a run exactly:
//
//   core_model_test [--seeds N] [--operations N] [--seed S [--trace]]
#include "tests/core/lockstep.hpp"
#include "tests/core/require.hpp"
#include "tests/core/shape.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace laneway::engine {
namespace {

#ifdef LANEWAY_RELEASE
constexpr std::uint64_t kSeedsFloor = 20'000;
#else
constexpr std::uint64_t kSeedsFloor = 2'000;  // assertions and sanitizers take their time
#endif

// What is running, for the case that the core stops us by an assertion.
struct Running {
  std::uint64_t seed;
  std::uint64_t operation;
  std::uint64_t operations;
};
Running running = {};

void print_replay() {
  std::fprintf(stderr,
               "shard_core: seed %llu broke at operation %llu; replay: core_model_test --seed %llu "
               "--operations %llu --trace\n",
               static_cast<unsigned long long>(running.seed),
               static_cast<unsigned long long>(running.operation),
               static_cast<unsigned long long>(running.seed),
               static_cast<unsigned long long>(running.operations));
}

extern "C" void on_abort(int) {
  print_replay();
}

const char* const kNames[kOperations] = {
    "publish", "receive", "take",   "settle",  "ack_prefix", "extend",  "drop",       "take_back",
    "deliver", "advance", "replay", "discard", "cancel",     "release", "drop_oldest"};

class Run {
 public:
  Run(std::uint64_t seed, bool trace)
      : shape_(seed), random_(seed ^ 0x6f7065726174696f), both_(shape_), trace_(trace) {
    for (const std::uint64_t weight : shape_.weights) {
      weights_ += weight;
    }
    say("capacity %llu, dead letters %llu, run %u, attempts %u, %s, %s",
        static_cast<unsigned long long>(shape_.options.capacity),
        static_cast<unsigned long long>(shape_.options.dead_max), shape_.options.run_max,
        shape_.options.attempts_max,
        shape_.options.kind == QueueKind::by_key ? "by_key" : "unordered",
        shape_.options.on_failure == OnFailure::hold ? "hold" : "detach");
  }

  void step() {
    Operation operation = draw();
    for (int redraws = 8; !possible(operation) && redraws > 0; --redraws) {
      operation = draw();
    }
    say("%llu.%06llu ms  %s", static_cast<unsigned long long>(both_.now_tick()),
        static_cast<unsigned long long>(both_.now_ns() % 1'000'000),
        kNames[static_cast<std::size_t>(operation)]);
    if (possible(operation)) {
      apply(operation);
    }
    both_.check_counts();
    if (random_.percent(6)) {
      both_.check_everything();
    }
  }

  // Works off everything that is left, and looks at the empty shard. A dead letter may have stopped
  // its key.
  void drain() {
    say("%s", "drain");
    work_off();
    both_.check_everything();
    while (!both_.dead().empty()) {
      both_.discard(both_.dead().front());
      work_off();
    }
    both_.check_empty();
  }

 private:
  template <class... Arguments>
  void say(const char* format, Arguments... arguments) const {
    if (trace_) {
      std::printf("%5llu  ", static_cast<unsigned long long>(running.operation));
      std::printf(format, arguments...);
      std::printf("\n");
    }
  }

  void work_off() {
    do {
      drop_zombies();
      while (!both_.leases().live().empty()) {
        both_.leases().settle(lease(both_.leases().live().back()), LeaseEnd::acked);
      }
      while (both_.leases().on_the_way() != 0) {
        both_.deliver();
      }
      const std::uint64_t next = both_.core().next_due();
      if (next != TimerWheel::kNever && next > both_.now_tick()) {
        both_.pass(static_cast<std::int64_t>((next - both_.now_tick()) * 1'000'000));
      }
      both_.advance(128, &random_);
      both_.receive(64, 1'000, 1);
      both_.check_counts();
    } while (!both_.leases().all().empty() || both_.core().next_due() != TimerWheel::kNever ||
             both_.core().ready() != 0);
  }

  Operation draw() {
    std::uint64_t at = random_.below(weights_);
    std::size_t operation = 0;
    while (at >= shape_.weights[operation]) {
      at -= shape_.weights[operation++];
    }
    return static_cast<Operation>(operation);
  }

  bool possible(Operation operation) {
    const HeldLeases& leases = both_.leases();
    switch (operation) {
      case Operation::settle:
      case Operation::ack_prefix:
      case Operation::extend:
      case Operation::take_back:
        return !leases.live().empty();
      case Operation::drop_zombie:
        return !leases.zombies().empty();
      case Operation::deliver:
        return leases.on_the_way() != 0;
      case Operation::replay:
      case Operation::discard:
        return !both_.dead().empty();
      default:
        return true;
    }
  }

  void apply(Operation operation) {
    HeldLeases& leases = both_.leases();
    switch (operation) {
      case Operation::publish:
        return publish(random_.between(1, shape_.batch_max));
      case Operation::receive:
        return both_.receive(some32(shape_.room_max), random_.below(shape_.lease_max + 1),
                             some32(9));
      case Operation::take:
        return both_.take(some32(std::min<std::uint64_t>(shape_.room_max, 4)), &random_);
      case Operation::settle:
        for (std::uint64_t i = random_.between(1, 8); i > 0 && !leases.live().empty(); --i) {
          settle(lease(any(leases.live())));
        }
        return;
      case Operation::ack_prefix:
        return ack_prefix(lease(any(leases.live())));
      case Operation::extend:
        return extend(lease(any(leases.live())));
      case Operation::drop_zombie:
        return leases.drop_zombie(any(leases.zombies()));
      case Operation::take_back:
        return both_.take_back(random_.between(1, 8));
      case Operation::deliver:
        for (std::uint64_t i = random_.between(1, 16); i > 0 && leases.on_the_way() != 0; --i) {
          both_.deliver();
        }
        return;
      case Operation::advance:
        both_.pass(jump());
        return both_.advance(some32(shape_.budget_max), &random_);
      case Operation::replay:
        return replay();
      case Operation::discard:
        return both_.discard(any(both_.dead()));
      case Operation::cancel:
        return both_.cancel(both_.next_position() - random_.below(64));
      case Operation::drop_oldest:
        return both_.drop_oldest();
      case Operation::release_key:
        return both_.release_key(key_of(random_.below(shape_.keys)));
    }
  }

  std::uint32_t some32(std::uint64_t most) {
    return static_cast<std::uint32_t>(random_.between(1, most));
  }
  template <class Sequence>
  std::uint64_t any(const Sequence& sequence) {
    return sequence[random_.below(sequence.size())];
  }
  HeldLease& lease(std::uint64_t fence) { return both_.leases().at(fence); }

  void drop_zombies() {
    while (!both_.leases().zombies().empty()) {
      both_.leases().drop_zombie(both_.leases().zombies().back());
    }
  }

  void publish(std::uint64_t count) {
    if (both_.room() == 0 && random_.percent(30)) {
      drop_zombies();  // or nothing would happen any more
    }
    const bool at_once = both_.may_grant_at_once() && random_.percent(50);
    for (count = std::min(count, both_.room()); count > 0; --count) {
      reference::Message message;
      message.position = both_.next_position();
      const bool outside = random_.percent(shape_.outside);
      if (!random_.percent(shape_.unkeyed)) {
        message.key = key_of(random_.below(shape_.keys));
      }
      message.payload = bytes_of(message.position, random_.below(outside ? 200 : 65));
      message.priority = static_cast<std::int32_t>(random_.below(shape_.priorities)) - 2;
      message.type = outside && random_.percent(50) ? "order.created" : "";
      if (random_.percent(shape_.delayed)) {
        message.due_tick = both_.next_tick() + random_.below(shape_.delay_max + 1);
      }
      if (random_.percent(shape_.with_ttl)) {
        message.ttl_tick = both_.next_tick() + random_.below(2 * shape_.delay_max + 1);
      }
      const bool own_attempts = random_.percent(shape_.own_attempts);
      message.attempts_max = own_attempts
                                 ? static_cast<std::uint32_t>(random_.one_of({1, 2, 5, 40}))
                                 : shape_.options.attempts_max;
      both_.publish(std::move(message), own_attempts, at_once);
    }
    if (at_once) {
      both_.grant_entered(random_.below(shape_.lease_max + 1), some32(9));
    }
  }

  void settle(HeldLease& settled) {
    static constexpr LeaseEnd kVerdicts[] = {
        LeaseEnd::acked,    LeaseEnd::acked,    LeaseEnd::nacked,   LeaseEnd::nacked,
        LeaseEnd::released, LeaseEnd::rejected, LeaseEnd::abandoned};
    const LeaseEnd verdict = kVerdicts[random_.below(std::size(kVerdicts))];
    settled.with_note = verdict == LeaseEnd::nacked || verdict == LeaseEnd::rejected;
    if (settled.with_note) {
      FailureNote& note = settled.note;
      note.after_ms_plus_1 =
          random_.percent(50) ? FailureNote::kBackoff : random_.between(1, shape_.delay_max + 1);
      note.error_class = some32(1000);
      note.text_bytes = static_cast<std::uint8_t>(random_.below(kErrorTextBytesMax + 1));
      std::memset(note.text, static_cast<int>('a' + random_.below(26)), note.text_bytes);
    }
    both_.leases().settle(settled, verdict);
  }

  void ack_prefix(HeldLease& acked) {
    const auto prefix = static_cast<std::uint32_t>(random_.below(acked.members.size() + 1));
    acked.prefix = std::max(acked.prefix, prefix);
  }

  void extend(HeldLease& extended) {
    const std::uint64_t deadline = both_.next_tick() + random_.below(shape_.lease_max);
    extended.deadline_tick = std::max(extended.deadline_tick, deadline);
  }

  // One dead letter, or all of them, the oldest first.
  void replay() {
    std::vector<std::uint64_t> chosen{any(both_.dead())};
    if (random_.percent(30)) {
      chosen.assign(both_.dead().begin(), both_.dead().end());
    }
    for (const std::uint64_t position : chosen) {
      both_.replay(position, random_.percent(30) ? random_.below(shape_.delay_max + 1) : 0);
    }
  }

  // Time stands still, moves inside a tick, to the next tick, to the next thing to do, or jumps.
  std::int64_t jump() {
    const std::uint64_t next_due = both_.core().next_due();
    switch (random_.below(6)) {
      case 0:
        return 0;
      case 1:
        return static_cast<std::int64_t>(random_.below(1'000'000));
      case 2:
        return static_cast<std::int64_t>(both_.next_tick() * 1'000'000) - both_.now_ns();
      case 3:
      case 4:
        if (next_due != TimerWheel::kNever && next_due > both_.now_tick()) {
          return static_cast<std::int64_t>(next_due * 1'000'000) - both_.now_ns();
        }
        return 0;
      default:
        return static_cast<std::int64_t>(random_.below(shape_.jump_max * 1'000'000));
    }
  }

  const Shape shape_;
  Random random_;
  Lockstep both_;
  std::uint64_t weights_ = 0;
  const bool trace_;
};

bool holds(std::uint64_t seed, std::uint64_t operations, bool trace) {
  running = {seed, 0, operations};
  try {
    Run run(seed, trace);
    for (; running.operation < operations; ++running.operation) {
      run.step();
    }
    run.drain();
  } catch (const BrokenRule& rule) {
    std::fprintf(stderr, "shard_core: broken: %s\n", rule.what());
    print_replay();
    return false;
  }
  return true;
}

// As the other counted tests print it: 20 000.
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) {
    digits.insert(at - 3, " ");
  }
  return digits;
}

struct Arguments {
  std::uint64_t seeds = kSeedsFloor;
  std::uint64_t operations = 500;
  std::uint64_t first_seed = 1;
  bool one_seed = false;
  bool trace = false;
};

Arguments parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string name = values[i];
    const std::uint64_t number = i + 1 < count ? std::strtoull(values[i + 1], nullptr, 10) : 0;
    if (name == "--trace") {
      arguments.trace = true;
      continue;
    }
    if (name == "--seeds") {
      arguments.seeds = number;
    } else if (name == "--operations") {
      arguments.operations = number;
    } else if (name == "--seed") {
      arguments.first_seed = number;
      arguments.one_seed = true;
    } else {
      std::fprintf(stderr, "what is %s? See the top of model_test.cpp\n", name.c_str());
      std::exit(2);
    }
    ++i;
  }
  arguments.seeds = arguments.one_seed ? 1 : arguments.seeds;
  return arguments;
}

int run_seeds(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
    if (!holds(arguments.first_seed + i, arguments.operations, arguments.trace)) {
      return 1;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const bool enough = arguments.one_seed || arguments.seeds >= kSeedsFloor;
  std::printf("shard_core: %s seeds x %llu operations in %.1f s (floor %s) %s\n",
              grouped(arguments.seeds).c_str(),
              static_cast<unsigned long long>(arguments.operations), seconds.count(),
              grouped(kSeedsFloor).c_str(), enough ? "ok" : "TOO FEW");
  return enough ? 0 : 1;
}

}  // namespace
}  // namespace laneway::engine

int main(int count, char** values) {
  std::signal(SIGABRT, laneway::engine::on_abort);
  return laneway::engine::run_seeds(laneway::engine::parse(count, values));
}

// O1-O3: leases of 30 s, granted and acknowledged with so many outstanding; one in a thousand is
// never acknowledged. D1, D2: delays that all fire, spread over an hour, or in one tick. One
// thread, no queue: the deadlines alone; so what is told is processor time. Where a system has a
// time of its own, its timers do not fire here.
#include "bench/peers/timers.hpp"

#include "bench/harness/gate.hpp"
#include "bench/harness/random.hpp"
#include "bench/peers/loop_timers.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace laneway::bench {
namespace {

constexpr std::uint64_t kLeaseTicks = 30'000;
constexpr Guarantees kNothing{"-", "-", "-", "timers only"};
constexpr std::uint32_t kMillion = 1'000'000;

// Acks come at random, so that a lease is held for an exponentially distributed time.
template <class Timers>
class AckHeavy {
 public:
  AckHeavy(std::uint32_t outstanding, std::uint64_t seed)
      : random_(seed),
        leases_per_tick_(std::clamp(outstanding / 10'000, 100u, 1'000u)),
        resident_before_(resident_bytes()),
        timers_(outstanding + kNeverAcked),
        held_(outstanding) {
    std::iota(held_.begin(), held_.end(), 0u);
    for (const std::uint32_t slot : held_) {
      timers_.arm(slot, kLeaseTicks);
    }
    next_free_ = outstanding;
    resident_ = resident_bytes();
  }

  Measurement run(const RunOptions& options) {
    (void)lease_for(options.warm_up);
    return lease_for(options.measured);
  }

 private:
  static constexpr std::uint32_t kNeverAcked = 65'536;
  static constexpr std::uint32_t kOneOf = 1'000;

  Measurement lease_for(std::chrono::duration<double> length) {
    std::uint64_t leases = 0;
    std::uint64_t fired = 0;
    const double cpu_before = cpu_seconds();
    const SteadyClock::time_point start = SteadyClock::now();
    SteadyClock::time_point now = start;
    for (; now - start < length; now = SteadyClock::now()) {
      for (std::uint32_t i = 0; i < leases_per_tick_; ++i) {
        lease();
      }
      fired += timers_.advance(++tick_);
      leases += leases_per_tick_;
    }
    Measurement found;
    found.cpu_seconds = cpu_seconds() - cpu_before;
    found.seconds = std::chrono::duration<double>(now - start).count();
    found.messages = leases;
    found.figures.push_back(
        {"ns_per_lease", found.cpu_seconds / static_cast<double>(leases) * 1e9});
    found.figures.push_back({"bytes_per_lease", static_cast<double>(resident_ - resident_before_) /
                                                    static_cast<double>(held_.size())});
    found.figures.push_back({"fired", static_cast<double>(fired)});
    return found;
  }

  // One is acknowledged and one granted, in the same slot: slots are used again at once.
  void lease() {
    std::uint32_t& held = held_[random_.below(static_cast<std::uint32_t>(held_.size()))];
    if (random_.below(kOneOf) == 0 && next_free_ < held_.size() + kNeverAcked) {
      held = next_free_++;
    } else {
      timers_.cancel(held);
    }
    timers_.arm(held, tick_ + kLeaseTicks);
  }

  Random random_;
  const std::uint32_t leases_per_tick_;
  const std::uint64_t resident_before_;
  Timers timers_;
  std::vector<std::uint32_t> held_;  // slots of the leases that will be acknowledged
  std::uint32_t next_free_ = 0;
  std::uint64_t tick_ = 0;
  std::uint64_t resident_ = 0;
};

struct Size {
  const char* id;
  std::uint32_t outstanding;
  Profile profile;
};
constexpr std::array<Size, 5> kSizes{{{"O1", 1'000, Profile::full},
                                      {"O1", 20'000, Profile::brief},
                                      {"O2", 200'000, Profile::full},
                                      {"O2", kMillion, Profile::brief},
                                      {"O3", 10 * kMillion, Profile::full}}};
constexpr std::uint64_t kBytesForTenMillion = std::uint64_t{8} << 30;

std::uint64_t memory_bytes_free() {
  return static_cast<std::uint64_t>(sysconf(_SC_AVPHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Cell timer_cell(const char* id, std::string workload, const Who& who) {
  Cell cell;
  cell.group = "timers";
  cell.id = id;
  cell.workload = std::move(workload);
  cell.subject = who.subject;
  cell.package = who.package;
  cell.shape = {1, 0, 1};
  cell.payload = 0;
  cell.guarantees = kNothing;
  return cell;
}

// In the short profile a peer has its ack-heavy rows, or those of delays as well, or none.
enum class Brief { nothing, ack_heavy, all };

template <class Timers>
void add_ack_heavy(Cells& cells, const Who& who, Brief brief) {
  for (const Size& size : kSizes) {
    const std::string workload = "ack_heavy_" + std::to_string(size.outstanding) + "_outstanding";
    Cell cell = timer_cell(size.id, workload, who);
    cell.headline = {"ns_per_lease", false, {"bytes_per_lease"}};
    cell.profile = brief == Brief::nothing ? Profile::full : size.profile;
    if (size.outstanding > kMillion && memory_bytes_free() < kBytesForTenMillion) {
      cell.lacks = "less than 8 GiB of memory free";
    }
    cell.run = [size](const RunOptions& options) {
      return AckHeavy<Timers>(size.outstanding, options.seed).run(options);
    };
    cells.push_back(std::move(cell));
  }
}

// Fires everything that is due at `tick`; answers how many fired and keeps the longest single call.
template <class Timers>
std::uint64_t fire(Timers& timers, std::uint64_t tick, Histogram& calls) {
  std::uint64_t fired = 0;
  for (bool more = true; more;) {
    const SteadyClock::time_point before = SteadyClock::now();
    if constexpr (requires { timers.advance_once(tick, &more); }) {
      fired += timers.advance_once(tick, &more);
    } else {
      fired += timers.advance(tick);
      more = false;
    }
    calls.record(std::chrono::nanoseconds(SteadyClock::now() - before).count());
  }
  return fired;
}

// Arms them all, then moves time in steps until every one has fired.
template <class Timers>
Measurement arm_and_fire(const std::vector<std::uint64_t>& due, std::uint64_t step_ticks) {
  Timers timers(static_cast<std::uint32_t>(due.size()));
  const auto calls = std::make_unique<Histogram>();
  const double cpu_before = cpu_seconds();
  const SteadyClock::time_point start = SteadyClock::now();
  for (std::uint32_t slot = 0; slot < due.size(); ++slot) {
    timers.arm(slot, due[slot]);
  }
  const std::uint64_t last = *std::max_element(due.begin(), due.end());
  std::uint64_t fired = 0;
  for (std::uint64_t tick = step_ticks; fired < due.size() && tick < last + 2 * step_ticks;
       tick += step_ticks) {
    fired += fire(timers, tick, *calls);
  }
  Measurement found;
  found.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  found.cpu_seconds = cpu_seconds() - cpu_before;
  found.messages = fired;
  if (fired != due.size()) {
    found.violations = 1;
    found.first_violation = "a timer did not fire";
  }
  found.figures.push_back({"ns_per_timer", found.cpu_seconds / static_cast<double>(fired) * 1e9});
  found.figures.push_back({"longest_call_us", static_cast<double>(calls->max()) * 1e-3});
  return found;
}

std::vector<std::uint64_t> delays_over_an_hour(std::uint32_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint64_t> due(count);
  for (std::uint64_t& tick : due) {
    tick = static_cast<std::uint64_t>(std::pow(3'600'000.0, random.share()));
  }
  return due;
}

template <class Timers>
void add_delays(Cells& cells, const Who& who, Brief brief) {
  constexpr const char* kOwnTime = "has a time of its own";
  const Profile profile = brief == Brief::all ? Profile::brief : Profile::full;
  Cell spread = timer_cell("D1", "delays_from_1_ms_to_1_h", who);
  spread.headline = {"ns_per_timer", false, {"longest_call_us"}};
  spread.profile = profile;
  spread.lacks = Timers::kVirtualTime ? "" : kOwnTime;
  spread.run = [](const RunOptions& options) {
    return arm_and_fire<Timers>(delays_over_an_hour(200'000, options.seed), 100);
  };
  cells.push_back(std::move(spread));

  Cell together = timer_cell("D2", "a_million_due_in_one_tick", who);
  together.headline = {"ns_per_timer", false, {"longest_call_us"}};
  together.profile = profile;
  together.lacks = Timers::kVirtualTime ? "" : kOwnTime;
  together.run = [](const RunOptions&) {
    return arm_and_fire<Timers>(std::vector<std::uint64_t>(kMillion, 5'000), 5'000);
  };
  cells.push_back(std::move(together));
}

template <class Timers>
void add(Cells& cells, const Who& who, Brief brief) {
  add_ack_heavy<Timers>(cells, who, brief);
  add_delays<Timers>(cells, who, brief);
}

}  // namespace

void add_timer_cells(Cells& cells) {
  add<WheelTimers>(cells, {"laneway"}, Brief::all);
  add<HeapTimers>(cells, {"priority_queue", "libstdc++6"}, Brief::all);
  add<MapTimers>(cells, {"multimap", "libstdc++6"}, Brief::all);
#ifdef BENCH_HAVE_BOOST
  add<AsioTimers>(cells, {"asio", "libboost1.74-dev"}, Brief::ack_heavy);
#endif
#ifdef BENCH_HAVE_LIBUV
  add<UvTimers>(cells, {"libuv", "libuv1-dev"}, Brief::nothing);
#endif
#ifdef BENCH_HAVE_LIBEVENT
  add<EventTimers>(cells, {"libevent", "libevent-dev"}, Brief::ack_heavy);
#endif
  add_ack_heavy<NoTimers>(cells, {"driver_alone"}, Brief::ack_heavy);
}

}  // namespace laneway::bench

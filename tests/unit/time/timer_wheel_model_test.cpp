// TimerWheel beside an obvious model: a multimap from the tick at which a timer may first fire to
// its slot, whose equal keys stay in the order of insertion. The model foretells every firing
// exactly.
//
// LANEWAY_SEED=n repeats a run, LANEWAY_OPERATIONS=n makes the random ones longer.
#include "engine/time/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace laneway::engine {
namespace {

constexpr std::uint64_t kHour = 3'600'000;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr std::uint64_t kYear = 365 * kDay;
constexpr std::uint32_t kAll = 1'000'000'000;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

template <class Wheel>
class WheelAndModel {
 public:
  WheelAndModel(std::uint32_t slots, std::uint64_t start)
      : nodes_(Wheel::nodes_for(slots)),
        wheel_(nodes_, start),
        places_(slots, due_.end()),
        last_now_(start) {}

  enum class Order { of_arming, none };

  void arm(std::uint32_t slot, std::uint64_t tick, Order order = Order::of_arming) {
    forget(slot);
    // What is late already is due now, after what else is due now.
    places_[slot] = due_.emplace(std::max(tick, wheel_.reached()), Armed{slot, order});
    if (order == Order::of_arming) {
      wheel_.arm(slot, tick);
    } else {
      wheel_.arm_lazily(slot, tick);
    }
    expect(wheel_.armed(slot), "an armed slot is armed");
    expect(wheel_.tick_of(slot) == tick, "the tick is the one given");
    ++operations_;
    check();
  }

  void cancel(std::uint32_t slot) {
    const bool was_armed = places_[slot] != due_.end();
    forget(slot);
    expect(wheel_.armed(slot) == was_armed, "armed() is true of what the model knows");
    expect(wheel_.cancel(slot) == was_armed, "cancel says whether the slot was armed");
    expect(!wheel_.armed(slot), "a cancelled slot is not armed");
    ++operations_;
    check();
  }

  // `sink(slot)` runs after each firing and may arm and cancel.
  template <class Sink>
  WheelProgress advance(std::uint64_t now_tick, std::uint32_t budget, Sink&& sink) {
    const std::uint64_t reached = wheel_.reached();
    last_now_ = std::max(last_now_, now_tick);
    const WheelProgress progress =
        wheel_.advance(now_tick, budget, [&](std::uint32_t slot, std::uint64_t tick) {
          expect_next(slot, tick, now_tick);
          sink(slot);
        });
    ++operations_;
    nodes_moved_ += progress.nodes;
    unfinished_ += progress.more ? 1 : 0;
    expect(progress.nodes <= budget, "the budget bounds the work");
    expect(!progress.more || progress.nodes == budget, "nothing but the budget ends a call early");
    if (now_tick < reached) {
      expect(progress.nodes == 0, "time that goes back does nothing");
      expect(!progress.more, "time that goes back leaves nothing to do");
      expect(wheel_.reached() == reached, "time that goes back does not move the wheel");
    } else {
      const bool behind = progress.more || wheel_.size() == 0;
      expect(behind ? wheel_.reached() <= now_tick : wheel_.reached() == now_tick,
             "the wheel gets to now unless there is more to do, or nothing at all");
      expect(progress.more == (wheel_.next_due() <= now_tick), "more means due by next_due");
      expect(progress.more || due_.empty() || due_.begin()->first > now_tick, "nothing is left");
    }
    check();
    return progress;
  }
  WheelProgress advance(std::uint64_t now_tick, std::uint32_t budget) {
    return advance(now_tick, budget, [](std::uint32_t) {});
  }

  // Fires all there is, one node at a time.
  void drain() {
    while (!due_.empty() && !failed_) {
      const std::uint64_t next = std::max(wheel_.next_due(), last_now_);
      while (advance(next, 1).more && !failed_) {
      }
    }
    expect(wheel_.next_due() == Wheel::kNever, "a drained wheel has nothing due");
  }

  const Wheel& wheel() const { return wheel_; }
  bool failed() const { return failed_; }
  std::uint64_t last_now() const { return last_now_; }
  std::uint64_t operations() const { return operations_; }
  std::uint64_t fired() const { return fired_; }
  std::uint64_t nodes_moved() const { return nodes_moved_; }
  std::uint64_t unfinished() const { return unfinished_; }

 private:
  struct Armed {
    std::uint32_t slot;
    Order order;
  };
  using Model = std::multimap<std::uint64_t, Armed>;

  void expect(bool holds, const char* what) {
    if (!holds) {
      failed_ = true;
      ADD_FAILURE() << what << "; after " << operations_ << " operations, at tick "
                    << wheel_.reached();
    }
  }

  void forget(std::uint32_t slot) {
    if (places_[slot] != due_.end()) {
      due_.erase(places_[slot]);
      places_[slot] = due_.end();
    }
  }

  void expect_next(std::uint32_t slot, std::uint64_t tick, std::uint64_t now_tick) {
    ++fired_;
    expect(tick <= now_tick, "nothing fires early");
    expect(!wheel_.armed(slot), "a slot is unlinked before it fires");
    expect(places_[slot] != due_.end() && is_next(places_[slot]), "this slot is the next one");
    expect(!due_.empty() && due_.begin()->first == wheel_.reached(), "it fires at its time");
    forget(slot);
  }

  // Of the first tick, and in the order of arming if it has one.
  bool is_next(typename Model::const_iterator place) const {
    auto first = due_.begin();
    while (place->second.order == Order::of_arming && first != due_.end() &&
           first->second.order == Order::none) {
      ++first;
    }
    return place->second.order == Order::of_arming ? first == place : first->first == place->first;
  }

  void check() {
    expect(wheel_.size() == due_.size(), "as many are armed as the model says");
    expect(wheel_.reached() <= last_now_, "the wheel is not ahead of time");
    if (due_.empty()) {
      expect(wheel_.next_due() == Wheel::kNever, "nothing is due when nothing is armed");
    } else {
      expect(wheel_.next_due() <= due_.begin()->first, "next_due is never late");
      expect(wheel_.next_due() >= wheel_.reached(), "next_due is not past");
      expect(wheel_.reached() <= due_.begin()->first, "nothing is left behind");
    }
  }

  std::vector<TimerNode> nodes_;
  Wheel wheel_;
  Model due_;
  std::vector<typename Model::iterator> places_;  // due_.end(): not armed
  std::uint64_t last_now_;
  std::uint64_t operations_ = 0;
  std::uint64_t fired_ = 0;
  std::uint64_t nodes_moved_ = 0;
  std::uint64_t unfinished_ = 0;  // advances that the budget ended
  bool failed_ = false;
};

// --- every sequence on a tiny wheel
// ---------------------------------------------------------------

using TinyWheel = BasicTimerWheel<2, 2>;  // a round is sixteen ticks
constexpr std::uint64_t kTinyRound = 16;

struct Operation {
  enum Verb { arm, arm_lazily, cancel, advance } verb;
  std::uint64_t first;   // slot, or how far time moves
  std::uint64_t second;  // tick from the start, or budget
};

// Ticks from the start: about to be due, some buckets on, a round on, two rounds on. Named from the
// start and not from now, so that the same tick is armed from every distance and from its past.
std::vector<Operation> tiny_operations() {
  std::vector<Operation> all;
  for (const std::uint64_t tick : std::vector<std::uint64_t>{1, 6, 21, 38}) {
    for (std::uint64_t slot = 0; slot < 3; ++slot) {
      all.push_back({Operation::arm, slot, tick});
    }
  }
  for (const std::uint64_t tick : std::vector<std::uint64_t>{6, 38}) {
    all.push_back({Operation::arm_lazily, 0, tick});
  }
  for (std::uint64_t slot = 0; slot < 3; ++slot) {
    all.push_back({Operation::cancel, slot, 0});
  }
  all.push_back({Operation::advance, 1, kAll});
  all.push_back({Operation::advance, 6, 1});
  all.push_back({Operation::advance, 6, 2});
  all.push_back({Operation::advance, 20, 1});
  all.push_back({Operation::advance, 20, 3});
  return all;
}

class TinySequences {
 public:
  TinySequences(std::uint64_t start, std::size_t depth) : start_(start), depth_(depth) {}

  // Slots differ by name alone, so the first arm of each comes in the order of their names.
  void run(std::uint64_t slots_used = 0) {
    if (sequence_.size() == depth_) {
      replay();
      return;
    }
    for (const Operation& operation : operations_) {
      const bool names_slot = operation.verb != Operation::advance;
      const std::uint64_t known = slots_used + (operation.verb <= Operation::arm_lazily ? 1 : 0);
      if ((names_slot && operation.first >= known) || failed_) {
        continue;
      }
      sequence_.push_back(operation);
      run(names_slot ? std::max(slots_used, operation.first + 1) : slots_used);
      sequence_.pop_back();
    }
  }

  std::uint64_t replayed() const { return replayed_; }
  std::uint64_t operations() const { return operations_count_; }
  bool failed() const { return failed_; }

 private:
  void replay() {
    WheelAndModel<TinyWheel> both(3, start_);
    for (const Operation& operation : sequence_) {
      switch (operation.verb) {
        case Operation::arm:
          both.arm(static_cast<std::uint32_t>(operation.first), start_ + operation.second);
          break;
        case Operation::arm_lazily:
          both.arm(static_cast<std::uint32_t>(operation.first), start_ + operation.second,
                   WheelAndModel<TinyWheel>::Order::none);
          break;
        case Operation::cancel:
          both.cancel(static_cast<std::uint32_t>(operation.first));
          break;
        case Operation::advance:
          both.advance(both.last_now() + operation.first,
                       static_cast<std::uint32_t>(operation.second));
          break;
      }
    }
    both.drain();
    ++replayed_;
    operations_count_ += both.operations();
    if (both.failed()) {
      failed_ = true;
      ADD_FAILURE() << "start " << start_ << describe();
    }
  }

  std::string describe() const {
    static constexpr std::array<const char*, 4> kVerbs = {"arm", "arm lazily", "cancel", "advance"};
    std::string text;
    for (const Operation& operation : sequence_) {
      text += std::string(", ") + kVerbs[operation.verb] + ' ' + std::to_string(operation.first) +
              ' ' + std::to_string(operation.second);
    }
    return text;
  }

  const std::vector<Operation> operations_ = tiny_operations();
  std::uint64_t start_;
  std::size_t depth_;
  std::vector<Operation> sequence_;
  std::uint64_t replayed_ = 0;
  std::uint64_t operations_count_ = 0;
  bool failed_ = false;
};

TEST(timer_wheel_model, every_short_sequence_on_a_tiny_wheel_fires_as_the_model_says) {
  std::uint64_t replayed = 0;
  std::uint64_t operations = 0;
  const auto run = [&](std::uint64_t start, std::size_t depth) {
    TinySequences sequences(start, depth);
    sequences.run();
    replayed += sequences.replayed();
    operations += sequences.operations();
    return !sequences.failed();
  };
  for (std::uint64_t start = 0; start < kTinyRound; ++start) {
    ASSERT_TRUE(run(start, start < kTinyRound - 3 ? 4 : 5));  // deeper where a round ends soon
  }
  std::printf("every sequence: %llu replayed, %llu operations\n",
              static_cast<unsigned long long>(replayed),
              static_cast<unsigned long long>(operations));
}

// --- random operations
// ----------------------------------------------------------------------------

struct Mix {
  std::uint32_t slots = 256;
  std::uint32_t budget_max = kAll;      // of one advance
  std::uint64_t delay_max = 40 * kDay;  // log-uniform below
  std::uint64_t jump_max = kDay;        // log-uniform below
  std::uint32_t advance_percent = 20;
};

template <class Wheel>
class RandomRun {
 public:
  RandomRun(const Mix& mix, std::uint64_t seed)
      : mix_(mix),
        random_(seed),
        start_(random_() % (std::uint64_t{1} << 40)),
        both_(mix.slots, start_) {}

  void run(std::uint64_t operations) {
    while (both_.operations() < operations && !both_.failed()) {
      const std::uint64_t draw = random_() % 100;
      if (draw < mix_.advance_percent) {
        advance();
      } else if (draw < mix_.advance_percent + 25) {
        both_.cancel(any_slot());
      } else {
        both_.arm(any_slot(), some_tick(), some_order());
      }
    }
    both_.drain();
  }

  const WheelAndModel<Wheel>& both() const { return both_; }
  std::uint64_t years() const { return (both_.last_now() - start_) / kYear; }

 private:
  std::uint32_t any_slot() { return static_cast<std::uint32_t>(random_() % mix_.slots); }

  // As many of one size as of the next: 0, 1, 2-3, 4-7, ...
  std::uint64_t log_uniform(std::uint64_t max) {
    const auto bits = static_cast<std::uint64_t>(std::bit_width(max));
    const std::uint64_t mask = (std::uint64_t{1} << random_() % (bits + 1)) - 1;
    return std::min(random_() & mask, max);
  }

  // Half of the timers meet at a few ticks, armed from all distances; some are late.
  std::uint64_t some_tick() {
    const std::uint64_t draw = random_() % 16;
    std::uint64_t& meeting = meetings_[random_() % meetings_.size()];
    if (meeting + 3 < both_.wheel().reached()) {
      meeting = both_.last_now() + log_uniform(mix_.delay_max);
    }
    if (draw < 8) {
      return meeting;
    }
    const std::uint64_t delay = log_uniform(mix_.delay_max);
    return draw == 8 ? both_.last_now() - std::min(delay, both_.last_now())
                     : both_.last_now() + delay;
  }

  typename WheelAndModel<Wheel>::Order some_order() {
    using Order = typename WheelAndModel<Wheel>::Order;
    return random_() % 3 == 0 ? Order::none : Order::of_arming;
  }

  std::uint64_t some_now() {
    const std::uint64_t next_due = both_.wheel().next_due();
    switch (random_() % 8) {
      case 0:
        return both_.last_now();
      case 1:
        return both_.last_now() - std::min<std::uint64_t>(random_() % 300, both_.last_now());
      case 2:
        return next_due == Wheel::kNever ? both_.last_now() : next_due;
      case 3:
        return next_due == Wheel::kNever ? both_.last_now() : next_due - 1;
      default:
        return both_.last_now() + log_uniform(mix_.jump_max);
    }
  }

  void advance() {
    const auto budget = 1 + static_cast<std::uint32_t>(random_() % mix_.budget_max);
    // Each sink gets a bounded number of arms, or an advance without a budget would never end.
    std::uint32_t arms_left = 20;
    both_.advance(some_now(), budget, [this, &arms_left](std::uint32_t slot) {
      const std::uint64_t draw = random_() % 8;
      if (draw < 2 && arms_left > 0) {
        --arms_left;
        both_.arm(draw == 0 ? slot : any_slot(), some_tick(), some_order());
      } else if (draw == 2) {
        both_.cancel(any_slot());
      }
    });
  }

  Mix mix_;
  std::mt19937_64 random_;
  std::uint64_t start_;
  WheelAndModel<Wheel> both_;
  std::array<std::uint64_t, 8> meetings_{};
};

template <class Wheel>
void run_random(const char* name, const Mix& mix, std::uint64_t operations) {
  const std::uint64_t seed = from_environment("LANEWAY_SEED", 20'260'101);
  RandomRun<Wheel> random(mix, seed);
  random.run(from_environment("LANEWAY_OPERATIONS", operations));
  const auto& both = random.both();
  const auto count = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%s: seed %llu, %llu operations, %llu nodes moved, %llu fired, ", name, count(seed),
              count(both.operations()), count(both.nodes_moved()), count(both.fired()));
  std::printf("%llu advances ended by the budget, %llu virtual years\n", count(both.unfinished()),
              count(random.years()));
  ASSERT_FALSE(both.failed()) << "LANEWAY_SEED=" << seed;
  EXPECT_GT(both.fired(), operations / 75);
}

TEST(timer_wheel_model, delays_to_forty_days_extends_cancels_and_jumps_fire_as_the_model_says) {
  run_random<TimerWheel>("days", {.slots = 1024}, 6'000'000);
}

TEST(timer_wheel_model, delays_of_years_recirculate_and_keep_their_order) {
  run_random<TimerWheel>("years", {.slots = 256, .delay_max = 9 * kYear, .jump_max = 60 * kDay},
                         2'500'000);
}

TEST(timer_wheel_model, a_wheel_that_lags_behind_time_keeps_order_and_is_never_early) {
  run_random<TimerWheel>("lagging",
                         {.slots = 512,
                          .budget_max = 8,
                          .delay_max = 2 * kHour,
                          .jump_max = kHour,
                          .advance_percent = 35},
                         2'500'000);
}

TEST(timer_wheel_model, budgets_of_one_keep_order_through_every_half_done_cascade) {
  run_random<TimerWheel>("budget one",
                         {.slots = 64,
                          .budget_max = 1,
                          .delay_max = 60 * kDay,
                          .jump_max = 20 * kDay,
                          .advance_percent = 45},
                         2'500'000);
}

TEST(timer_wheel_model, a_tiny_wheel_under_long_random_runs_fires_as_the_model_says) {
  run_random<TinyWheel>(
      "tiny", {.slots = 6, .budget_max = 3, .delay_max = 70, .jump_max = 40, .advance_percent = 35},
      2'500'000);
}

// --- counted work
// ---------------------------------------------------------------------------------

TEST(timer_wheel_work, a_timer_moves_at_most_once_per_level_from_any_place_to_any_tick) {
  std::mt19937_64 random(from_environment("LANEWAY_SEED", 7));
  std::array<TimerNode, TimerWheel::nodes_for(1)> nodes{};
  for (int trial = 0; trial < 100'000; ++trial) {
    const std::uint64_t start = random() >> 32;
    const std::uint64_t due = start + ((random() >> 32) >> random() % 32);
    const bool same_round = (start >> 32) == (due >> 32);
    TimerWheel wheel(nodes, start);
    wheel.arm(0, due);
    const WheelProgress progress = wheel.advance(due, kAll, [](std::uint32_t, std::uint64_t) {});
    ASSERT_FALSE(wheel.armed(0));
    ASSERT_LE(progress.nodes, same_round ? 4u : 5u) << start << " to " << due;
  }
}

TEST(timer_wheel_work, leases_settled_in_time_are_moved_only_when_their_level_begins_a_new_turn) {
  constexpr std::uint64_t kTicks = 200'000;
  constexpr std::uint32_t kSlots = 64;
  std::vector<TimerNode> nodes(TimerWheel::nodes_for(kSlots));
  TimerWheel wheel(nodes, 0);
  std::uint64_t moved = 0;
  for (std::uint64_t now_tick = 0; now_tick < kTicks; ++now_tick) {
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      wheel.arm(slot, now_tick + 30'000);
    }
    moved += wheel.advance(now_tick + 1, kAll, [](std::uint32_t, std::uint64_t) {}).nodes;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      ASSERT_TRUE(wheel.cancel(slot));
    }
  }
  // Of 12.8 million leases, those that were out when 65,536 ticks were over.
  EXPECT_EQ(moved, kTicks / 65'536 * kSlots);
}

TEST(timer_wheel_work, the_overflow_is_looked_through_only_in_rounds_in_which_something_is_due) {
  constexpr std::uint64_t kRound = std::uint64_t{1} << 32;
  std::vector<TimerNode> nodes(TimerWheel::nodes_for(101));
  TimerWheel wheel(nodes, 0);
  wheel.arm(100, 2 * kRound);
  for (std::uint32_t slot = 0; slot < 100; ++slot) {
    wheel.arm(slot, 60 * kRound);
  }
  std::uint64_t moved = 0;
  for (std::uint64_t round = 1; round <= 60; ++round) {
    moved += wheel.advance(round * kRound, kAll, [](std::uint32_t, std::uint64_t) {}).nodes;
  }
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(moved, 101u + 1u + 100u + 100u);  // looked at in rounds 2 and 60, fired in them
}

}  // namespace
}  // namespace laneway::engine

#include "tests/simulation/plan.hpp"

#include <array>
#include <span>

namespace laneway::simulation {

namespace {

using std::chrono::milliseconds;

struct Weight {
  Verb verb;
  std::uint32_t weight;
};

constexpr Weight kProducer[] = {{Verb::publish, 60}, {Verb::publish_batch, 25}, {Verb::rest, 15}};
constexpr Weight kConsumer[] = {{Verb::receive, 62}, {Verb::take, 4},     {Verb::settle, 14},
                                {Verb::extend, 4},   {Verb::ack_part, 4}, {Verb::hand_over, 4},
                                {Verb::rest, 8}};
constexpr Weight kOperator[] = {{Verb::pause, 5},
                                {Verb::resume, 12},
                                {Verb::pause_publishing, 2},
                                {Verb::resume_publishing, 6},
                                {Verb::replay, 8},
                                {Verb::replay_all, 3},
                                {Verb::discard, 5},
                                {Verb::release_key, 5},
                                {Verb::cancel, 5},
                                {Verb::list, 8},
                                {Verb::stats, 14},
                                {Verb::status, 10},
                                {Verb::drain, 2},
                                {Verb::flush, 4},
                                {Verb::jump, 15},
                                {Verb::step_back, 2},
                                {Verb::rest, 8}};
// With a worker pool nobody else settles, so operators have the time.
constexpr Weight kNobody[] = {{Verb::rest, 1}};

Verb draw_verb(Random& random, std::span<const Weight> weights) {
  std::uint32_t sum = 0;
  for (const Weight& weight : weights) {
    sum += weight.weight;
  }
  std::uint64_t at = random.below(sum);
  std::size_t i = 0;
  while (at >= weights[i].weight) {
    at -= weights[i++].weight;
  }
  return weights[i].verb;
}

std::span<const Weight> weights_of(Role role) {
  switch (role) {
    case Role::producer:
      return kProducer;
    case Role::consumer:
      return kConsumer;
    case Role::operator_:
      return kOperator;
    case Role::worker_pool:
      break;
  }
  return kNobody;
}

std::uint32_t small(std::uint64_t number) {
  return static_cast<std::uint32_t>(number);
}

}  // namespace

Plan::Plan(std::uint64_t seed_used, std::uint64_t count) : seed(seed_used) {
  Random random(seed ^ 0x706c616e);
  draw_options(random);
  draw_limits(random);
  draw_journal(random, count);
  draw_actors(random);
  draw_operations(random, count);
}

void Plan::draw_options(Random& random) {
  driver = random.percent(75) ? DriverMode::thread : DriverMode::manual;
  options.kind = random.percent(85) ? QueueKind::by_key : QueueKind::unordered;
  options.capacity = random.one_of({4, 8, 16, 24, 64, 256});
  options.shards = small(random.one_of({1, 1, 1, 2, 4, 8}));
  options.payload_bytes_max = 256;
  options.payload_pool_bytes = 1024 * 1024;
  options.attempts_max = small(random.one_of({1, 2, 3, 5}));
  options.backoff = {milliseconds(random.below(6)), milliseconds(random.between(1, 20)),
                     milliseconds(1)};
  options.on_failure = random.percent(75) ? OnFailure::hold : OnFailure::detach;
  options.lease = milliseconds(random.one_of({2, 5, 20, 50}));
  options.run_max = options.kind == QueueKind::by_key ? small(random.one_of({1, 1, 2, 4, 8})) : 1;
  options.dead_letters_max = random.one_of({2, 8, 64, 512});
  options.outcomes_remembered = 32'768;  // of a shard more than all operations publish
  options.seed = random.next();
  keys = small(random.one_of({1, 2, 5, 20, 100}));
  unkeyed = small(random.one_of({0, 0, 10, 50}));
  delayed = small(random.one_of({0, 0, 10, 40}));
  with_ttl = small(random.one_of({0, 0, 0, 20}));
  own_attempts = small(random.one_of({0, 0, 20}));
  outside = small(random.one_of({0, 10, 60}));
  failing = small(random.one_of({0, 5, 30, 60}));
  kept = small(random.one_of({0, 10, 40}));
  batch_max = small(random.one_of({2, 4, 12}));
  receive_max = small(random.one_of({1, 2, 8, 64}));
  looks_when_idle = random.percent(50);
  jumps = random.percent(60);
  steps_back = driver == DriverMode::manual && random.percent(30);
}

// Each of the rules that a queue may have beside its capacity, in a few of the runs.
void Plan::draw_limits(Random& random) {
  if (options.kind == QueueKind::by_key && random.percent(40)) {
    options.on_death = random.percent(50) ? OnDeath::hold_key : OnDeath::divert_key;
    options.dead_letters_max = 4096;  // none must make room, or its key would go on untold
  }
  if (random.percent(30)) {
    options.overflow = random.percent(50) ? Overflow::block : Overflow::drop_oldest;
    options.block_max = milliseconds(random.between(1, 30));
  }
  options.priorities = random.percent(20);
  if (options.kind == QueueKind::by_key && random.percent(15)) {
    options.key_messages_max = random.between(1, 8);
  }
  options.in_flight_max = random.percent(15) ? small(random.between(1, 8)) : 0;
  if (random.percent(10)) {
    options.rate = {static_cast<double>(random.between(200, 5'000)), small(random.between(1, 8))};
  }
  if (random.percent(15)) {
    options.high_watermark = options.capacity / 2;
    options.low_watermark = options.capacity / 4;
    options.shed_below = static_cast<std::int32_t>(random.below(3));
  }
  options.bytes_max = random.percent(5) ? random.between(2'000, 6'000) : 0;
  if (random.percent(20)) {
    options.dedup_window = milliseconds(random.one_of({1, 5, 20, 100}));
    options.dedup_ids_max = 16'384;
    with_dedup = small(random.one_of({10, 50, 100}));
  }
}

// A queue that survives, and up to four lives for it.
void Plan::draw_journal(Random& random, std::uint64_t count) {
  if (!random.percent(30)) {
    return;
  }
  options.durability = static_cast<Durability>(random.below(3));
  options.durable_messages = options.durability == Durability::none;
  own_durability = options.durable_messages ? 70 : small(random.one_of({0, 0, 40}));
  options.count_interrupted = random.percent(75);
  options.dead_letters_max = 4096;  // none is discarded for room
  steps_back = false;
  driver = DriverMode::thread;  // without it ids are used up only when somebody polls
  journal_segments = random.one_of({4, 8, 1024});
  // A replayed message may come before one whose publish has returned, and that waits for another
  // to be durable: the judge does not know of that.
  replays = options.kind == QueueKind::unordered ||
            (options.durability == Durability::async && own_durability == 0);
  std::uint64_t from = 0;
  for (std::uint64_t stops = random.below(4); stops > 0 && from < count; --stops) {
    LifePlan life;
    life.stop = static_cast<Stop>(random.between(1, 3));
    life.stops_at = from += random.between(1, count / stops);
    life.in_calls = random.percent(50);
    life.cut_in_recovery = random.percent(15) ? random.between(1, 40) : 0;
    lives.push_back(life);
  }
  lives.push_back({});
  for (LifePlan& life : lives) {
    if (random.percent(35)) {
      life.fault = static_cast<DiskFault>(random.between(1, 5));
      life.fault_after = random.below(100);
    }
  }
}

void Plan::draw_actors(Random& random) {
  actors.insert(actors.end(), random.between(1, 3), Role::producer);
  const bool pool = random.percent(20);
  workers = pool ? small(random.between(1, 3)) : 0;
  worker_batch = small(random.one_of({1, 1, 3}));
  actors.insert(actors.end(), pool ? 0 : random.between(1, 4), Role::consumer);
  actors.insert(actors.end(), random.between(pool ? 1 : 0, 2), Role::operator_);
}

void Plan::draw_operations(Random& random, std::uint64_t count) {
  const std::uint64_t close_at = random.percent(10) ? random.below(count) : count;
  std::array<std::uint32_t, 4> weight{3, 4, 1, 0};  // by role
  std::vector<std::uint32_t> draw_from;
  for (std::uint32_t actor = 0; actor < actors.size(); ++actor) {
    draw_from.insert(draw_from.end(), weight[static_cast<std::size_t>(actors[actor])], actor);
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint32_t actor = draw_from[random.below(draw_from.size())];
    const Verb verb = i == close_at ? Verb::close : draw_verb(random, weights_of(actors[actor]));
    const bool idle = (verb == Verb::jump && !jumps) || (verb == Verb::flush && !journaled());
    operations.push_back({actor, idle ? Verb::rest : verb, random.next()});
  }
}

}  // namespace laneway::simulation

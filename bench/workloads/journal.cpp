// J1-J4: what a journal costs at each level, how synchronous publishers share the disk, how much
// one thread gets through with tickets, and how long reading a journal takes. Beside them what the
// disk does without any of it: one thread that appends 4 KiB and waits for fdatasync.
#include "bench/harness/race.hpp"
#include "bench/peers/laneway_durable.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#include <fcntl.h>

#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace laneway::bench {
namespace {

using namespace std::chrono_literals;

// What the journal did for the messages of a run.
template <class Durable>
void report_journal(Durable& durable, Measurement* found) {
  const JournalStats stats = value_of(durable.engine().journal_stats());
  const auto commits = static_cast<double>(std::max<std::uint64_t>(1, stats.commits));
  const auto records = static_cast<double>(std::max<std::uint64_t>(1, stats.durable_records));
  found->figures.push_back({"records_per_commit", records / commits});
  found->figures.push_back(
      {"bytes_per_record", static_cast<double>(stats.bytes_written) / records});
}

template <Durability kDurability>
Measurement race(const Shape& shape, const RunOptions& options) {
  using Durable = LanewayDurable<kDurability>;
  Durable durable(shape);
  Measurement found = Race<Durable, KeyedElement>(durable, shape, options).run();
  found.histograms.push_back({"publish", *durable.publish_times()});
  if (kDurability != Durability::none) {
    report_journal(durable, &found);
  }
  return found;
}

template <Durability kDurability>
void add_race(Cells& cells, Place place, const char* subject, const Shape& shape, Profile profile) {
  Cell cell = cell_of<LanewayDurable<kDurability>>(std::move(place), {subject}, shape);
  cell.headline.beside = {"publish_p50_us", "publish_p99_us", "records_per_commit",
                          "bytes_per_record", "cpu_s_per_million"};
  cell.profile = profile;
  cell.seconds_factor = 2;
  cell.run = [shape](const RunOptions& options) { return race<kDurability>(shape, options); };
  cells.push_back(std::move(cell));
}

void add_levels(Cells& cells) {
  const Shape shape{1, 1, 32};
  const Place place{"journal", "J1", "levels_one_to_one_batch_32"};
  add_race<Durability::none>(cells, place, "laneway", shape, Profile::brief);
  add_race<Durability::async>(cells, place, "laneway_async", shape, Profile::brief);
  add_race<Durability::sync>(cells, place, "laneway_sync", shape, Profile::brief);
}

void add_waiting(Cells& cells) {
  for (const std::uint32_t publishers : {1u, 4u, 16u, 64u}) {
    add_race<Durability::sync>(
        cells, {"journal", "J2", count_in_words(publishers) + "_waiting_publishers"}, "laneway",
        {publishers, 1, 1}, publishers == 1 || publishers == 16 ? Profile::brief : Profile::full);
  }
}

// --- the disk alone ------------------------------------------------------------------------------

struct DiskAlone {
  static constexpr Guarantees kGuarantees{"-", "-", "-", "none: 4 KiB, fdatasync"};
};

Measurement append_and_sync(const RunOptions& options) {
  const JournalFolder folder;
  const int file =
      ::open((folder.path() / "appended").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const std::vector<std::byte> block(4096, std::byte{'x'});
  Measurement found;
  Histogram times;
  const SteadyClock::time_point start = SteadyClock::now();
  SteadyClock::time_point now = start;
  while (now - start < options.measured) {
    const SteadyClock::time_point begun = now;
    if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        ::fdatasync(file) != 0) {
      found.violations = 1;
      found.first_violation = "the disk refused";
      break;
    }
    now = SteadyClock::now();
    times.record(std::chrono::nanoseconds(now - begun).count());
    ++found.messages;
  }
  ::close(file);
  found.seconds = std::chrono::duration<double>(now - start).count();
  found.histograms.push_back({"publish", times});
  return found;
}

void add_disk(Cells& cells) {
  Cell cell = cell_of<DiskAlone>({"journal", "J2", "one_waiting_publishers"},
                                 {"append_and_fdatasync"}, {1, 0, 1});
  cell.headline.beside = {"publish_p50_us", "publish_p99_us"};
  cell.seconds_factor = 2;
  cell.run = append_and_sync;
  cells.push_back(std::move(cell));
}

// --- tickets -------------------------------------------------------------------------------------

// One thread publishes without waiting, and works off what has become durable.
class Tickets {
 public:
  Tickets() : durable_({}), consumer_(durable_.consumer(0)), verifier_(kOrder, 1, ledger_) {}

  Measurement run(std::size_t in_flight, const RunOptions& options) {
    const SteadyClock::time_point start = SteadyClock::now();
    while (SteadyClock::now() - start < options.measured) {
      fill(in_flight);
      settle(in_flight / 2);
    }
    settle(waiting_.size());
    while (verifier_.count() < feed_.written()) {
      (void)consumer_.consume(kBatchMax, verifier_, 100ms);
    }
    Measurement found;
    found.messages = verifier_.count();
    found.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    found.violations = verifier_.violations() + (verifier_.digest() != feed_.digest() ? 1 : 0);
    found.first_violation = verifier_.first_violation();
    report_journal(durable_, &found);
    return found;
  }

 private:
  static constexpr OrderPromise kOrder = OrderPromise::per_key;

  void fill(std::size_t in_flight) {
    KeyedElement element;
    while (waiting_.size() < in_flight) {
      feed_.write(element);
      waiting_.push_back(value_of(durable_.queue().publish_async(message_of(element))));
    }
  }
  // The oldest so many: of one shard the last one speaks for all.
  void settle(std::size_t count) {
    if (count != 0 && !value_of(durable_.queue().wait_durable(waiting_[count - 1], 20s))) {
      give_up(feed_.written(), verifier_.count());
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    while (consumer_.consume(kBatchMax, verifier_) != 0) {
    }
  }

  LanewayDurable<Durability::sync> durable_;
  LanewayDurable<Durability::sync>::Consumer consumer_;
  KeySet keys_{kKeys};
  KeyLedger ledger_{kKeys};
  Feed feed_{keys_, {.producer = 0, .producers = 1}, KeyPlan::Draw::uniform, 1};
  Verifier verifier_;
  std::deque<MessageId> waiting_;
};

void add_tickets(Cells& cells) {
  for (const std::size_t in_flight : {256u, 4096u}) {
    Cell cell = cell_of<LanewayDurable<Durability::sync>>(
        {"journal", "J3", std::to_string(in_flight) + "_tickets_in_flight"}, {"laneway"},
        {1, 1, 1});
    cell.headline.beside = {"records_per_commit", "bytes_per_record"};
    cell.profile = in_flight == 4096 ? Profile::brief : Profile::full;
    cell.seconds_factor = 2;
    cell.run = [in_flight](const RunOptions& options) { return Tickets().run(in_flight, options); };
    cells.push_back(std::move(cell));
  }
}

// --- recovery ------------------------------------------------------------------------------------

// So many unresolved messages are left behind; how long until the next life has them again?
Measurement recovery(std::uint32_t count) {
  const JournalFolder folder;
  const QueueOptions options{.capacity = count, .shards = 1, .durability = Durability::async};
  const KeySet keys(kKeys);
  Feed feed(keys, {.producer = 0, .producers = 1}, KeyPlan::Draw::uniform, 1);
  {
    LanewayQueue life(options, folder.options());
    LanewayProducer<KeyedElement> producer(life.queue);
    Waiter waiter;
    std::array<KeyedElement, kBatchMax> elements;
    while (feed.written() < count) {
      for (KeyedElement& element : elements) {
        feed.write(element);
      }
      producer.publish(elements, waiter);
    }
    (void)value_of(life.engine.flush());
  }
  const std::uint64_t before = resident_bytes();
  const SteadyClock::time_point start = SteadyClock::now();
  LanewayQueue life(options, folder.options());
  Measurement found;
  found.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  const QueueStats stats = value_of(life.queue.stats());
  found.messages = stats.ready + stats.blocked;
  if (found.messages != count) {
    found.violations = 1;
    found.first_violation = std::to_string(found.messages) + " messages came back";
  }
  found.figures.push_back({"seconds", found.seconds});
  found.figures.push_back(
      {"resident_bytes_per_message", static_cast<double>(resident_bytes() - before) / count});
  return found;
}

void add_recovery(Cells& cells) {
  for (const auto& [workload, count, profile] :
       {std::tuple{"recovery_of_a_hundred_thousand", 102'400u, Profile::brief},
        std::tuple{"recovery_of_a_million", 1u << 20, Profile::full},
        std::tuple{"recovery_of_ten_million", 10u << 20, Profile::full}}) {
    Cell cell = cell_of<LanewayDurable<Durability::async>>({"journal", "J4", workload}, {"laneway"},
                                                           {1, 0, 32});
    cell.headline = {"rate_M_per_s", true, {"seconds", "resident_bytes_per_message"}};
    cell.profile = profile;
    cell.run = [size = count](const RunOptions&) { return recovery(size); };
    cells.push_back(std::move(cell));
  }
}

}  // namespace

void add_journal_cells(Cells& cells) {
  add_levels(cells);
  add_waiting(cells);
  add_disk(cells);
  add_tickets(cells);
  add_recovery(cells);
}

}  // namespace laneway::bench

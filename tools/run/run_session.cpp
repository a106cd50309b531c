#include "tools/run/run_session.hpp"

#include "tools/run/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <system_error>

namespace laneway::tools {

namespace {

using Step = RunControl::Step;
using std::chrono::milliseconds;

// Between two looks at the run: an eighth of the time it has run for, within these bounds. So a
// short run is not kept waiting, and a long one is left alone.
constexpr milliseconds kTickMin{1};
constexpr milliseconds kTickMax{50};

milliseconds tick_after(std::chrono::nanoseconds running) {
  return std::clamp(std::chrono::floor<milliseconds>(running / 8), kTickMin, kTickMax);
}

}  // namespace

RunSession::RunSession(RunSetup& setup, Signals& signals, Queue queue)
    : setup_(setup),
      signals_(signals),
      queue_(std::move(queue)),
      parts_{.options = setup.options,
             .control = setup.control,
             .queue = queue_,
             .handler = *setup.handler,
             .tally = tally_,
             .pending = pending_,
             .dead_letters = setup.dead_letters,
             .journal = setup.journal},
      feeder_(parts_, setup.input, std::move(setup.rules)),
      collector_(parts_) {}

Report RunSession::run() {
  started_ = Clock::now();
  for (const OpenRecord& record : setup_.journal.open_records()) {
    pending_.add(record.number);
    setup_.handler->joining(record.key, record.number);
    tally_.read.add();
    tally_.passed_over.add(-1);  // the reader passes over all that were published
  }
  start_workers();
  std::thread reader([this] { feeder_.run(); });
  watch();
  setup_.control.advance(Step::stopping);
  reader.join();
  if (pending_.count() > 0) {
    join_workers();  // whoever is still at work gives its record back
    collector_.collect();
  }
  wall_ = Clock::now() - started_;
  if (const auto stats = queue_.stats()) {
    stats_ = *stats;
  }
  queue_.close();  // wakes workers that wait for records
  join_workers();
  return report();
}

void RunSession::start_workers() {
  for (std::uint32_t index = 0; index < setup_.options.queueing.workers; ++index) {
    auto consumer = queue_.consumer();
    if (!consumer) {
      setup_.control.fail("cannot start a worker: " + to_string(consumer.error()));
      return;
    }
    workers_.push_back(std::make_unique<Worker>(parts_, *std::move(consumer), index));
    try {
      threads_.emplace_back([worker = workers_.back().get()] { worker->run(); });
    } catch (const std::system_error& error) {
      setup_.control.fail(fmt::format("cannot start a worker: {}", error.what()));
      return;
    }
  }
}

void RunSession::join_workers() {
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

// Returns when everything is finished, or the run is to stop.
void RunSession::watch() {
  Progress progress(setup_.console, setup_.options.result.quiet);
  while (true) {
    heed(signals_.wait(tick_after(Clock::now() - started_)));
    if (setup_.console.output_closed() || Clock::now() >= grace_end_) {
      interrupted_ = true;
      setup_.control.advance(Step::stopping);
    }
    const bool all_read = feeder_.done();  // asked before what it has left behind is counted
    collector_.collect();
    show_progress(progress);
    if (setup_.control.stopping()) {
      interrupted_ = true;  // perhaps by an output that was closed since it was looked at above
      break;
    }
    if (all_read && pending_.count() == 0) {
      break;
    }
  }
  progress.end();
}

void RunSession::heed(int signal) {
  if (signal == 0) {
    return;
  }
  if (interrupted_) {
    setup_.control.advance(Step::stopping);
    return;
  }
  interrupted_ = true;
  setup_.control.advance(Step::draining);
  const milliseconds grace = setup_.options.result.grace;
  grace_end_ = Clock::now() + grace;
  setup_.console.write_error(fmt::format(
      "laneway run: {}: reads no more, finishes what was read for at most {}; once more "
      "stops it now\n",
      signal == SIGINT ? "interrupted" : "asked to end", compact_duration(grace)));
}

void RunSession::show_progress(Progress& progress) {
  if (!progress.due()) {
    return;
  }
  const auto stats = queue_.stats();
  if (!stats) {
    return;
  }
  const std::uint64_t read = tally_.read.get();
  ProgressState state{.read = read,
                      .finished = read - std::min<std::uint64_t>(pending_.count(), read),
                      .in_flight = stats->leased,
                      .retries = stats->redelivered,
                      .dead = collector_.rejected() + collector_.attempts() +
                              tally_.refused_long.get() + tally_.refused_unkeyed.get(),
                      .oldest_ready = stats->oldest_ready_age,
                      .draining = !setup_.control.reading()};
  state.share = finished_share(tally_.bytes_read.get(), setup_.input.size(), state);
  progress.show(state);
}

Report RunSession::report() {
  Report report;
  const RunOptions& options = setup_.options;
  report.read = tally_.read.get();
  report.empty = tally_.empty.get();
  report.passed_over = tally_.passed_over.get();
  report.unkeyed = tally_.unkeyed.get();
  report.duplicates = tally_.duplicates.get();
  report.keyed = options.input.has_keys();
  report.keys = feeder_.keys().keys();
  report.more_keys = feeder_.keys().overflowed();
  for (KeyCounts::Row& row : feeder_.keys().top(1)) {
    report.busiest_key = std::move(row.key);
    report.busiest_key_records = row.count;
  }
  report.acked = stats_.acked;
  report.dead_rejected = collector_.rejected();
  report.dead_attempts = collector_.attempts();
  report.refused_long = tally_.refused_long.get();
  report.refused_unkeyed = tally_.refused_unkeyed.get();
  report.dead_samples.assign(collector_.samples().begin(), collector_.samples().end());
  report.dead_letters_path = options.result.dead_letters;
  report.deliveries = stats_.leased_total;
  report.failed = stats_.nacked + stats_.rejected + stats_.lease_expired + stats_.abandoned;
  report.lease_expired = stats_.lease_expired;
  report.wall = wall_;
  report.seed = options.handler.seed;
  report.workers = options.queueing.workers;
  DurationHistogram handling;
  for (const auto& worker : workers_) {
    handling.add(worker->handling());
  }
  report.handling_p50 = handling.percentile(0.5);
  report.handling_p99 = handling.percentile(0.99);
  const double available = std::chrono::duration<double, std::micro>(wall_).count() *
                           static_cast<double>(options.queueing.workers);
  report.busy_share =
      available > 0 ? std::min(1.0, static_cast<double>(handling.sum_us) / available) : 0.0;
  add_end(report);
  report.handler_name = options.handler.each_worker ? "each-worker" : options.handler.handler;
  report.handler = setup_.handler->summary(report.left == 0);
  return report;
}

void RunSession::add_end(Report& report) const {
  report.interrupted = interrupted_;
  report.input_ended = feeder_.reached_end();
  report.left = pending_.count();
  report.first_left = pending_.first();
  report.left_ready = stats_.ready + stats_.leased;
  report.left_blocked = stats_.blocked;
  report.left_delayed = stats_.delayed;
  report.first_unread = feeder_.next_number();
  report.journal = !setup_.options.result.journal.empty();
  report.ordered = report.keyed && setup_.options.queueing.on_failure == OnFailure::hold;
  report.failure = setup_.control.failure();
}

}  // namespace laneway::tools

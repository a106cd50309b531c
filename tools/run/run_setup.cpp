#include "tools/run/run_setup.hpp"

#include "tools/run/builtin_handlers.hpp"
#include "tools/run/command_handler.hpp"
#include "tools/run/envelope.hpp"
#include "tools/run/fault_injection.hpp"
#include "tools/run/line_handler.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <thread>

namespace laneway::tools {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kPoolBytes = 64ull * 1024 * 1024;

bool is_same_file(const std::string& one, const std::string& other) {
  struct stat first {};
  struct stat second {};
  return stat(one.c_str(), &first) == 0 && stat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

RunOptions with_defaults(RunOptions options) {
  QueueingOptions& queueing = options.queueing;
  if (queueing.workers == 0) {
    queueing.workers = std::max(1u, std::thread::hardware_concurrency());
  }
  if (queueing.lease.count() == 0) {
    queueing.lease = options.handler.lose_share > 0 ? milliseconds(1000) : std::chrono::hours(1);
  }
  return options;
}

}  // namespace

RunSetup::RunSetup(const RunOptions& asked) : options(with_defaults(asked)) {}

std::string RunSetup::prepare() {
  const bool replay = !options.input.replay.empty();
  std::string mistake = input.open(replay ? options.input.replay : options.input.path);
  if (!mistake.empty()) {
    return mistake;
  }
  if (replay && is_same_file(options.input.replay, options.result.dead_letters)) {
    return "--dead-letters names the file that is replayed: name another one";
  }
  const InputOptions& asked = options.input;
  rules.key = KeyExtractor::make(asked.key, asked.delimiter, mistake);
  rules.dedup = KeyExtractor::make(asked.dedup, asked.delimiter, mistake);
  rules.priority = KeyExtractor::make(asked.priority, asked.delimiter, mistake);
  if (!mistake.empty()) {
    return mistake;
  }
  const HandlerOptions& work = options.handler;
  if (work.command.empty()) {
    handler =
        with_faults(make_builtin_handler(work.handler, options.input.separator, console, control),
                    {.fail = work.fail_share, .lose = work.lose_share}, work.seed);
  } else if (work.each_worker) {
    handler = make_line_handler(options, console, control, mistake);
  } else {
    handler = make_command_handler(work, options.input.separator, console, control, mistake);
  }
  if (handler == nullptr) {
    return mistake;
  }
  mistake = journal.open(options);
  if (!mistake.empty()) {
    return mistake;
  }
  if (!options.result.dead_letters.empty()) {
    mistake =
        dead_letters.open(options.result.dead_letters, options.result.append || journal.resumes());
    if (!mistake.empty()) {
      return mistake;
    }
  }
  return writer.open(options.result.json);
}

bool RunSetup::records_on_output() const {
  const bool command_prints = !options.handler.command.empty() && !options.handler.each_worker;
  return command_prints || prints_records(options.handler.handler);
}

EngineOptions RunSetup::engine_options() const {
  constexpr std::uint64_t kSegmentBytesMin = 16u << 20;
  constexpr std::uint64_t kSegmentBytesMax = 1u << 30;
  constexpr std::uint64_t kRecordsInSegment = 8;  // of the largest
  const std::uint64_t wanted = kRecordsInSegment * options.input.record_bytes_max;
  EngineOptions engine;
  engine.journal.directory = options.result.journal;
  engine.journal.segment_bytes = std::clamp(wanted, kSegmentBytesMin, kSegmentBytesMax);
  engine.journal.segment_bytes -= engine.journal.segment_bytes % 4096;
  return engine;
}

QueueOptions RunSetup::queue_options() const {
  const std::uint64_t record_bytes = options.input.record_bytes_max + kEnvelopeBytes;
  QueueOptions queue;
  queue.capacity = options.input.read_ahead;
  queue.shards = 1;  // all of the capacity is there for whatever keys come
  queue.payload_bytes_max = static_cast<std::uint32_t>(record_bytes);
  queue.payload_pool_bytes = std::max(kPoolBytes, 8 * record_bytes);
  queue.attempts_max = options.queueing.attempts;
  queue.backoff = options.queueing.backoff;
  queue.on_failure = options.queueing.on_failure;
  queue.lease = options.queueing.lease;
  // The feeder waits while more than read_ahead are not collected; as many may follow those.
  queue.dead_letters_max = 2 * options.input.read_ahead + 1;
  queue.outcomes_remembered = 1;  // nobody asks for them
  queue.rate.per_second = options.queueing.per_second;
  queue.in_flight_max = options.queueing.max_in_flight;
  queue.priorities = !options.input.priority.empty();
  queue.seed = options.handler.seed;
  queue.durability = options.result.journal.empty() ? Durability::none : Durability::async;
  return queue;
}

}  // namespace laneway::tools

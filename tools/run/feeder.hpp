// Feeder: the reader of a run. Cuts the input into records, finds their keys and publishes them, as
// fast as the queue has room and no faster.
#pragma once

#include <laneway/queue.hpp>

#include "tools/run/dead_letter_file.hpp"
#include "tools/run/handler.hpp"
#include "tools/run/input_stream.hpp"
#include "tools/run/key_counts.hpp"
#include "tools/run/key_extractor.hpp"
#include "tools/run/pending_records.hpp"
#include "tools/run/record_splitter.hpp"
#include "tools/run/run_control.hpp"
#include "tools/run/run_journal.hpp"
#include "tools/run/run_options.hpp"
#include "tools/run/run_tally.hpp"
#include "tools/run/seen_ids.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace laneway::tools {

// What a run is made of, as its threads share it.
struct RunParts {
  const RunOptions& options;
  RunControl& control;
  Queue& queue;
  Handler& handler;
  RunTally& tally;
  PendingRecords& pending;
  DeadLetterFile& dead_letters;
  RunJournal& journal;
};

// What is looked for in records.
struct RecordRules {
  std::unique_ptr<KeyExtractor> key;
  std::unique_ptr<KeyExtractor> dedup;
  std::unique_ptr<KeyExtractor> priority;
};

// run() is called once, on a thread of its own. Ends with the input, or when the run reads no more.
class Feeder {
 public:
  Feeder(const RunParts& parts, InputStream& input, RecordRules rules);

  void run();

  // Any thread: run() has returned, or is about to.
  bool done() const noexcept { return done_.load(std::memory_order_acquire); }

  // After run() has returned.
  bool reached_end() const { return reached_end_; }
  std::uint64_t next_number() const { return next_number_; }  // of the first record not looked at
  const KeyCounts& keys() const { return counts_; }

 private:
  void read_all();
  bool take_records();
  bool take(const Record& record);
  bool take_letter(const Record& line);
  bool take_keyed(const Record& record, const KeyFound& found);
  bool is_duplicate(const Record& record);
  bool publish(const Record& record, std::string_view key);
  bool wait_for_room(int round);
  bool noted(const std::string& failed);
  void refuse(const Record& record, std::string error);
  void write_dead(const std::string& line);

  RunParts parts_;
  InputStream& input_;
  RecordRules rules_;
  SeenIds seen_;
  RecordSplitter splitter_;
  KeyCounts counts_;
  std::string envelope_;
  const std::uint64_t from_;
  std::uint64_t next_number_ = 1;
  bool reached_end_ = false;
  std::atomic<bool> done_{false};
};

}  // namespace laneway::tools

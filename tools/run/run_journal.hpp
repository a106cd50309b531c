// RunJournal: what lets a run that was killed go on where it was. In its directory stand the
// journal of the engine; run.options, what the run was asked for; and run.position, the number of a
// record up to which all were published and are on stable storage.
//
// The queue has one shard, whose records survive as a prefix. So whatever is found of the record
// with the highest number, all before it were published: those that are still there come from the
// journal and the input is read on behind it.
#pragma once

#include <laneway/engine.hpp>

#include "tools/run/file_descriptor.hpp"
#include "tools/run/run_options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace laneway::tools {

inline constexpr const char* kRunQueue = "run";

// A record that an earlier run has published and nobody has finished.
struct OpenRecord {
  std::uint64_t number = 0;
  std::string key;
};

// One thread.
class RunJournal {
 public:
  // Keeps other runs out and reads what there is. Without --journal nothing happens. Empty on
  // success, else what is wrong.
  std::string open(const RunOptions& options);
  // Before the first record, unless there is no journal.
  void use(Engine& engine) { engine_ = &engine; }

  bool resumes() const { return next_number_ > 1; }
  std::uint64_t next_number() const { return next_number_; }  // of the first record not published
  const std::vector<OpenRecord>& open_records() const { return open_records_; }  // in their order

  // All records up to this one, which has so many bytes, are published. Now and then notes it down.
  // Empty on success.
  std::string published(std::uint64_t number, std::size_t bytes);
  // Notes it down now, if there is anything new.
  std::string note();

 private:
  std::string check_options(const RunOptions& options);
  std::string read_backlog();
  void read_position();
  std::string write_position();
  std::string failed(const char* what) const;

  std::string directory_;
  FileDescriptor options_file_;  // locked
  Engine* engine_ = nullptr;
  std::uint64_t next_number_ = 1;
  std::vector<OpenRecord> open_records_;
  std::uint64_t published_ = 0;
  std::uint64_t noted_ = 0;
  std::uint64_t bytes_since_ = 0;
};

}  // namespace laneway::tools

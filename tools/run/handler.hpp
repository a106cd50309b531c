// Handler: works on one delivery of a record and says what becomes of it.
#pragma once

#include "tools/run/lease_keeper.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace laneway::tools {

// One delivery of one record. The views live while it is worked on.
struct Delivery {
  std::string_view record = {};
  std::string_view key = {};  // empty: none
  std::uint64_t number = 0;   // of the record in the input
  std::uint64_t id = 0;
  std::uint64_t fence = 0;
  std::uint64_t ticket = 0;  // of this delivery: no two of a run have the same
  std::uint32_t worker = 0;  // who handles it, from 0
  std::uint32_t attempt = 1;
  bool last = false;  // no attempt is left after this one
};

struct Verdict {
  enum class Kind : std::uint8_t {
    ack,
    retry,
    reject,
    give_back,  // the run is ending: not an attempt
    lose,       // settle nothing, let the lease run out
  };
  Kind kind = Kind::ack;
  std::string error = {};
  std::uint32_t error_class = 0;
};

// What a handler has to say when the run is over: rows for the table, the same for machines, and
// whether what it checks was right.
struct HandlerSummary {
  std::vector<std::pair<std::string, std::string>> rows;
  std::string json;  // an object, or empty
  bool passed = true;
};

// One object serves all workers: every member may be called from any thread, also at the same time.
class Handler {
 public:
  virtual ~Handler() = default;

  virtual Verdict handle(const Delivery& delivery, LeaseKeeper& lease) = 0;

  // The reader, in input order: a record is about to be published.
  virtual void joining(std::string_view /*key*/, std::uint64_t /*number*/) {}
  // The worker, before and after it settles; kept: the settle took effect.
  virtual void settling(const Delivery& /*delivery*/, Verdict::Kind /*kind*/) {}
  virtual void settled(const Delivery& /*delivery*/, Verdict::Kind /*kind*/, bool /*kept*/) {}

  // The worker, while it waits for records, a few times a second; and when no more come. finished:
  // because none is left, not because the run was stopped.
  virtual void idle(std::uint32_t /*worker*/) {}
  virtual void leaving(std::uint32_t /*worker*/, bool /*finished*/) {}

  // Once, after all workers have ended. complete: every record that was read is finished.
  virtual HandlerSummary summary(bool /*complete*/) { return {}; }
  // Records that a worker may hold at a time: more than one for handlers that take no time.
  virtual std::uint32_t batch() const { return 1; }
};

}  // namespace laneway::tools

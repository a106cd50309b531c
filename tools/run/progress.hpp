// Progress of a run: a line that is redrawn on a terminal, or plain lines now and then.
#pragma once

#include "tools/run/console.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace laneway::tools {

// How far the run is.
struct ProgressState {
  std::uint64_t read = 0;      // records
  std::uint64_t finished = 0;  // acknowledged, dead or refused
  std::uint64_t in_flight = 0;
  std::uint64_t retries = 0;
  std::uint64_t dead = 0;
  std::chrono::milliseconds oldest_ready{0};
  double per_second = 0;                       // finished
  std::optional<double> share = std::nullopt;  // of the input, 0 to 1, where its size is known
  bool draining = false;
};

// Share of the input that is finished: of the bytes read, as many as of the records read.
std::optional<double> finished_share(std::uint64_t bytes_read,
                                     std::optional<std::uint64_t> bytes,
                                     const ProgressState& state);

// At most `width` characters, with a bar when there is room and the share is known.
std::string progress_bar(const ProgressState& state, std::size_t width);
// "1,200 of 3,000 records read (40 %), 380/s, 2 in flight, ..." without the end of the line.
std::string progress_line(const ProgressState& state);

// Finished records per second over the last few seconds. One thread.
class RateMeter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  double measure(Time now, std::uint64_t finished);

 private:
  std::deque<std::pair<Time, std::uint64_t>> samples_;
};

// Decides when it is time to say something, and how. One thread.
class Progress {
 public:
  Progress(Console& console, bool quiet);
  bool due() const;
  // per_second is filled in here.
  void show(ProgressState state);
  void end();

 private:
  using Clock = std::chrono::steady_clock;

  Console& console_;
  bool quiet_;
  RateMeter rate_;
  Clock::time_point started_;
  Clock::time_point next_;
};

}  // namespace laneway::tools

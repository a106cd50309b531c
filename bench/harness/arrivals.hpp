// Arrivals: how late the messages of an open loop came, told by one consumer.
#pragma once

#include "bench/harness/element.hpp"
#include "bench/harness/gate.hpp"
#include "bench/harness/histogram.hpp"
#include "bench/harness/schedule.hpp"

#include <chrono>
#include <cstdint>

namespace laneway::bench {

class Arrivals {
 public:
  // Messages numbered below `warm_up` are not timed, nor are those of the first key when it is the
  // marked one: of that run the others are what is asked about.
  struct Skip {
    std::uint64_t warm_up = 0;
    bool first_key = false;
  };

  Arrivals(const Schedule& schedule, SteadyClock::time_point start, Skip skip)
      : schedule_(schedule), start_(start), last_(start), skip_(skip) {}

  // Takes the stamp out of the payload.
  void note(Payload& payload) {
    const std::int64_t sent_ns = take_stamp(payload);
    const std::uint64_t number = MessageTag::sequence(payload.words[0]);
    last_ = SteadyClock::now();
    if (number >= skip_.warm_up && !(skip_.first_key && payload.words[1] == 0)) {
      const std::int64_t now_ns = std::chrono::nanoseconds(last_ - start_).count();
      latency_.record(now_ns - schedule_.planned_ns(number));
      service_.record(now_ns - sent_ns);
    }
  }

  SteadyClock::time_point last() const { return last_; }
  const Histogram& latency() const { return latency_; }  // since the planned sending
  const Histogram& service() const { return service_; }  // since the actual one

 private:
  const Schedule schedule_;
  const SteadyClock::time_point start_;
  SteadyClock::time_point last_;
  const Skip skip_;
  Histogram latency_;
  Histogram service_;
};

}  // namespace laneway::bench

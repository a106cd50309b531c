// The self-test of latencies: a consumer that stops for 1.4 s in a run of 3 s. Unless the report
// shows it, in the 99th percentile and not in the maximum alone, no latency is worth reading.
#include "bench/harness/open_loop.hpp"
#include "bench/peers/mutex_ring.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#include <chrono>
#include <thread>
#include <utility>

namespace laneway::bench {
namespace {

constexpr auto kStall = std::chrono::milliseconds(1'400);
constexpr std::chrono::duration<double> kLength{3};
constexpr double kRate = 10'000;

class StoppedOnce {
  using Ring = MutexRing<Payload>;

 public:
  static constexpr Guarantees kGuarantees = Ring::kGuarantees;
  static constexpr OrderPromise kOrder = Ring::kOrder;

  explicit StoppedOnce(const Shape& shape) : ring_(shape) {}

  class Consumer {
   public:
    explicit Consumer(Ring::Consumer consumer) : consumer_(std::move(consumer)) {}

    std::size_t consume(std::size_t max, Verifier& verifier) {
      const std::size_t count = consumer_.consume(max, verifier);
      if (verifier.count() > kWhen && !stopped_) {
        stopped_ = true;
        std::this_thread::sleep_for(kStall);
      }
      return count;
    }

   private:
    static constexpr std::uint64_t kWhen = 5'000;

    Ring::Consumer consumer_;
    bool stopped_ = false;
  };

  Ring::Producer producer(std::uint32_t index) { return ring_.producer(index); }
  Consumer consumer(std::uint32_t index) { return Consumer(ring_.consumer(index)); }

 private:
  Ring ring_;
};

}  // namespace

void add_stall_check(Cells& cells) {
  Cell cell = cell_of<StoppedOnce>({"self_test", "L0", "consumer_stopped_for_1400_ms"},
                                   {"mutex_ring_stopped"}, {1, 1, 1});
  cell.headline = {"p99_us", false, {"p50_us", "max_us", "offered_per_s", "achieved_per_s"}};
  cell.run = [](RunOptions options) {
    options.warm_up = {};
    options.measured = kLength;
    StoppedOnce subject({});
    Measurement found =
        OpenLoop<StoppedOnce, Payload>(subject, {}, Waiting::spin, options).run(kRate);
    // A hundredth of the run may lie beyond the 99th percentile.
    const double expected_us =
        std::chrono::duration<double, std::micro>(kStall - kLength * 0.01).count();
    found.figures.push_back({"expected_p99_us", expected_us});
    return found;
  };
  cells.push_back(std::move(cell));
}

}  // namespace laneway::bench

#include "bench/harness/self_test.hpp"

#include "bench/harness/race.hpp"
#include "bench/harness/subject.hpp"
#include "bench/peers/mutex_ring.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace laneway::bench {
namespace {

enum class Fault { none, loss, repetition, swap, damage, key_lent_twice };

// A sound ring whose consumer does something wrong once, in the middle of the run.
template <Fault kFault, OrderPromise kPromise>
class Faulty {
  using Ring = MutexRing<KeyedElement>;

 public:
  static constexpr OrderPromise kOrder = kPromise;

  explicit Faulty(const Shape& shape) : ring_(shape) {}

  class Consumer {
   public:
    explicit Consumer(Ring& ring) : ring_(ring) {}

    std::size_t consume(std::size_t max, Verifier& verifier) {
      const std::span<KeyedElement> got(elements_.data(), ring_.pop({elements_.data(), max}));
      total_ += got.size();
      if (total_ > kWhen && !done_ && got.size() > 1) {
        done_ = true;
        return misbehave(got, verifier);
      }
      verify_elements(std::span<const KeyedElement>(got), verifier);
      return got.size();
    }

   private:
    static constexpr std::size_t kWhen = 10'000;

    std::size_t misbehave(std::span<KeyedElement> got, Verifier& verifier) {
      if constexpr (kFault == Fault::loss || kFault == Fault::repetition) {
        // The other one in its place, so that the count stays right.
        got[kFault == Fault::loss ? 0 : 1] = got[kFault == Fault::loss ? 1 : 0];
      } else if constexpr (kFault == Fault::swap) {
        got[1].key = got[0].key;
        got[1].payload.words[1] = got[0].payload.words[1];
        write_payload(got[1].payload, got[1].payload.words[0], got[0].payload.words[1]);
        std::swap(got[0], got[1]);
      } else if constexpr (kFault == Fault::damage) {
        got[1].payload.words[5] ^= 1u << 20;
      } else if constexpr (kFault == Fault::key_lent_twice) {
        (void)verifier.begin(got[0].key, &got[0].payload);
        got[1].key = got[0].key;
        write_payload(got[1].payload, got[1].payload.words[0], got[0].payload.words[1]);
        got = got.subspan(1);
      }
      verify_elements(std::span<const KeyedElement>(got), verifier);
      return got.size();
    }

    Ring& ring_;
    std::array<KeyedElement, kBatchMax> elements_;
    std::size_t total_ = 0;
    bool done_ = false;
  };

  Ring::Producer producer(std::uint32_t index) { return ring_.producer(index); }
  Consumer consumer(std::uint32_t) { return Consumer(ring_); }

 private:
  Ring ring_;
};

template <Fault kFault, OrderPromise kPromise>
void expect(bool violation, const char* what, std::vector<std::string>& wrong) {
  using Subject = Faulty<kFault, kPromise>;
  const Shape shape{1, 1, kBatchMax};
  RunOptions options;
  options.measured = std::chrono::milliseconds(20);
  options.placement = Placement::free;
  Subject subject(shape);
  const Measurement found = Race<Subject, KeyedElement>(subject, shape, options).run();
  if ((found.violations != 0) != violation) {
    wrong.push_back(std::string(what) +
                    (violation ? " was not noticed" : " was taken for a fault") +
                    (found.first_violation.empty() ? "" : ": " + found.first_violation));
  }
}

}  // namespace

std::vector<std::string> self_test() {
  using enum OrderPromise;
  std::vector<std::string> wrong;
  expect<Fault::none, per_producer>(false, "a sound queue", wrong);
  expect<Fault::none, per_key>(false, "a sound queue with keys", wrong);
  expect<Fault::loss, none>(true, "a lost message", wrong);
  expect<Fault::repetition, none>(true, "a repeated message", wrong);
  expect<Fault::swap, per_producer>(true, "a change of order", wrong);
  expect<Fault::swap, per_key>(true, "a change of order within a key", wrong);
  expect<Fault::damage, none>(true, "a damaged payload", wrong);
  expect<Fault::key_lent_twice, per_key>(true, "a key lent twice", wrong);
  return wrong;
}

}  // namespace laneway::bench

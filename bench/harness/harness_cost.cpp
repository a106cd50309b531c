#include "bench/harness/cell.hpp"
#include "bench/harness/element.hpp"
#include "bench/harness/feed.hpp"
#include "bench/harness/gate.hpp"
#include "bench/harness/verifier.hpp"

#include <array>
#include <chrono>
#include <span>

namespace laneway::bench {

double harness_cost_ns() {
  constexpr int kRounds = 200'000;
  const KeySet keys(kKeys);
  KeyLedger ledger(kKeys);
  Feed feed(keys, {.producer = 0, .producers = 1}, KeyPlan::Draw::uniform, 1);
  Verifier verifier(OrderPromise::per_key, 1, ledger);
  std::array<KeyedElement, kBatchMax> elements;
  const SteadyClock::time_point start = SteadyClock::now();
  for (int round = 0; round < kRounds; ++round) {
    for (KeyedElement& element : elements) {
      feed.write(element);
    }
    asm volatile("" : : "r"(elements.data()) : "memory");  // the elements must really be written
    verify_elements(std::span<const KeyedElement>(elements), verifier);
  }
  const std::chrono::duration<double, std::nano> spent = SteadyClock::now() - start;
  return spent.count() / static_cast<double>(verifier.count());
}

}  // namespace laneway::bench

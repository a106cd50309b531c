// KeyPlan: how many keys a run has, and how often each is drawn.
#pragma once

#include "bench/harness/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace laneway::bench {

inline constexpr std::uint32_t kKeys = 100'000;

struct KeyPlan {
  enum class Draw : std::uint8_t {
    uniform,
    zipf,       // the n-th key with a frequency of 1/n^0.99, as YCSB draws
    one_marked  // uniform, but kMarkedShare of all draws are of the first key
  };
  static constexpr double kZipfExponent = 0.99;
  // A hundred times what it would get by chance. A run of seconds must not fill the queue with it.
  static constexpr double kMarkedShare = 0.001;

  Draw draw = Draw::uniform;
  std::uint32_t keys = kKeys;
};

// Indices of keys, made before the run and then read in a circle: what a draw costs must not depend
// on the plan.
inline std::vector<std::uint32_t> draws_of(const KeyPlan& plan,
                                           std::uint32_t count,
                                           std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint32_t> draws(count);
  if (plan.draw != KeyPlan::Draw::zipf) {
    const double marked = plan.draw == KeyPlan::Draw::one_marked ? KeyPlan::kMarkedShare : 0;
    for (std::uint32_t& draw : draws) {
      draw = random.share() < marked ? 0 : random.below(plan.keys);
    }
    return draws;
  }
  std::vector<double> cumulated(plan.keys);
  double sum = 0;
  for (std::uint32_t key = 0; key < plan.keys; ++key) {
    sum += std::pow(key + 1, -KeyPlan::kZipfExponent);
    cumulated[key] = sum;
  }
  for (std::uint32_t& draw : draws) {
    const auto found = std::lower_bound(cumulated.begin(), cumulated.end(), random.share() * sum);
    draw = static_cast<std::uint32_t>(
        std::min<std::ptrdiff_t>(found - cumulated.begin(), plan.keys - 1));
  }
  return draws;
}

}  // namespace laneway::bench

#include "tools/prometheus/families.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace laneway::tools {

namespace {

constexpr double kMicrosecond = 1e-6;

}  // namespace

prometheus::ClientMetric& Families::metric(const MetricText& text, Labels labels) {
  auto family = std::find_if(families_.begin(), families_.end(),
                             [&text](const auto& one) { return one.name == text.name; });
  if (family == families_.end()) {
    families_.push_back({.name = text.name, .help = text.help, .type = text.type, .metric = {}});
    family = families_.end() - 1;
  }
  prometheus::ClientMetric& added = family->metric.emplace_back();
  added.label = std::move(labels);
  return added;
}

void Families::add(const MetricText& text, Labels labels, double value) {
  prometheus::ClientMetric& added = metric(text, std::move(labels));
  added.counter.value = value;
  added.gauge.value = value;
}

// Every other edge: buckets that grow by four are fine enough for an alert, and half as many.
void Families::add(const MetricText& text, Labels labels, const DurationHistogram& durations) {
  auto& histogram = metric(text, std::move(labels)).histogram;
  histogram.sample_count = durations.count;
  histogram.sample_sum = static_cast<double>(durations.sum_us) * kMicrosecond;
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket + 1 < DurationHistogram::kBuckets; ++bucket) {
    below += durations.buckets[bucket];
    if (bucket % 2 == 1) {
      histogram.bucket.push_back(
          {.cumulative_count = below,
           .upper_bound = std::ldexp(kMicrosecond, static_cast<int>(bucket) + 1)});
    }
  }
}

}  // namespace laneway::tools

// Families: metrics under way to Prometheus, grouped by name in the order in which names come
// first.
#pragma once

#include <laneway/stats.hpp>

#include <prometheus/metric_family.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace laneway::tools {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// What a family is, the same for all its metrics.
struct MetricText {
  const char* name;
  const char* help;
  prometheus::MetricType type;
};

class Families {
 public:
  void add(const MetricText& text, Labels labels, double value);
  void add(const MetricText& text, Labels labels, const DurationHistogram& durations);

  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  prometheus::ClientMetric& metric(const MetricText& text, Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

inline double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace laneway::tools

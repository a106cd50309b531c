// The component `prometheus` from outside. Exits 0 when the text tells of the queue.
#include <laneway/engine.hpp>
#include <laneway/prometheus.hpp>

#include <cstdio>

int main() {
  laneway::Engine engine = *laneway::Engine::open();
  laneway::PrometheusMetrics metrics;
  metrics.add(*engine.queue("mails"));
  const std::string text = metrics.text();
  std::puts(text.c_str());
  return text.find("laneway_published_total{queue=\"mails\"} 0") != std::string::npos ? 0 : 1;
}

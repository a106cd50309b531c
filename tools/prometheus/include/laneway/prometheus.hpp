// PrometheusMetrics: the numbers of queues and worker pools as Prometheus reads them. The target
// laneway::prometheus, which is built when prometheus-cpp is found.
//
//   laneway::PrometheusMetrics metrics;
//   metrics.add(mails);
//   metrics.add_pool(mails, [&pool] { return pool.stats(); });
//   ...
//   response.body = metrics.text();   // content type: PrometheusMetrics::kContentType
//
// docs/operations.md lists the names. The label `queue` is a queue's name; nothing is ever labelled
// by a key.
#pragma once

#include <laneway/queue.hpp>
#include <laneway/worker_pool.hpp>

#include <functional>
#include <memory>
#include <string>

namespace prometheus {
class Collectable;
}

namespace laneway {

struct PrometheusOptions {
  // The states and ages of each shard by itself, with the label `shard`, in place of their sum.
  bool by_shard = false;
};

// Any thread. Each text() takes the token of every shard once or twice, so it is meant for every
// few seconds. A queue that has been closed is left out from then on.
class PrometheusMetrics {
 public:
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  explicit PrometheusMetrics(const PrometheusOptions& options = {});
  PrometheusMetrics(PrometheusMetrics&&) noexcept;
  PrometheusMetrics& operator=(PrometheusMetrics&&) noexcept;
  ~PrometheusMetrics();

  void add(Queue queue);
  // `stats` is called at each reading, for as long as this lives: it must not outlive its pool.
  // Several pools of one queue are added up.
  void add_pool(const Queue& queue, std::function<PoolStats()> stats);

  // The exposition format, version 0.0.4.
  std::string text() const;

  // For a program that has a prometheus::Exposer or Gateway already: register it there.
  std::shared_ptr<prometheus::Collectable> collectable() const;

 private:
  class Collector;
  std::shared_ptr<Collector> collector_;
};

}  // namespace laneway

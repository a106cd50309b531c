#include <laneway/prometheus.hpp>

#include "tools/prometheus/families.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace laneway {

namespace {

using prometheus::MetricType;
using tools::Families;
using tools::Labels;
using tools::MetricText;
using tools::seconds;

// One number of QueueStats. Rows of one name are one family.
struct Row {
  MetricText text;
  std::uint64_t QueueStats::*number;
  const char* label = nullptr;
  const char* value = nullptr;
};

constexpr MetricText kMessages{"laneway_messages", "Messages in each state, now.",
                               MetricType::Gauge};

// Per shard, when asked for.
constexpr Row kStates[] = {
    {kMessages, &QueueStats::ready, "state", "ready"},
    {kMessages, &QueueStats::blocked, "state", "blocked"},
    {kMessages, &QueueStats::delayed, "state", "delayed"},
    {kMessages, &QueueStats::leased, "state", "leased"},
    {kMessages, &QueueStats::dead, "state", "dead"},
};

constexpr MetricText counter(const char* name, const char* help) {
  return {name, help, MetricType::Counter};
}
constexpr MetricText gauge(const char* name, const char* help) {
  return {name, help, MetricType::Gauge};
}

constexpr MetricText kRefused =
    counter("laneway_publish_refused_total", "Messages refused, by the error.");
constexpr MetricText kLeaseLost =
    counter("laneway_lease_lost_total", "Settles and extensions that came too late.");
constexpr MetricText kDeadLettered =
    counter("laneway_dead_lettered_total", "Messages that became dead letters, and why.");

constexpr Row kNumbers[] = {
    {counter("laneway_published_total", "Messages accepted."), &QueueStats::published},
    {kRefused, &QueueStats::refused_full, "reason", "queue_full"},
    {kRefused, &QueueStats::refused_key_full, "reason", "key_full"},
    {kRefused, &QueueStats::refused_too_large, "reason", "too_large"},
    {kRefused, &QueueStats::refused_paused, "reason", "paused_for_publish"},
    {kRefused, &QueueStats::shed, "reason", "shed"},
    {counter("laneway_deduplicated_total", "Publishes whose message was there already."),
     &QueueStats::deduplicated},
    {counter("laneway_leased_total", "Messages granted."), &QueueStats::leased_total},
    {counter("laneway_redelivered_total", "Messages granted again."), &QueueStats::redelivered},
    {counter("laneway_acked_total", "Messages completed."), &QueueStats::acked},
    {counter("laneway_nacked_total", "Attempts that failed and were told."), &QueueStats::nacked},
    {counter("laneway_released_total", "Messages given back uncounted."), &QueueStats::released},
    {counter("laneway_rejected_total", "Permanent failures."), &QueueStats::rejected},
    {counter("laneway_lease_expired_total", "Leases that ran out."), &QueueStats::lease_expired},
    {counter("laneway_abandoned_total", "Leases destroyed unsettled."), &QueueStats::abandoned},
    {counter("laneway_revoked_total", "Messages of runs given back for an earlier failure."),
     &QueueStats::revoked},
    {kLeaseLost, &QueueStats::lease_lost_ack, "verb", "ack"},
    {kLeaseLost, &QueueStats::lease_lost_nack, "verb", "nack"},
    {kLeaseLost, &QueueStats::lease_lost_release, "verb", "release"},
    {kLeaseLost, &QueueStats::lease_lost_reject, "verb", "reject"},
    {kLeaseLost, &QueueStats::lease_lost_extend, "verb", "extend"},
    {kDeadLettered, &QueueStats::dead_rejected, "reason", "rejected"},
    {kDeadLettered, &QueueStats::dead_attempts, "reason", "attempts"},
    {kDeadLettered, &QueueStats::dead_diverted, "reason", "diverted"},
    {counter("laneway_replayed_total", "Dead letters that were replayed."), &QueueStats::replayed},
    {counter("laneway_discarded_total", "Dead letters that were removed."), &QueueStats::discarded},
    {counter("laneway_expired_total", "Messages whose own deadline passed."), &QueueStats::expired},
    {counter("laneway_cancelled_total", "Messages that were cancelled."), &QueueStats::cancelled},
    {counter("laneway_dropped_total", "Messages removed to make room for newer ones."),
     &QueueStats::dropped},
    {gauge("laneway_capacity_messages", "Messages that the shards hold together."),
     &QueueStats::capacity},
    {gauge("laneway_pinned_messages", "Finished messages that an expired Lease still refers to."),
     &QueueStats::pinned},
    {gauge("laneway_active_keys", "Keys with a message that waits or is leased."),
     &QueueStats::keys_active},
    {gauge("laneway_stopped_keys", "Of the active keys: those that a dead letter stops."),
     &QueueStats::keys_stopped},
    {gauge("laneway_payload_pool_bytes", "Bytes taken from the payload pool."),
     &QueueStats::payload_pool_bytes},
};

template <std::size_t kRows>
void add_rows(Families& families,
              const Row (&rows)[kRows],
              const Labels& labels,
              const QueueStats& stats) {
  for (const Row& row : rows) {
    Labels own = labels;
    if (row.label != nullptr) {
      own.push_back({row.label, row.value});
    }
    families.add(row.text, std::move(own), static_cast<double>(stats.*row.number));
  }
}

void add_states(Families& families, const Labels& labels, const QueueStats& stats) {
  add_rows(families, kStates, labels, stats);
  families.add(gauge("laneway_oldest_ready_age_seconds", "Age of the oldest ready message."),
               labels, seconds(stats.oldest_ready_age));
  families.add(gauge("laneway_oldest_dead_age_seconds", "Age of the oldest dead letter."), labels,
               seconds(stats.oldest_dead_age));
}

void add_histograms(Families& families, const Labels& labels, const QueueStats& stats) {
  families.add({"laneway_queue_wait_seconds", "Ready until granted.", MetricType::Histogram},
               labels, stats.queue_wait);
  families.add({"laneway_processing_seconds", "Granted until settled.", MetricType::Histogram},
               labels, stats.processing);
}

void add_shard(Families& families, const Labels& labels, const QueueStats& stats) {
  const double held = static_cast<double>(stats.ready + stats.blocked + stats.delayed +
                                          stats.leased + stats.pinned);
  families.add(gauge("laneway_shard_occupancy_ratio", "Part of the capacity in use."), labels,
               stats.capacity > 0 ? held / static_cast<double>(stats.capacity) : 0);
  families.add(counter("laneway_shard_polls_total", "Times the token was taken."), labels,
               static_cast<double>(stats.holds));
}

void add_pool(Families& families, const Labels& labels, const PoolStats& stats) {
  families.add(gauge("laneway_workers", "Threads of worker pools."), labels,
               static_cast<double>(stats.workers));
  families.add(counter("laneway_worker_busy_seconds_total", "Time inside handlers."), labels,
               seconds(stats.busy_time));
  families.add(counter("laneway_worker_available_seconds_total", "Life time of the workers."),
               labels, seconds(stats.available_time));
  families.add(counter("laneway_handler_exceptions_total", "Handlers that threw."), labels,
               static_cast<double>(stats.threw));
}

void add(PoolStats& sum, const PoolStats& stats) {
  sum.workers += stats.workers;
  sum.busy_time += stats.busy_time;
  sum.available_time += stats.available_time;
  sum.threw += stats.threw;
}

}  // namespace

class PrometheusMetrics::Collector final : public prometheus::Collectable {
 public:
  explicit Collector(const PrometheusOptions& options) : options_(options) {}

  void add(Queue queue) {
    const std::lock_guard lock(mutex_);
    queues_.push_back(std::move(queue));
  }
  void add_pool(std::string queue, std::function<PoolStats()> stats) {
    const std::lock_guard lock(mutex_);
    pools_.emplace_back(std::move(queue), std::move(stats));
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    Families families;
    families.add(gauge("laneway_build_info", "What is running; always 1."),
                 {{"version", LANEWAY_VERSION}, {"compiler", __VERSION__}}, 1);
    for (Queue queue : queues_) {
      add_queue(families, queue);
    }
    std::vector<std::pair<std::string, PoolStats>> sums;
    for (const auto& [name, stats] : pools_) {
      auto sum = std::find_if(sums.begin(), sums.end(),
                              [name = name](const auto& one) { return one.first == name; });
      if (sum == sums.end()) {
        sum = sums.emplace(sums.end(), name, PoolStats{});
      }
      laneway::add(sum->second, stats());
    }
    for (const auto& [name, stats] : sums) {
      laneway::add_pool(families, {{"queue", name}}, stats);
    }
    return families.take();
  }

 private:
  void add_queue(Families& families, Queue& queue) const {
    const Labels labels = {{"queue", std::string(queue.name())}};
    const Result<QueueStats> whole = queue.stats();
    if (!whole) {
      return;  // closed
    }
    add_rows(families, kNumbers, labels, *whole);
    add_histograms(families, labels, *whole);
    if (!options_.by_shard) {
      add_states(families, labels, *whole);
    }
    for (std::uint32_t shard = 0; shard < queue.options().shards; ++shard) {
      const Result<QueueStats> stats = queue.stats(shard);
      if (!stats) {
        return;
      }
      Labels own = labels;
      own.push_back({"shard", std::to_string(shard)});
      add_shard(families, own, *stats);
      if (options_.by_shard) {
        add_states(families, own, *stats);
      }
    }
  }

  const PrometheusOptions options_;
  mutable std::mutex mutex_;
  std::vector<Queue> queues_;
  std::vector<std::pair<std::string, std::function<PoolStats()>>> pools_;
};

PrometheusMetrics::PrometheusMetrics(const PrometheusOptions& options)
    : collector_(std::make_shared<Collector>(options)) {}
PrometheusMetrics::PrometheusMetrics(PrometheusMetrics&&) noexcept = default;
PrometheusMetrics& PrometheusMetrics::operator=(PrometheusMetrics&&) noexcept = default;
PrometheusMetrics::~PrometheusMetrics() = default;

void PrometheusMetrics::add(Queue queue) {
  collector_->add(std::move(queue));
}

void PrometheusMetrics::add_pool(const Queue& queue, std::function<PoolStats()> stats) {
  collector_->add_pool(std::string(queue.name()), std::move(stats));
}

std::string PrometheusMetrics::text() const {
  return prometheus::TextSerializer().Serialize(collector_->Collect());
}

std::shared_ptr<prometheus::Collectable> PrometheusMetrics::collectable() const {
  return collector_;
}

}  // namespace laneway

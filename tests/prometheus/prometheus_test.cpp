// laneway::prometheus: what a scrape reads.
#include <laneway/prometheus.hpp>

#include "tests/api/manual_engine.hpp"

#include <cstdio>
#include <sstream>
#include <string>

namespace laneway::api_test {
namespace {

class Metrics : public ManualEngine {
 protected:
  // The number behind `metric` in the text; fails when there is none.
  static double value(const std::string& text, const std::string& metric) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.size() > metric.size() && line.starts_with(metric) && line[metric.size()] == ' ') {
        return std::stod(line.substr(metric.size()));
      }
    }
    ADD_FAILURE() << metric << " is not in\n" << text;
    return -1;
  }

  // A queue in which everything has happened once.
  Queue lived_in() {
    Queue mails =
        open({.capacity = 100, .shards = 1, .attempts_max = 2, .backoff = {.first = 1ms}});
    Consumer consumer = *mails.consumer();
    for (const char* key : {"a", "b", "c", "d"}) {
      publish(mails, key);
    }
    (void)mails.publish({.key = "a", .payload = "x", .delay = 1h});
    publish(mails, "d");
    LeaseBatch batch = *consumer.receive({.max = 4, .lease = 10s});
    EXPECT_TRUE(batch[0].ack());
    EXPECT_TRUE(batch[1].reject());
    pass(3s);
    EXPECT_TRUE(batch[2].nack({.after = 1h}));
    pass(500ms);
    kept_ = std::move(batch[3]);
    return mails;
  }

  Lease kept_;
};

TEST_F(Metrics, states_and_counters_carry_the_queue) {
  PrometheusMetrics metrics;
  metrics.add(lived_in());
  const std::string text = metrics.text();
  EXPECT_EQ(value(text, R"(laneway_messages{queue="mails",state="ready"})"), 0);
  EXPECT_EQ(value(text, R"(laneway_messages{queue="mails",state="blocked"})"), 1);
  EXPECT_EQ(value(text, R"(laneway_messages{queue="mails",state="delayed"})"), 2);
  EXPECT_EQ(value(text, R"(laneway_messages{queue="mails",state="leased"})"), 1);
  EXPECT_EQ(value(text, R"(laneway_messages{queue="mails",state="dead"})"), 1);
  EXPECT_EQ(value(text, R"(laneway_published_total{queue="mails"})"), 6);
  EXPECT_EQ(value(text, R"(laneway_leased_total{queue="mails"})"), 4);
  EXPECT_EQ(value(text, R"(laneway_acked_total{queue="mails"})"), 1);
  EXPECT_EQ(value(text, R"(laneway_nacked_total{queue="mails"})"), 1);
  EXPECT_EQ(value(text, R"(laneway_rejected_total{queue="mails"})"), 1);
  EXPECT_EQ(value(text, R"(laneway_dead_lettered_total{queue="mails",reason="rejected"})"), 1);
  EXPECT_EQ(value(text, R"(laneway_dead_lettered_total{queue="mails",reason="attempts"})"), 0);
  EXPECT_EQ(value(text, R"(laneway_lease_lost_total{queue="mails",verb="extend"})"), 0);
  EXPECT_EQ(value(text, R"(laneway_oldest_dead_age_seconds{queue="mails"})"), 3.5);
  EXPECT_EQ(value(text, R"(laneway_shard_occupancy_ratio{queue="mails",shard="0"})"), 0.04);
}

TEST_F(Metrics, durations_are_histograms_in_seconds) {
  PrometheusMetrics metrics;
  metrics.add(lived_in());
  const std::string text = metrics.text();
  EXPECT_EQ(value(text, R"(laneway_processing_seconds_count{queue="mails"})"), 3);
  EXPECT_EQ(value(text, R"(laneway_processing_seconds_sum{queue="mails"})"), 3);
  // The nack after three seconds lies between 1.05 and 4.19.
  EXPECT_EQ(value(text, R"(laneway_processing_seconds_bucket{queue="mails",le="1.048576"})"), 2);
  EXPECT_EQ(value(text, R"(laneway_processing_seconds_bucket{queue="mails",le="4.194304"})"), 3);
  EXPECT_EQ(value(text, R"(laneway_processing_seconds_bucket{queue="mails",le="+Inf"})"), 3);
}

TEST_F(Metrics, shards_can_be_told_apart) {
  Queue mails = open({.shards = 2});
  publish(mails, "a");
  PrometheusMetrics metrics({.by_shard = true});
  metrics.add(mails);
  const std::string text = metrics.text();
  EXPECT_EQ(value(text, R"(laneway_messages{queue="mails",shard="0",state="ready"})") +
                value(text, R"(laneway_messages{queue="mails",shard="1",state="ready"})"),
            1);
  EXPECT_EQ(text.find(R"(laneway_messages{queue="mails",state=)"), std::string::npos);
}

TEST_F(Metrics, pools_of_one_queue_are_added_up) {
  Queue mails = open();
  PrometheusMetrics metrics;
  PoolStats stats;
  stats.workers = 2;
  stats.busy_time = 250ms;
  stats.available_time = 2s;
  metrics.add_pool(mails, [stats] { return stats; });
  metrics.add_pool(mails, [stats] { return stats; });
  const std::string text = metrics.text();
  EXPECT_EQ(value(text, R"(laneway_workers{queue="mails"})"), 4);
  EXPECT_EQ(value(text, R"(laneway_worker_busy_seconds_total{queue="mails"})"), 0.5);
  EXPECT_EQ(value(text, R"(laneway_worker_available_seconds_total{queue="mails"})"), 4);
}

TEST_F(Metrics, a_closed_queue_is_left_out_and_the_others_stay) {
  Queue gone = *engine_.queue("gone");
  PrometheusMetrics metrics;
  metrics.add(gone);
  metrics.add(open());
  gone.close();
  const std::string text = metrics.text();
  EXPECT_EQ(text.find("gone"), std::string::npos);
  EXPECT_EQ(value(text, R"(laneway_published_total{queue="mails"})"), 0);
}

TEST_F(Metrics, promtool_has_nothing_against_the_text) {
  if (std::string_view(PROMTOOL).find("NOTFOUND") != std::string_view::npos) {
    GTEST_SKIP() << "promtool was not found";
  }
  PrometheusMetrics metrics;
  Queue mails = lived_in();
  metrics.add(mails);
  metrics.add(*engine_.queue("name \"with\" \\ quotes"));
  metrics.add_pool(mails, [] { return PoolStats{}; });
  std::FILE* promtool = popen(PROMTOOL " check metrics 2>&1", "w");
  ASSERT_NE(promtool, nullptr);
  const std::string text = metrics.text();
  EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), promtool), text.size());
  EXPECT_EQ(pclose(promtool), 0);
}

}  // namespace
}  // namespace laneway::api_test

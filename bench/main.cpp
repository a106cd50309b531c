// laneway_bench: one run of one system in one workload, printed as one line of JSON.
//   laneway_bench list                                          every cell, one line each
//   laneway_bench environment                                   compiler, flags, floors
//   laneway_bench self_test                                     can the harness notice what it
//   must? laneway_bench run --group cycle --workload one_to_one_batch_32 --subject diy1
// bench/report/main.py calls it many times and makes the tables.
#include "bench/harness/cell.hpp"
#include "bench/harness/floors.hpp"
#include "bench/harness/self_test.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace laneway::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kSpinning{1'000};
constexpr int kWakes = 200;

struct Wanted {
  std::string group;
  std::string workload;
  std::string subject;
  double seconds = 0.15;
  double warm_up = 0.05;
  std::uint64_t seed = 1;
  bool unpinned = false;
};

void print(const Json& json) {
  std::printf("%s\n", json.dump().c_str());
}

Json describe(const Cell& cell) {
  Json json;
  json["group"] = cell.group;
  json["id"] = cell.id;
  json["workload"] = cell.workload;
  json["subject"] = cell.subject;
  json["package"] = cell.package;
  json["producers"] = cell.shape.producers;
  json["consumers"] = cell.shape.consumers;
  json["batch"] = cell.shape.batch;
  json["payload"] = cell.payload;
  json["order"] = cell.guarantees.order;
  json["bounded"] = cell.guarantees.bounded;
  json["bulk"] = cell.guarantees.bulk;
  json["lease"] = cell.guarantees.lease;
  json["lacks"] = cell.lacks;
  json["brief"] = cell.profile == Profile::brief;
  json["seconds_factor"] = cell.seconds_factor;
  json["headline"] = cell.headline.figure;
  json["higher_is_better"] = cell.headline.higher_is_better;
  json["beside"] = cell.headline.beside;
  return json;
}

int list() {
  for (const Cell& cell : all_cells()) {
    print(describe(cell));
  }
  return 0;
}

double us(std::uint64_t ns) {
  return static_cast<double>(ns) * 1e-3;
}

// Pairs of the largest value of a bucket, in ns, and its count.
Json buckets_of(const Histogram& histogram) {
  Json buckets = Json::array();
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    if (histogram.count_of(bucket) != 0) {
      buckets.push_back({Histogram::largest_of(bucket), histogram.count_of(bucket)});
    }
  }
  return buckets;
}

int environment() {
  Json json;
  json["compiler"] = BENCH_COMPILER;
  json["flags"] = BENCH_FLAGS;
  json["build_type"] = BENCH_BUILD_TYPE;
  json["laneway_version"] = BENCH_LANEWAY_VERSION;
  json["harness_ns_per_message"] = harness_cost_ns();
  json["clock_reading_ns"] = clock_reading_ns();
  const auto gaps = std::make_unique<Histogram>();
  idle_spinners(kSpinning, gaps.get());
  json["idle_spinner"] = {{"seconds", std::chrono::duration<double>(kSpinning).count()},
                          {"max_us", us(gaps->max())},
                          {"gaps", buckets_of(*gaps)}};
  const auto wakes = std::make_unique<Histogram>();
  thread_wakes(kWakes, wakes.get());
  json["thread_wake"] = {{"p50_us", us(wakes->percentile(0.5).value_or(0))},
                         {"p90_us", us(wakes->percentile(0.9).value_or(0))},
                         {"max_us", us(wakes->max())}};
  json["peers_missing"] = peers_missing();
  print(json);
  return 0;
}

int test() {
  const std::vector<std::string> wrong = self_test();
  for (const std::string& what : wrong) {
    std::fprintf(stderr, "self-test of the verifier: %s\n", what.c_str());
  }
  return wrong.empty() ? 0 : 1;
}

struct Point {
  const char* name;
  double share;
};
constexpr std::array<Point, 6> kPoints{{{"p50", 0.5},
                                        {"p90", 0.9},
                                        {"p99", 0.99},
                                        {"p999", 0.999},
                                        {"p9999", 0.9999},
                                        {"p99999", 0.99999}}};

// Percentiles of "latency" are named p99_us, those of the others service_p99_us.
void add_percentiles(const NamedHistogram& named, Json* figures) {
  const std::string prefix = named.name == "latency" ? "" : named.name + "_";
  for (const Point& point : kPoints) {
    if (const auto ns = named.histogram.percentile(point.share)) {
      (*figures)[prefix + point.name + "_us"] = us(*ns);
    }
  }
  (*figures)[prefix + "max_us"] = us(named.histogram.max());
  (*figures)[prefix + "mean_us"] = named.histogram.mean() * 1e-3;
}

Json figures_of(const Measurement& found) {
  Json figures = Json::object();
  if (found.messages != 0 && found.seconds > 0) {
    const auto messages = static_cast<double>(found.messages);
    figures["rate_M_per_s"] = messages / found.seconds * 1e-6;
    figures["ns_per_message"] = found.seconds / messages * 1e9;
    figures["cpu_s_per_million"] = found.cpu_seconds / messages * 1e6;
  }
  for (const NamedHistogram& named : found.histograms) {
    add_percentiles(named, &figures);
  }
  for (const Figure& figure : found.figures) {
    figures[figure.name] = figure.value;
  }
  return figures;
}

int run(const Wanted& wanted) {
  for (const Cell& cell : all_cells()) {
    if (cell.group != wanted.group || cell.workload != wanted.workload ||
        cell.subject != wanted.subject) {
      continue;
    }
    if (!cell.lacks.empty()) {
      std::fprintf(stderr, "%s cannot run this: %s\n", cell.subject.c_str(), cell.lacks.c_str());
      return 2;
    }
    const Placement placement = wanted.unpinned ? Placement::free : Placement::spread;
    const double line_ns = line_transfer_ns(placement);
    const Measurement found =
        cell.run({std::chrono::duration<double>(wanted.warm_up),
                  std::chrono::duration<double>(wanted.seconds * cell.seconds_factor), wanted.seed,
                  placement});
    Json json;
    json["group"] = cell.group;
    json["workload"] = cell.workload;
    json["subject"] = cell.subject;
    json["seed"] = wanted.seed;
    json["pin"] = wanted.unpinned ? "free" : "spread";
    json["line_ns"] = line_ns;
    json["messages"] = found.messages;
    json["seconds"] = found.seconds;
    json["publish_waits"] = found.publish_waits;
    json["cpu_seconds"] = found.cpu_seconds;
    json["rss_peak"] = resident_bytes_peak();
    json["figures"] = figures_of(found);
    for (const NamedHistogram& named : found.histograms) {
      json["histograms"][named.name] = buckets_of(named.histogram);
    }
    json["violations"] = found.violations;
    json["first_violation"] = found.first_violation;
    print(json);
    return found.violations == 0 ? 0 : 1;
  }
  std::fprintf(stderr, "no such cell; see laneway_bench list\n");
  return 2;
}

}  // namespace
}  // namespace laneway::bench

int main(int argc, char** argv) {
  using namespace laneway::bench;
  Wanted wanted;
  CLI::App app("One run of one system in one workload");
  app.require_subcommand(1);
  const CLI::App* list_command = app.add_subcommand("list", "Print every cell");
  const CLI::App* environment_command =
      app.add_subcommand("environment", "Print compiler, flags and the cost of the harness");
  const CLI::App* test_command =
      app.add_subcommand("self_test", "See whether the verifier notices what it must");
  CLI::App* run_command = app.add_subcommand("run", "Run one cell once");
  run_command->add_option("--group", wanted.group)->required();
  run_command->add_option("--workload", wanted.workload)->required();
  run_command->add_option("--subject", wanted.subject)->required();
  run_command->add_option("--seconds", wanted.seconds, "Length of the measured part")
      ->check(CLI::Range(0.001, 3600.0));
  run_command->add_option("--warm-up", wanted.warm_up, "Length of the part before it, in seconds")
      ->check(CLI::Range(0.0, 3600.0));
  run_command->add_option("--seed", wanted.seed, "Chooses the keys");
  run_command->add_flag("--unpinned", wanted.unpinned, "Let the scheduler place the threads");
  CLI11_PARSE(app, argc, argv);
  if (list_command->parsed()) {
    return list();
  }
  if (environment_command->parsed()) {
    return environment();
  }
  if (test_command->parsed()) {
    return test();
  }
  return run(wanted);
}

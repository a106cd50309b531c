#include "tools/run/report.hpp"

#include "tools/run/quantity.hpp"
#include "tools/run/text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace laneway::tools {

namespace {

constexpr std::size_t kKeyColumns = 40;
constexpr std::size_t kLabelColumns = 22;

// Rows of a label and a value; a row of a label alone is a sentence.
class Table {
 public:
  void row(std::string_view label, const std::string& value, const std::string& note = {}) {
    if (value.empty()) {
      text_ += fmt::format("  {}\n", label);
    } else if (note.empty()) {
      text_ += fmt::format("  {:<{}} {:>12}\n", label, kLabelColumns, value);
    } else {
      text_ += fmt::format("  {:<{}} {:>12}   {}\n", label, kLabelColumns, value, note);
    }
  }
  void count(std::string_view label, std::uint64_t value, const std::string& note = {}) {
    row(label, format_count(value), note);
  }
  // Only when there is something to count.
  void some(std::string_view label, std::uint64_t value, const std::string& note = {}) {
    if (value > 0) {
      count(label, value, note);
    }
  }
  void sentence(const std::string& text) { text_ += text + "\n"; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string shown_key(const std::string& key) {
  return std::string(head(printable(is_utf8(key) ? key : base64(key)), kKeyColumns));
}

void add_input(const Report& report, Table& table) {
  table.count("records read", report.read);
  table.some("  empty, skipped", report.empty);
  table.some("  before --from", report.passed_over);
  if (report.keyed) {
    const std::string busiest =
        report.keys == 0
            ? std::string()
            : fmt::format("most records: {} of {}", format_count(report.busiest_key_records),
                          shown_key(report.busiest_key));
    table.row("keys", format_count(report.keys) + (report.more_keys ? "+" : ""), busiest);
    table.count("without a key", report.unkeyed, report.unkeyed > 0 ? "in no order" : "");
  }
}

void add_outcome(const Report& report, Table& table) {
  table.count("acknowledged", report.acked);
  table.count("dead", report.dead(), report.dead() > 0 ? report.dead_letters_path : "");
  table.some("  attempts used up", report.dead_attempts);
  table.some("  rejected", report.dead_rejected);
  table.some("  too long", report.refused_long);
  table.some("  no key", report.refused_unkeyed);
  if (report.interrupted || !report.failure.empty()) {
    table.count("not finished", report.left);
  }
  table.count("deliveries", report.deliveries);
  table.count("failed deliveries", report.failed);
  table.count("leases expired", report.lease_expired);
  table.row("time per delivery", "< " + format_duration(report.handling_p50),
            "for half of them; < " + format_duration(report.handling_p99) + " for 99 %");
  table.row("workers", format_count(report.workers),
            fmt::format("busy {:.0f} % of the time", report.busy_share * 100.0));
  table.row("wall time", format_duration(report.wall), format_rate(report.per_second()));
}

void add_dead_samples(const Report& report, Table& table) {
  if (report.dead_samples.empty()) {
    return;
  }
  table.sentence("Dead letters, the last ones:");
  for (const DeadSample& sample : report.dead_samples) {
    const std::string key =
        sample.key.empty() ? std::string() : fmt::format(", key {}", shown_key(sample.key));
    table.row(fmt::format("record {}{}, {}: {}", sample.number, key,
                          format_plural(sample.attempts, "attempt"), printable(sample.error)),
              {});
  }
}

void add_left(const Report& report, Table& table) {
  if (!report.interrupted && report.failure.empty()) {
    return;
  }
  if (report.left > 0) {
    table.sentence(fmt::format(
        "Read and not finished: {} ({} ready, {} behind an earlier one of their key, {} "
        "waiting for a retry).",
        format_plural(report.left, "record"), format_count(report.left_ready),
        format_count(report.left_blocked), format_count(report.left_delayed)));
  }
  if (!report.work_left()) {
    return;
  }
  const std::uint64_t from = report.resume_from();
  table.sentence(fmt::format(
      "To go on: the same command with --from {}. Every record before it is finished.", from));
  if (from < report.first_unread) {
    table.sentence(fmt::format(
        "The first unread record is {}. Of those between, the {} finished already will be worked "
        "on again{}.",
        report.first_unread, format_count(report.first_unread - from - report.left),
        report.ordered ? "; each key keeps its order" : ""));
  }
}

nlohmann::ordered_json samples_json(const Report& report) {
  nlohmann::ordered_json samples = nlohmann::ordered_json::array();
  for (const DeadSample& sample : report.dead_samples) {
    samples.push_back({{"number", sample.number},
                       {"key", sample.key},
                       {"attempts", sample.attempts},
                       {"error", sample.error}});
  }
  return samples;
}

}  // namespace

ExitStatus Report::status() const {
  if (!handler.passed) {
    return ExitStatus::verify_failed;
  }
  if (!failure.empty()) {
    return ExitStatus::failed;
  }
  if (interrupted && work_left()) {
    return ExitStatus::interrupted;
  }
  return dead() > 0 ? ExitStatus::dead_lettered : ExitStatus::all_acknowledged;
}

double Report::per_second() const {
  const double elapsed = std::chrono::duration<double>(wall).count();
  return elapsed > 0 ? static_cast<double>(acked + dead()) / elapsed : 0.0;
}

std::string report_headline(const Report& report) {
  switch (report.status()) {
    case ExitStatus::verify_failed:
      return "The check of the order failed.";
    case ExitStatus::failed:
      return "Stopped: " + report.failure + ".";
    case ExitStatus::interrupted:
      return "Interrupted, with work left.";
    case ExitStatus::dead_lettered:
      return fmt::format("Done; {} could not be handled.", format_plural(report.dead(), "record"));
    case ExitStatus::all_acknowledged:
      break;
  }
  return "Done; every record was acknowledged.";
}

std::string report_table(const Report& report) {
  Table table;
  table.sentence(report_headline(report));
  add_input(report, table);
  add_outcome(report, table);
  if (!report.handler.rows.empty()) {
    table.sentence(fmt::format("Handler {}:", report.handler_name));
    for (const auto& [label, value] : report.handler.rows) {
      table.row(label, value);
    }
  }
  add_dead_samples(report, table);
  add_left(report, table);
  return table.take();
}

std::string report_json(const Report& report) {
  using Json = nlohmann::ordered_json;
  const auto seconds = [](auto duration) {
    return std::chrono::duration<double>(duration).count();
  };
  Json json = {
      {"status", static_cast<int>(report.status())},
      {"headline", report_headline(report)},
      {"read", report.read},
      {"empty", report.empty},
      {"passed_over", report.passed_over},
      {"unkeyed", report.unkeyed},
      {"keys", report.keys},
      {"keys_complete", !report.more_keys},
      {"busiest_key", {{"key", report.busiest_key}, {"records", report.busiest_key_records}}},
      {"acked", report.acked},
      {"dead",
       {{"total", report.dead()},
        {"attempts", report.dead_attempts},
        {"rejected", report.dead_rejected},
        {"too_long", report.refused_long},
        {"no_key", report.refused_unkeyed},
        {"last", samples_json(report)}}},
      {"deliveries", report.deliveries},
      {"failed_deliveries", report.failed},
      {"leases_expired", report.lease_expired},
      {"handling_seconds",
       {{"p50", seconds(report.handling_p50)}, {"p99", seconds(report.handling_p99)}}},
      {"workers", report.workers},
      {"busy_share", report.busy_share},
      {"wall_seconds", seconds(report.wall)},
      {"records_per_second", report.per_second()},
      {"seed", report.seed},
      {"interrupted", report.interrupted},
      {"input_ended", report.input_ended},
      {"left",
       {{"total", report.left},
        {"ready", report.left_ready},
        {"blocked", report.left_blocked},
        {"delayed", report.left_delayed}}},
      {"failure", report.failure}};
  json["resume_from"] = report.work_left() ? Json(report.resume_from()) : Json(nullptr);
  json["handler"] = report.handler.json.empty() ? Json(nullptr) : Json::parse(report.handler.json);
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace laneway::tools

#include "tools/run/report.hpp"

#include "tools/run/quantity.hpp"
#include "tools/run/text.hpp"

#include <fmt/format.h>

#include <algorithm>

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
      return;
    }
    const std::string between = note.empty() ? "" : "   ";
    text_ += fmt::format("  {:<{}} {:>12}{}{}\n", label, label_columns_, value, between, note);
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
  // From here on.
  void set_label_columns(std::size_t columns) { label_columns_ = columns; }
  std::string take() { return std::move(text_); }

 private:
  std::size_t label_columns_ = kLabelColumns;
  std::string text_;
};

std::string shown_key(const std::string& key) {
  return std::string(head(printable(is_utf8(key) ? key : base64(key)), kKeyColumns));
}

void add_input(const Report& report, Table& table) {
  table.count("records read", report.read);
  table.some("  empty, skipped", report.empty);
  table.some(report.journal ? "  finished by earlier runs" : "  before --from", report.passed_over);
  table.some("  duplicates, passed over", report.duplicates);
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

void add_handler(const Report& report, Table& table) {
  if (report.handler.rows.empty()) {
    return;
  }
  std::size_t columns = kLabelColumns;
  for (const auto& [label, value] : report.handler.rows) {
    columns = value.empty() ? columns : std::max(columns, label.size());
  }
  table.sentence(fmt::format("Handler {}:", report.handler_name));
  table.set_label_columns(columns);
  for (const auto& [label, value] : report.handler.rows) {
    table.row(label, value);
  }
  table.set_label_columns(kLabelColumns);
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
  if (report.journal) {
    table.sentence("To go on: the same command. It begins where this one was.");
    return;
  }
  const std::uint64_t from = report.resume_from();
  table.sentence(fmt::format(
      "To go on: the same command with --from {}. Every record before it is finished.", from));
  if (from + report.left < report.first_unread) {
    table.sentence(fmt::format("Records {} to {} were read; those finished already come again{}.",
                               from, report.first_unread - 1,
                               report.ordered ? ", each key in its order" : ""));
  }
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
  add_handler(report, table);
  add_dead_samples(report, table);
  add_left(report, table);
  return table.take();
}

}  // namespace laneway::tools

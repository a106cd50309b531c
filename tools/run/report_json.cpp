#include "tools/run/json_text.hpp"
#include "tools/run/report.hpp"

namespace laneway::tools {

namespace {

Json samples_json(const Report& report) {
  Json samples = Json::array();
  for (const DeadSample& sample : report.dead_samples) {
    samples.push_back({{"number", sample.number},
                       {"key", sample.key},
                       {"attempts", sample.attempts},
                       {"error", sample.error}});
  }
  return samples;
}

}  // namespace

std::string report_json(const Report& report) {
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
      {"duplicates", report.duplicates},
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

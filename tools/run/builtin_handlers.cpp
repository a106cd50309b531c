#include "tools/run/builtin_handlers.hpp"

#include "tools/run/key_counts.hpp"
#include "tools/run/order_check.hpp"
#include "tools/run/quantity.hpp"
#include "tools/run/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

namespace laneway::tools {

namespace {

using std::chrono::milliseconds;
using Kind = Verdict::Kind;

constexpr std::string_view kSleepPrefix = "sleep:";
constexpr std::uint32_t kQuickBatch = 16;

std::optional<milliseconds> sleep_length(std::string_view name) {
  if (name.substr(0, kSleepPrefix.size()) != kSleepPrefix) {
    return std::nullopt;
  }
  return parse_duration(name.substr(kSleepPrefix.size()));
}

class CountHandler final : public Handler {
 public:
  Verdict handle(const Delivery&, LeaseKeeper&) override { return {}; }
  std::uint32_t batch() const override { return kQuickBatch; }

  void settled(const Delivery& delivery, Kind kind, bool kept) override {
    if (kind == Kind::ack && kept && !delivery.key.empty()) {
      const std::lock_guard lock(mutex_);
      counts_.add(delivery.key);
    }
  }

  HandlerSummary summary(bool) override {
    HandlerSummary summary;
    nlohmann::ordered_json top = nlohmann::ordered_json::array();
    for (const KeyCounts::Row& row : counts_.top(kRows)) {
      const std::string key = printable(is_utf8(row.key) ? row.key : base64(row.key));
      summary.rows.emplace_back(head(key, kKeyColumns), format_count(row.count));
      top.push_back({{"key", key}, {"records", row.count}});
    }
    if (counts_.keys() > kRows) {
      summary.rows.emplace_back(format_plural(counts_.keys() - kRows, "other key"), "");
    }
    const nlohmann::ordered_json json = {{"name", "count"},
                                         {"keys", counts_.keys()},
                                         {"records_of_further_keys", counts_.others()},
                                         {"top", std::move(top)}};
    summary.json = json.dump();
    return summary;
  }

 private:
  static constexpr std::size_t kRows = 10;
  static constexpr std::size_t kKeyColumns = 40;
  static constexpr std::size_t kKeysMax = 1'000'000;

  std::mutex mutex_;
  KeyCounts counts_{kKeysMax};
};

class EchoHandler final : public Handler {
 public:
  EchoHandler(Console& console, char separator) : console_(console), separator_(separator) {}

  Verdict handle(const Delivery& delivery, LeaseKeeper&) override {
    std::string line(delivery.record);
    line += separator_;
    return {.kind = console_.write_output(line) ? Kind::ack : Kind::give_back};
  }
  std::uint32_t batch() const override { return kQuickBatch; }

 private:
  Console& console_;
  char separator_;
};

class VerifyHandler final : public Handler {
 public:
  void joining(std::string_view key, std::uint64_t number) override { check_.join(key, number); }
  Verdict handle(const Delivery& delivery, LeaseKeeper&) override {
    check_.begin(delivery);
    // Gives up the core, so that two workers on one key would be seen even on a single one.
    std::this_thread::yield();
    return {};
  }
  void settling(const Delivery& delivery, Kind kind) override { check_.settling(delivery, kind); }
  void settled(const Delivery& delivery, Kind, bool kept) override {
    check_.settled(delivery, kept);
  }
  std::uint32_t batch() const override { return kQuickBatch; }

  HandlerSummary summary(bool complete) override {
    if (complete) {
      check_.finish();
    }
    HandlerSummary summary;
    summary.passed = check_.breaches() == 0;
    summary.rows.emplace_back("deliveries checked", format_count(check_.deliveries()));
    summary.rows.emplace_back("breaches of order", format_count(check_.breaches()));
    for (const std::string& story : check_.stories()) {
      summary.rows.emplace_back("  " + story, "");
    }
    const nlohmann::ordered_json json = {{"name", "verify"},
                                         {"deliveries", check_.deliveries()},
                                         {"breaches", check_.breaches()},
                                         {"stories", check_.stories()}};
    summary.json = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return summary;
  }

 private:
  OrderCheck check_;
};

class SleepHandler final : public Handler {
 public:
  SleepHandler(milliseconds length, const RunControl& control)
      : length_(length), control_(control) {}

  Verdict handle(const Delivery&, LeaseKeeper& lease) override {
    const auto end = std::chrono::steady_clock::now() + length_;
    while (std::chrono::steady_clock::now() < end) {
      if (control_.stopping()) {
        return {.kind = Kind::give_back};
      }
      if (!lease.keep()) {
        return {.kind = Kind::retry, .error = "the lease was lost"};
      }
      const auto pause = std::chrono::steady_clock::now() + LeaseKeeper::kPause;
      std::this_thread::sleep_until(std::min(end, pause));
    }
    return {};
  }

 private:
  milliseconds length_;
  const RunControl& control_;
};

class FailHandler final : public Handler {
 public:
  Verdict handle(const Delivery&, LeaseKeeper&) override {
    return {.kind = Kind::retry, .error = "the handler fail fails always", .error_class = 1};
  }
  std::uint32_t batch() const override { return kQuickBatch; }
};

}  // namespace

bool is_builtin_handler(std::string_view name) {
  return name == "count" || name == "echo" || name == "verify" || name == "fail" ||
         sleep_length(name).has_value();
}

bool prints_records(std::string_view name) {
  return name == "echo";
}

std::unique_ptr<Handler> make_builtin_handler(std::string_view name,
                                              char separator,
                                              Console& console,
                                              const RunControl& control) {
  if (name == "count") {
    return std::make_unique<CountHandler>();
  }
  if (name == "echo") {
    return std::make_unique<EchoHandler>(console, separator);
  }
  if (name == "verify") {
    return std::make_unique<VerifyHandler>();
  }
  if (const auto length = sleep_length(name)) {
    return std::make_unique<SleepHandler>(*length, control);
  }
  return std::make_unique<FailHandler>();
}

}  // namespace laneway::tools

#include "tools/run/progress.hpp"

#include "tools/run/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace laneway::tools {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kBarMin = 10;
constexpr std::size_t kBarMax = 30;
constexpr milliseconds kRedraw{100};
constexpr seconds kRateWindow{5};

std::string details(const ProgressState& state) {
  std::string text = fmt::format(
      "{}  {} in flight  {}  {} dead  oldest {}", format_rate(state.per_second),
      format_count(state.in_flight),
      state.retries == 1 ? "1 retry" : fmt::format("{} retries", format_count(state.retries)),
      format_count(state.dead), format_duration(state.oldest_ready));
  return state.draining ? text + "  draining" : text;
}

}  // namespace

std::optional<double> finished_share(std::uint64_t bytes_read,
                                     std::optional<std::uint64_t> bytes,
                                     const ProgressState& state) {
  if (!bytes || *bytes == 0) {
    return std::nullopt;
  }
  const double of_bytes = static_cast<double>(bytes_read) / static_cast<double>(*bytes);
  const double of_records =
      state.read == 0 ? 1.0 : static_cast<double>(state.finished) / static_cast<double>(state.read);
  return std::clamp(of_bytes * of_records, 0.0, 1.0);
}

std::string progress_bar(const ProgressState& state, std::size_t width) {
  const std::string done =
      fmt::format("{}/{}", format_count(state.finished), format_count(state.read));
  std::string text = done + "  " + details(state);
  if (state.share) {
    const std::string percent = fmt::format("{:3.0f}%", std::floor(*state.share * 100.0));
    text = percent + " " + text;
    if (text.size() + kBarMin + 3 <= width) {
      const std::size_t length = std::min(kBarMax, width - text.size() - 3);
      const auto filled = static_cast<std::size_t>(*state.share * static_cast<double>(length));
      text = fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(length - filled, '.'),
                         text);
    }
  }
  return text.substr(0, width);
}

std::string progress_line(const ProgressState& state) {
  const std::string share =
      state.share ? fmt::format(" ({:.0f} % of the input)", std::floor(*state.share * 100.0)) : "";
  return fmt::format("{} of {} read{}  {}", format_count(state.finished),
                     format_plural(state.read, "record"), share, details(state));
}

double RateMeter::measure(Time now, std::uint64_t finished) {
  samples_.emplace_back(now, finished);
  while (samples_.size() > 2 && now - samples_[1].first >= kRateWindow) {
    samples_.pop_front();
  }
  const auto& [since, before] = samples_.front();
  const double elapsed = std::chrono::duration<double>(now - since).count();
  return elapsed > 0 ? static_cast<double>(finished - before) / elapsed : 0.0;
}

Progress::Progress(Console& console, bool quiet)
    : console_(console),
      quiet_(quiet),
      started_(Clock::now()),
      next_(started_ + (console.error_is_terminal() ? kRedraw : milliseconds(1000))) {
  rate_.measure(started_, 0);
}

bool Progress::due() const {
  return !quiet_ && Clock::now() >= next_;
}

// On a terminal ten times a second; else each second, and each ten seconds after a minute.
void Progress::show(ProgressState state) {
  const auto now = Clock::now();
  state.per_second = rate_.measure(now, state.finished);
  if (console_.error_is_terminal()) {
    next_ = now + kRedraw;
    console_.show_progress(progress_bar(state, console_.width() - 1));
    return;
  }
  next_ = now + (now - started_ < seconds(60) ? seconds(1) : seconds(10));
  console_.write_error(progress_line(state) + "\n");
}

void Progress::end() {
  console_.clear_progress();
}

}  // namespace laneway::tools

#include "tools/run/line_handler.hpp"

#include "tools/run/child_process.hpp"
#include "tools/run/command_handler.hpp"
#include "tools/run/command_template.hpp"
#include "tools/run/error_lines.hpp"
#include "tools/run/quantity.hpp"
#include "tools/run/reply.hpp"
#include "tools/run/run_tally.hpp"
#include "tools/run/text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace laneway::tools {

namespace {

using Kind = Verdict::Kind;
using std::chrono::milliseconds;

constexpr std::size_t kReplyBytesMax = 4096;
constexpr std::uint32_t kNoReplyClass = 76;  // EX_PROTOCOL of sysexits.h
// For a command whose input has ended, to end itself.
constexpr milliseconds kFarewell{10'000};
// A command that has closed a standard file may be about to end: so long its end is waited for.
constexpr milliseconds kMuteMax{1000};

// The command of one worker; its thread alone touches it.
struct Seat {
  ChildProcess child;
  std::optional<ErrorLines> errors;
};

// What all looks at the command have in common.
class SeatWatch : public ChildWatch {
 public:
  explicit SeatWatch(Seat& seat) : seat_(seat) {}
  void output(std::string_view bytes) override { said_ += bytes; }
  void error_output(std::string_view bytes) override { seat_.errors->take(bytes); }

  bool said_nothing() const { return said_.empty(); }

 protected:
  Seat& seat_;
  std::string said_;
};

// Waits for the line that answers a record.
class ReplyWatch final : public SeatWatch {
 public:
  ReplyWatch(Seat& seat, const RunControl& control, LeaseKeeper& lease)
      : SeatWatch(seat), control_(control), lease_(lease) {}

  bool satisfied() override { return has_line() || said_.size() >= kReplyBytesMax; }
  bool keep_running() override {
    has_lease_ = has_lease_ && lease_.keep();
    const auto now = std::chrono::steady_clock::now();
    mute_since_ = seat_.child.talks() ? now : mute_since_;
    return has_lease_ && !control_.stopping() && now - mute_since_ < kMuteMax;
  }

  bool has_line() const { return said_.find('\n') != std::string::npos; }
  bool said_more() const { return said_.find('\n') + 1 < said_.size(); }
  std::string_view line() const { return std::string_view(said_).substr(0, said_.find('\n')); }
  bool has_lease() const { return has_lease_; }

 private:
  const RunControl& control_;
  LeaseKeeper& lease_;
  bool has_lease_ = true;
  std::chrono::steady_clock::time_point mute_since_ = std::chrono::steady_clock::now();
};

// One look, without waiting.
class Glance final : public SeatWatch {
 public:
  using SeatWatch::SeatWatch;
  bool satisfied() override { return true; }
};

// Lets it end, or makes it.
class FarewellWatch final : public SeatWatch {
 public:
  FarewellWatch(Seat& seat, bool patient) : SeatWatch(seat), patient_(patient) {}
  bool keep_running() override { return patient_; }

 private:
  bool patient_;
};

class LineHandler final : public Handler {
 public:
  LineHandler(const RunOptions& options, Console& console, RunControl& control)
      : options_(options.handler),
        separator_(options.input.separator),
        line_({options.handler.line}),
        console_(console),
        control_(control),
        seats_(options.queueing.workers) {}

  Verdict handle(const Delivery& delivery, LeaseKeeper& lease) override {
    std::string line = line_.arguments(delivery).front();
    if (line.find(separator_) != std::string::npos) {
      return {.kind = Kind::reject, .error = "the line would hold the end of a line"};
    }
    line += separator_;
    Seat& seat = seats_[delivery.worker];
    idle(delivery.worker);
    if (!seat.child.running()) {
      const int failed = start(delivery.worker);
      if (failed != 0) {
        return not_started(failed, options_, control_);
      }
    }
    seat.child.feed(line);
    ReplyWatch watch(seat, control_, lease);
    const std::optional<ChildEnd> end = seat.child.attend(watch, options_.timeout);
    if (end) {
      seat.errors->finish();
    }
    return watch.satisfied() ? replied(seat, watch) : ended(seat, watch, *end);
  }

  // A command that ended by itself between two records has failed none; one that speaks unasked
  // is out of step.
  void idle(std::uint32_t worker) override {
    Seat& seat = seats_[worker];
    if (!seat.child.running()) {
      return;
    }
    Glance glance(seat);
    const auto end = seat.child.attend(glance, milliseconds(0));
    if (end) {
      seat.errors->finish();
    } else if (!glance.said_nothing() || !seat.child.talks()) {
      stop(seat);
    }
  }

  void leaving(std::uint32_t worker, bool finished) override {
    Seat& seat = seats_[worker];
    if (!seat.child.running()) {
      return;
    }
    seat.child.end_input();
    FarewellWatch watch(seat, finished);
    const ChildEnd end = *seat.child.attend(watch, kFarewell);
    seat.errors->finish();
    if (!watch.said_nothing()) {
      complain("a command gave more replies than it got records: one may have stood for another");
    }
    if (finished && (end.how != ChildEnd::How::exited || end.code != 0)) {
      HandlerOptions farewell;
      farewell.timeout = kFarewell;
      complain("after its last record a command ended badly: " + judge(end, farewell, {}).error);
    }
  }

  HandlerSummary summary(bool) override {
    HandlerSummary summary;
    summary.rows.emplace_back("commands started", format_count(started_.get()));
    summary.json =
        nlohmann::ordered_json({{"name", "each-worker"}, {"started", started_.get()}}).dump();
    return summary;
  }

 private:
  void complain(const std::string& text) { console_.write_error("laneway run: " + text + "\n"); }

  // An errno, or 0.
  int start(std::uint32_t worker) {
    Seat& seat = seats_[worker];
    seat.errors.emplace(console_);
    const int failed =
        seat.child.start({.arguments = options_.command,
                          .environment = {fmt::format("LANEWAY_WORKER={}", worker + 1)},
                          .has_input = true,
                          .input_goes_on = true,
                          .input = {},
                          .kill_after = options_.kill_after});
    started_.add(failed == 0 ? 1 : 0);
    return failed;
  }

  void stop(Seat& seat) {
    if (seat.child.running()) {
      FarewellWatch watch(seat, false);
      (void)seat.child.attend(watch, milliseconds(0));
      seat.errors->finish();
    }
  }

  Verdict replied(Seat& seat, const ReplyWatch& watch) {
    const std::optional<Verdict> verdict =
        watch.has_line() ? parse_reply(watch.line()) : std::nullopt;
    if (!verdict || watch.said_more()) {
      stop(seat);  // nobody knows which record it is at
    }
    if (verdict) {
      understood_.add();
      return *verdict;
    }
    const std::string shown = printable(head(watch.line(), 60));
    if (understood_.get() == 0) {
      control_.fail(fmt::format(
          "the command answers '{}'; with --each-worker it answers each record with one line: ok, "
          "retry or reject",
          shown));
      return {.kind = Kind::give_back};
    }
    return {
        .kind = Kind::retry, .error = error_text("no reply", shown), .error_class = kNoReplyClass};
  }

  Verdict ended(const Seat& seat, const ReplyWatch& watch, const ChildEnd& end) const {
    if (end.how == ChildEnd::How::stopped && watch.has_lease()) {
      return control_.stopping() ? Verdict{.kind = Kind::give_back}
                                 : Verdict{.kind = Kind::retry,
                                           .error = "it closed its input or its output",
                                           .error_class = kNoReplyClass};
    }
    if (end.how == ChildEnd::How::exited && end.code == 0) {
      return {.kind = Kind::retry,
              .error = error_text("ended without a reply", seat.errors->last()),
              .error_class = kNoReplyClass};
    }
    return judge(end, options_, seat.errors->last());
  }

  const HandlerOptions options_;
  const char separator_;
  const CommandTemplate line_;
  Console& console_;
  RunControl& control_;
  std::vector<Seat> seats_;
  Counter started_;
  Counter understood_;
};

}  // namespace

std::unique_ptr<Handler> make_line_handler(const RunOptions& options,
                                           Console& console,
                                           RunControl& control,
                                           std::string& mistake) {
  mistake = lacking_program(options.handler.command[0]);
  if (!mistake.empty()) {
    return nullptr;
  }
  return std::make_unique<LineHandler>(options, console, control);
}

}  // namespace laneway::tools

#include "tools/run/child_process.hpp"

#include "tools/run/child_spawn.hpp"
#include "tools/run/file_descriptor.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace laneway::tools {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPause{100};      // between two questions to the watch
constexpr milliseconds kShortPause{10};  // when the watch has no room, or an end cannot be polled
constexpr milliseconds kLinger{100};     // for output still on its way when the command has ended

}  // namespace

void ChildProcess::Outlet::count_owed() {
  int bytes = 0;
  owed = is_open() && ioctl(from.get(), FIONREAD, &bytes) == 0 ? bytes : 0;
}

ChildProcess::~ChildProcess() {
  if (running()) {
    kill(-pid_, SIGKILL);
    reap();
  }
}

int ChildProcess::start(const ChildCommand& command) {
  SpawnedChild spawned;
  const int failed = spawn_child(command, spawned);
  if (failed != 0) {
    return failed;
  }
  kill_after_ = command.kill_after;
  pid_ = spawned.pid;
  input_ = std::move(spawned.input);
  output_.from = std::move(spawned.output);
  error_.from = std::move(spawned.error);
  handle_ = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  fed_ = command.input;
  written_ = 0;
  input_goes_on_ = command.input_goes_on;
  write_input();
  return 0;
}

void ChildProcess::feed(std::string_view text) {
  fed_.erase(0, written_);
  written_ = 0;
  fed_ += text;
  write_input();
}

void ChildProcess::end_input() {
  input_goes_on_ = false;
  write_input();
}

std::optional<ChildEnd> ChildProcess::attend(ChildWatch& watch, milliseconds timeout) {
  phase_ = Phase::running;
  end_ = {};
  deadline_ = timeout.count() > 0 ? Clock::now() + timeout : Clock::time_point::max();
  wait_for_something(watch);
  while (!has_ended()) {
    if (phase_ == Phase::running && watch.satisfied()) {
      return std::nullopt;
    }
    check_time(watch);
    wait_for_something(watch);
  }
  if (phase_ != Phase::running) {
    kill(-pid_, SIGKILL);  // the rest of the group; our child, not yet reaped, keeps the number
  }
  reap();
  read_rest(watch);
  output_.from.close();
  error_.from.close();
  return end_;
}

// All that was printed before the end is in the pipes. What keeps them open now was left in the
// background, or is a helper (as in `command > >(sort)`) that is about to end.
void ChildProcess::read_rest(ChildWatch& watch) {
  output_.count_owed();
  error_.count_owed();
  const auto linger = Clock::now() + kLinger;
  while (output_.is_open() || error_.is_open()) {
    const bool owed = output_.owed > 0 || error_.owed > 0;
    if ((!owed && Clock::now() >= linger) || !watch.keep_running()) {
      return;
    }
    wait_for_something(watch);
  }
}

void ChildProcess::wait_for_something(ChildWatch& watch) {
  room_ = watch.wants_output();
  const bool to_write = written_ < fed_.size();
  std::array<pollfd, 4> polled = {
      {{.fd = input_.get(), .events = static_cast<short>(to_write ? POLLOUT : 0), .revents = 0},
       {.fd = room_ ? output_.from.get() : -1, .events = POLLIN, .revents = 0},
       {.fd = error_.from.get(), .events = POLLIN, .revents = 0},
       {.fd = handle_.get(), .events = POLLIN, .revents = 0}}};
  const int ready = poll(polled.data(), polled.size(), pause_ms(watch));
  may_have_ended_ = !handle_.is_open() || polled[3].revents != 0;
  if (ready <= 0) {
    return;
  }
  if ((polled[0].revents & POLLERR) != 0) {
    input_.close();  // it reads no more
  } else if (polled[0].revents != 0) {
    write_input();
  }
  if (polled[2].revents != 0) {
    read_output(error_, watch);  // first, so that it is there when the output satisfies
  }
  if (polled[1].revents != 0) {
    read_output(output_, watch);
  }
}

int ChildProcess::pause_ms(ChildWatch& watch) const {
  if (watch.satisfied()) {
    return 0;
  }
  const milliseconds longest = room_ && handle_.is_open() ? kPause : kShortPause;
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), longest).count());
}

void ChildProcess::write_input() {
  if (!input_.is_open()) {
    return;
  }
  const std::string_view rest = std::string_view(fed_).substr(written_);
  const ssize_t count = write(input_.get(), rest.data(), rest.size());
  if (count >= 0) {
    written_ += static_cast<std::size_t>(count);
  }
  const bool refused = count < 0 && errno != EAGAIN && errno != EINTR;  // it does not read: fine
  if (refused || (written_ == fed_.size() && !input_goes_on_)) {
    input_.close();
  }
}

void ChildProcess::read_output(Outlet& outlet, ChildWatch& watch) {
  std::array<char, 16 * 1024> buffer;
  const ssize_t count = read(outlet.from.get(), buffer.data(), buffer.size());
  if (count > 0) {
    outlet.owed -= count;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    outlet.is_error ? watch.error_output(bytes) : watch.output(bytes);
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    outlet.from.close();
    outlet.owed = 0;
  }
}

void ChildProcess::check_time(ChildWatch& watch) {
  if (phase_ == Phase::running && !watch.keep_running()) {
    end_group(ChildEnd::How::stopped);
  } else if (phase_ == Phase::running && Clock::now() >= deadline_) {
    end_group(ChildEnd::How::timed_out);
  } else if (phase_ == Phase::ending && Clock::now() >= deadline_) {
    phase_ = Phase::killed;
    deadline_ = Clock::time_point::max();
    kill(-pid_, SIGKILL);
  }
}

void ChildProcess::end_group(ChildEnd::How reason) {
  phase_ = Phase::ending;
  end_.how = reason;
  deadline_ = Clock::now() + kill_after_;
  kill(-pid_, SIGTERM);
  kill(-pid_, SIGCONT);  // a stopped process would not see it
}

// Looks without reaping: until then the number of the process and of its group stay its own.
bool ChildProcess::has_ended() {
  if (!may_have_ended_) {
    return false;
  }
  siginfo_t info{};
  const int status = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return status != 0 ? errno != EINTR : info.si_pid == pid_;
}

void ChildProcess::reap() {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  pid_ = -1;
  handle_.close();
  input_.close();
  deadline_ = Clock::time_point::max();
  end_.code = info.si_status;
  if (phase_ == Phase::running) {
    end_.how = info.si_code == CLD_EXITED ? ChildEnd::How::exited : ChildEnd::How::signalled;
  }
}

ChildEnd run_child(const ChildCommand& command, ChildWatch& watch) {
  ChildProcess child;
  const int failed = child.start(command);
  if (failed != 0) {
    return {.how = ChildEnd::How::not_started, .code = failed};
  }
  return *child.attend(watch, command.timeout);
}

}  // namespace laneway::tools

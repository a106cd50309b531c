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

// What the child prints, on its way to the watch.
struct Outlet {
  FileDescriptor from = {};
  bool is_error = false;
  std::int64_t owed = 0;  // bytes that lay in the pipe when the child ended, and were not read yet

  bool is_open() const { return from.is_open(); }
  void count_owed() {
    int bytes = 0;
    owed = is_open() && ioctl(from.get(), FIONREAD, &bytes) == 0 ? bytes : 0;
  }
};

class Child {
 public:
  Child(const ChildCommand& command, ChildWatch& watch) : command_(command), watch_(watch) {}

  // An errno, or 0.
  int start();
  ChildEnd attend();

 private:
  enum class Phase { running, ending, killed };

  void wait_for_something();
  milliseconds pause() const;
  void write_input();
  void read_output(Outlet& outlet);
  void read_rest();
  void check_time();
  void end_group(ChildEnd::How reason);
  bool has_ended();
  void reap();

  const ChildCommand& command_;
  ChildWatch& watch_;
  pid_t pid_ = -1;
  FileDescriptor handle_;  // readable when the child has ended; empty where there is no such thing
  FileDescriptor input_;
  Outlet output_;
  Outlet error_{.is_error = true};
  std::size_t written_ = 0;
  Phase phase_ = Phase::running;
  bool room_ = true;
  Clock::time_point deadline_;  // of the phase
  ChildEnd end_;
};

int Child::start() {
  SpawnedChild spawned;
  const int failed = spawn_child(command_, spawned);
  if (failed != 0) {
    return failed;
  }
  pid_ = spawned.pid;
  input_ = std::move(spawned.input);
  output_.from = std::move(spawned.output);
  error_.from = std::move(spawned.error);
  handle_ = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  return 0;
}

ChildEnd Child::attend() {
  deadline_ =
      command_.timeout.count() > 0 ? Clock::now() + command_.timeout : Clock::time_point::max();
  while (!has_ended()) {
    wait_for_something();
    check_time();
  }
  if (phase_ != Phase::running) {
    kill(-pid_, SIGKILL);  // the rest of the group; our child, not yet reaped, keeps the number
  }
  reap();
  read_rest();
  return end_;
}

// All that was printed before the end is in the pipes. What keeps them open now was left in the
// background, or is a helper (as in `command > >(sort)`) that is about to end.
void Child::read_rest() {
  output_.count_owed();
  error_.count_owed();
  const auto linger = Clock::now() + kLinger;
  while (output_.is_open() || error_.is_open()) {
    const bool owed = output_.owed > 0 || error_.owed > 0;
    if ((!owed && Clock::now() >= linger) || !watch_.keep_running()) {
      return;
    }
    wait_for_something();
  }
}

void Child::wait_for_something() {
  room_ = watch_.wants_output();
  std::array<pollfd, 4> polled = {
      {{.fd = input_.get(), .events = POLLOUT, .revents = 0},
       {.fd = room_ ? output_.from.get() : -1, .events = POLLIN, .revents = 0},
       {.fd = error_.from.get(), .events = POLLIN, .revents = 0},
       {.fd = handle_.get(), .events = POLLIN, .revents = 0}}};
  if (poll(polled.data(), polled.size(), static_cast<int>(pause().count())) <= 0) {
    return;
  }
  if (polled[0].revents != 0) {
    write_input();
  }
  if (polled[1].revents != 0) {
    read_output(output_);
  }
  if (polled[2].revents != 0) {
    read_output(error_);
  }
}

milliseconds Child::pause() const {
  if (!room_ || !handle_.is_open()) {
    return kShortPause;
  }
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
  return std::clamp(left, milliseconds(0), kPause);
}

void Child::write_input() {
  const std::string_view rest = std::string_view(command_.input).substr(written_);
  const ssize_t count = write(input_.get(), rest.data(), rest.size());
  if (count >= 0) {
    written_ += static_cast<std::size_t>(count);
  }
  const bool refused = count < 0 && errno != EAGAIN && errno != EINTR;  // it does not read: fine
  if (refused || written_ == command_.input.size()) {
    input_.close();
  }
}

void Child::read_output(Outlet& outlet) {
  std::array<char, 16 * 1024> buffer;
  const ssize_t count = read(outlet.from.get(), buffer.data(), buffer.size());
  if (count > 0) {
    outlet.owed -= count;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    outlet.is_error ? watch_.error_output(bytes) : watch_.output(bytes);
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    outlet.from.close();
    outlet.owed = 0;
  }
}

void Child::check_time() {
  if (phase_ == Phase::running && !watch_.keep_running()) {
    end_group(ChildEnd::How::stopped);
  } else if (phase_ == Phase::running && Clock::now() >= deadline_) {
    end_group(ChildEnd::How::timed_out);
  } else if (phase_ == Phase::ending && Clock::now() >= deadline_) {
    phase_ = Phase::killed;
    deadline_ = Clock::time_point::max();
    kill(-pid_, SIGKILL);
  }
}

void Child::end_group(ChildEnd::How reason) {
  phase_ = Phase::ending;
  end_.how = reason;
  deadline_ = Clock::now() + command_.kill_after;
  kill(-pid_, SIGTERM);
  kill(-pid_, SIGCONT);  // a stopped process would not see it
}

// Looks without reaping: until then the number of the process and of its group stay its own.
bool Child::has_ended() {
  siginfo_t info{};
  const int status = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return status != 0 ? errno != EINTR : info.si_pid == pid_;
}

void Child::reap() {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  handle_.close();
  input_.close();
  deadline_ = Clock::time_point::max();
  end_.code = info.si_status;
  if (phase_ == Phase::running) {
    end_.how = info.si_code == CLD_EXITED ? ChildEnd::How::exited : ChildEnd::How::signalled;
  }
}

}  // namespace

ChildEnd run_child(const ChildCommand& command, ChildWatch& watch) {
  Child child(command, watch);
  const int failed = child.start();
  if (failed != 0) {
    return {.how = ChildEnd::How::not_started, .code = failed};
  }
  return child.attend();
}

}  // namespace laneway::tools

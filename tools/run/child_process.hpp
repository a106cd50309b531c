// ChildProcess: one run of a command, from its start to its end: feeds it, collects what it says,
// ends it when its time is over.
//
// The command gets a process group of its own (so that Ctrl-C on the terminal does not reach it,
// and a timeout reaches all of it), default signal dispositions and an empty signal mask.
#pragma once

#include "tools/run/file_descriptor.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::tools {

struct ChildCommand {
  std::vector<std::string> arguments;    // the first is looked up in PATH
  std::vector<std::string> environment;  // "NAME=value", replaces what we have under that name
  bool has_input = false;                // false: standard input is /dev/null
  bool input_goes_on = false;            // after `input` it waits for what is fed
  std::string input;
  std::chrono::milliseconds timeout{0};  // 0: none
  std::chrono::milliseconds kill_after{2000};
};

// Whoever watches a child. Called by the thread that runs it.
class ChildWatch {
 public:
  virtual ~ChildWatch() = default;
  // False: leave what it prints in the pipe for now; asked again every 10 ms.
  virtual bool wants_output() { return true; }
  virtual void output(std::string_view bytes) = 0;
  virtual void error_output(std::string_view bytes) = 0;
  // Asked at least every 100 ms. False: end it now, as if its time were over.
  virtual bool keep_running() { return true; }
  // True: enough was said; the command runs on and is not attended to for now.
  virtual bool satisfied() { return false; }
};

struct ChildEnd {
  enum class How {
    exited,       // code is its exit code
    signalled,    // code is the signal
    timed_out,    // it was ended because of its timeout
    stopped,      // it was ended because the watch said so
    not_started,  // code is an errno
  };
  How how = How::exited;
  int code = 0;
};

// A command that may outlive many looks at it. One thread at a time. SIGPIPE must be ignored.
class ChildProcess {
 public:
  ChildProcess() = default;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // SIGKILL to the group of a command that still runs

  // An errno, or 0. Not while one is running.
  int start(const ChildCommand& command);
  bool running() const { return pid_ > 0; }
  // False: it has closed its standard input or its standard output.
  bool talks() const { return input_.is_open() && output_.is_open(); }

  // More for its standard input; written while it is attended to.
  void feed(std::string_view text);
  // Its input ends after what was fed.
  void end_input();

  // Until it has ended and what it printed has been handed over, or the watch is satisfied: then
  // nothing is answered. A timeout (0: none) and a stop send SIGTERM to its process group and
  // SIGKILL `kill_after` later; nothing of the group is left then. Processes that a command leaves
  // in the background on its own account live on, and what they print later is not waited for.
  std::optional<ChildEnd> attend(ChildWatch& watch, std::chrono::milliseconds timeout);

 private:
  enum class Phase { running, ending, killed };

  // What the child prints, on its way to the watch.
  struct Outlet {
    FileDescriptor from = {};
    bool is_error = false;
    std::int64_t owed = 0;  // bytes that lay in the pipe when it ended, and were not read yet

    bool is_open() const { return from.is_open(); }
    void count_owed();
  };

  void wait_for_something(ChildWatch& watch);
  int pause_ms(ChildWatch& watch) const;
  void write_input();
  void read_output(Outlet& outlet, ChildWatch& watch);
  void read_rest(ChildWatch& watch);
  void check_time(ChildWatch& watch);
  void end_group(ChildEnd::How reason);
  bool has_ended();
  void reap();

  std::chrono::milliseconds kill_after_{0};
  pid_t pid_ = -1;
  FileDescriptor handle_;  // readable when the child has ended; empty where there is no such thing
  FileDescriptor input_;
  std::string fed_;
  std::size_t written_ = 0;  // of what was fed
  bool input_goes_on_ = false;
  Outlet output_;
  Outlet error_{.is_error = true};
  Phase phase_ = Phase::running;
  bool room_ = true;
  bool may_have_ended_ = false;
  std::chrono::steady_clock::time_point deadline_;  // of the phase
  ChildEnd end_;
};

// Starts a command and attends to it until it has ended.
ChildEnd run_child(const ChildCommand& command, ChildWatch& watch);

}  // namespace laneway::tools

// ChildProcess: one run of a command, from its start to its end: feeds it, collects what it says,
// ends it when its time is over.
//
// The command gets a process group of its own (so that Ctrl-C on the terminal does not reach it,
// and a timeout reaches all of it), default signal dispositions and an empty signal mask.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::tools {

struct ChildCommand {
  std::vector<std::string> arguments;    // the first is looked up in PATH
  std::vector<std::string> environment;  // "NAME=value", replaces what we have under that name
  bool has_input = false;                // false: standard input is /dev/null
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

// Returns when the command has ended and what it printed has been handed over. A timeout and a stop
// send SIGTERM to its process group and SIGKILL `kill_after` later; nothing of the group is left
// then. Processes that a command leaves in the background on its own account live on, and what they
// print later is not waited for. SIGPIPE must be ignored by the caller.
ChildEnd run_child(const ChildCommand& command, ChildWatch& watch);

}  // namespace laneway::tools

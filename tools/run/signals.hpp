// Signals: Ctrl-C and its relatives as something to wait for.
#pragma once

#include "tools/run/file_descriptor.hpp"

#include <chrono>
#include <csignal>

namespace laneway::tools {

// SIGINT, SIGTERM and SIGHUP are blocked from here on, in this thread and those it starts later,
// and arrive at wait(). SIGPIPE is ignored: a closed pipe is an errno. The end restores the
// dispositions.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  // Waits for one signal; 0: none came in this time.
  int wait(std::chrono::milliseconds time);

 private:
  sigset_t before_{};
  FileDescriptor file_;
};

}  // namespace laneway::tools

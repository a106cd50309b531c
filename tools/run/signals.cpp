#include "tools/run/signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace laneway::tools {

Signals::Signals() {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &watched, &before_);
  file_ = FileDescriptor(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
  while (wait(std::chrono::milliseconds(0)) != 0) {
    // What came too late must not end the process now.
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::wait(std::chrono::milliseconds time) {
  pollfd ready{.fd = file_.get(), .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, static_cast<int>(time.count())) <= 0) {
    return 0;
  }
  signalfd_siginfo info{};
  const ssize_t count = read(file_.get(), &info, sizeof info);
  return count == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace laneway::tools

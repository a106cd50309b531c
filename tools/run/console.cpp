#include "tools/run/console.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace laneway::tools {

namespace {

// A pipe that is ready takes this much at once without blocking: PIPE_BUF of POSIX on Linux.
constexpr std::size_t kPipeBytes = 4096;
constexpr int kOutputPauseMs = 100;

bool is_file(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

bool redraws(int descriptor) {
  const char* terminal = std::getenv("TERM");
  return isatty(descriptor) == 1 && terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
}

}  // namespace

Console::Console(RunControl& control)
    : control_(control),
      output_is_file_(is_file(STDOUT_FILENO)),
      output_is_terminal_(isatty(STDOUT_FILENO) == 1),
      error_is_terminal_(redraws(STDERR_FILENO)) {}

bool Console::write_output(std::string_view bytes) {
  if (bytes.empty()) {
    return !output_closed();
  }
  std::unique_lock lock(output_, std::defer_lock);
  const auto pause_over = [] {
    // The system's clock: GCC 12's ThreadSanitizer does not know the call that waits by another.
    return std::chrono::system_clock::now() + std::chrono::milliseconds(kOutputPauseMs);
  };
  while (!lock.try_lock_until(pause_over())) {
    if (control_.stopping()) {
      return false;
    }
  }
  return write_all(bytes);
}

bool Console::try_begin_stream() {
  return output_.try_lock();
}

bool Console::stream(std::string_view bytes) {
  return write_all(bytes);
}

void Console::end_stream() {
  output_.unlock();
}

void Console::write_error(std::string_view bytes) {
  const std::lock_guard lock(screen_);
  erase_line();
  while (!bytes.empty()) {
    const ssize_t written = write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return;  // nobody listens: there is no one to tell either
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
}

std::size_t Console::width() const {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

void Console::show_progress(std::string line) {
  const std::lock_guard lock(screen_);
  erase_line();
  progress_ = std::move(line);
  (void)!write(STDERR_FILENO, progress_.data(), progress_.size());
}

void Console::clear_progress() {
  const std::lock_guard lock(screen_);
  erase_line();
}

bool Console::write_all(std::string_view bytes) {
  if (output_is_terminal_) {
    clear_progress();
  }
  while (!bytes.empty()) {
    if (output_closed()) {
      return false;
    }
    pollfd ready{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    if (!output_is_file_ && poll(&ready, 1, kOutputPauseMs) <= 0) {
      if (control_.stopping()) {
        return false;
      }
      continue;
    }
    const std::size_t piece = output_is_file_ ? bytes.size() : std::min(bytes.size(), kPipeBytes);
    const ssize_t written = write(STDOUT_FILENO, bytes.data(), piece);
    if (written < 0 && errno != EINTR && errno != EAGAIN) {
      closed_.store(true, std::memory_order_release);
      control_.advance(RunControl::Step::stopping);
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return true;
}

void Console::erase_line() {
  if (!progress_.empty()) {
    static constexpr std::string_view kErase = "\r\033[K";
    (void)!write(STDERR_FILENO, kErase.data(), kErase.size());
    progress_.clear();
  }
}

}  // namespace laneway::tools

#include "tools/run/input_stream.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace laneway::tools {

namespace {

constexpr std::size_t kBufferBytes = 128 * 1024;
constexpr int kPauseMs = 100;

}  // namespace

std::string InputStream::open(const std::string& path) {
  name_ = path == "-" ? "standard input" : path;
  descriptor_ = STDIN_FILENO;
  if (path != "-") {
    file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    descriptor_ = file_.get();
  }
  struct stat status {};
  if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) {
    return fmt::format("cannot read {}: {}", name_, std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return fmt::format("cannot read {}: it is a directory", name_);
  }
  if (S_ISREG(status.st_mode)) {
    const off_t at = lseek(descriptor_, 0, SEEK_CUR);
    size_ = status.st_size > at && at >= 0 ? static_cast<std::uint64_t>(status.st_size - at) : 0;
  }
  buffer_.resize(kBufferBytes);
  return {};
}

InputStream::Got InputStream::read(std::string_view& bytes) {
  pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
  if (!size_ && poll(&ready, 1, kPauseMs) <= 0) {
    return Got::nothing;
  }
  const ssize_t count = ::read(descriptor_, buffer_.data(), buffer_.size());
  if (count > 0) {
    bytes = {buffer_.data(), static_cast<std::size_t>(count)};
    return Got::bytes;
  }
  if (count == 0) {
    return Got::end;
  }
  if (errno == EINTR || errno == EAGAIN) {
    return Got::nothing;
  }
  error_ = fmt::format("cannot read {}: {}", name_, std::strerror(errno));
  return Got::error;
}

}  // namespace laneway::tools

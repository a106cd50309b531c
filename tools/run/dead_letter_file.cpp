#include "tools/run/dead_letter_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace laneway::tools {

std::string DeadLetterFile::open(const std::string& path, bool append) {
  path_ = path;
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND;
  file_ = FileDescriptor(::open(path.c_str(), flags, 0666));
  struct stat status {};
  if (!file_.is_open() || fstat(file_.get(), &status) != 0) {
    return fmt::format("cannot write {}: {}", path, std::strerror(errno));
  }
  if (S_ISREG(status.st_mode) && status.st_size > 0 && !append) {
    file_.close();
    return fmt::format("{} is there already: name a new file, or add to it with --append", path);
  }
  return {};
}

std::string DeadLetterFile::write_line(std::string_view line) {
  if (!is_open()) {
    return {};
  }
  const std::lock_guard lock(mutex_);
  buffer_.assign(line);
  buffer_ += '\n';
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
    if (written < 0 && errno != EINTR) {
      return fmt::format("cannot write {}: {}", path_, std::strerror(errno));
    }
    rest.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace laneway::tools

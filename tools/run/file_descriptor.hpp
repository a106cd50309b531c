// FileDescriptor: closes what it holds. Pipe: two of them.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace laneway::tools {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { close(); }

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  void close() {
    if (is_open()) {
      ::close(std::exchange(descriptor_, -1));
    }
  }
  void set_nonblocking() const {
    if (is_open()) {
      fcntl(descriptor_, F_SETFL, O_NONBLOCK);
    }
  }

 private:
  int descriptor_ = -1;
};

// Neither end is inherited by a command, unless it is given to it.
struct Pipe {
  FileDescriptor reader;
  FileDescriptor writer;

  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return false;
    }
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
    return true;
  }
};

}  // namespace laneway::tools

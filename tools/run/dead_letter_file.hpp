// DeadLetterFile: where dead letters are written, one line each, as they occur.
#pragma once

#include "tools/run/file_descriptor.hpp"

#include <mutex>
#include <string>
#include <string_view>

namespace laneway::tools {

// Any thread. Without a path lines are dropped.
class DeadLetterFile {
 public:
  // Empty on success, else what is wrong. A file that holds something already is opened only to
  // append.
  std::string open(const std::string& path, bool append);

  bool is_open() const { return file_.is_open(); }
  // `line` has no end; it is written with one, whole. Empty on success, else what is wrong.
  std::string write_line(std::string_view line);

 private:
  std::mutex mutex_;
  FileDescriptor file_;
  std::string path_;
  std::string buffer_;
};

}  // namespace laneway::tools

// InputStream: a file, a pipe or a terminal, read piece by piece.
#pragma once

#include "tools/run/file_descriptor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::tools {

// One thread.
class InputStream {
 public:
  enum class Got {
    bytes,
    nothing,  // none came within 100 ms
    end,
    error,  // error() tells
  };

  // "-" is standard input. Empty on success, else what is wrong.
  std::string open(const std::string& path);

  // `bytes` lives until the next call.
  Got read(std::string_view& bytes);
  const std::string& error() const { return error_; }

  // Bytes of a regular file, from where it is read.
  std::optional<std::uint64_t> size() const { return size_; }

 private:
  FileDescriptor file_;
  int descriptor_ = -1;
  std::optional<std::uint64_t> size_;
  std::vector<char> buffer_;
  std::string name_;
  std::string error_;
};

}  // namespace laneway::tools

// TemporaryDirectory: an empty directory that goes with its content.
#pragma once

#include "engine/base/assert.hpp"

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace laneway::engine {

class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& above = "/tmp")
      : path(above + "/laneway-journal-XXXXXX") {
    LANEWAY_CHECK(::mkdtemp(path.data()) != nullptr);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::string path;
};

}  // namespace laneway::engine

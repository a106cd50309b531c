#include "tools/run/report_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace laneway::tools {

namespace {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::string ReportWriter::open(const std::string& json_path) {
  json_path_ = json_path;
  if (json_path.empty() || json_path == "-") {
    return {};
  }
  json_file_ = FileDescriptor(::open(json_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!json_file_.is_open()) {
    return fmt::format("cannot write {}: {}", json_path, std::strerror(errno));
  }
  return {};
}

std::string ReportWriter::write(const Report& report, bool records_on_output) {
  if (json_file_.is_open()) {
    (void)!ftruncate(json_file_.get(), 0);  // fails on what is no file, where it is not needed
    if (!write_all(json_file_.get(), report_json(report) + "\n")) {
      return fmt::format("cannot write {}: {}", json_path_, std::strerror(errno));
    }
  }
  // A reader of standard output that has gone is told nothing, and misses nothing it asked for.
  if (json_path_ == "-") {
    (void)write_all(STDOUT_FILENO, report_json(report) + "\n");
  } else {
    (void)write_all(records_on_output ? STDERR_FILENO : STDOUT_FILENO, report_table(report));
  }
  return {};
}

}  // namespace laneway::tools

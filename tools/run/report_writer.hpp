// ReportWriter: puts the report where it belongs.
#pragma once

#include "tools/run/file_descriptor.hpp"
#include "tools/run/report.hpp"

#include <string>

namespace laneway::tools {

// The table goes to standard output, or to standard error when records go to standard output. With
// `--json -` the JSON takes the place of the table.
class ReportWriter {
 public:
  // `json_path`: empty for none, "-" for standard output. What the file holds is replaced when the
  // report is written. Empty on success, else what is wrong.
  std::string open(const std::string& json_path);
  // Empty on success, else what is wrong.
  std::string write(const Report& report, bool records_on_output);

 private:
  std::string json_path_;
  FileDescriptor json_file_;
};

}  // namespace laneway::tools

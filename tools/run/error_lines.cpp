#include "tools/run/error_lines.hpp"

#include "tools/run/text.hpp"

namespace laneway::tools {

namespace {

constexpr std::size_t kBytesHeld = 4096;

}  // namespace

void ErrorLines::take(std::string_view bytes) {
  line_ += bytes;
  const std::size_t end = line_.rfind('\n');
  const std::size_t length = end != std::string::npos ? end + 1 : 0;
  if (length > 0 || line_.size() >= kBytesHeld) {
    pass_on(length > 0 ? length : line_.size());
  }
}

void ErrorLines::finish() {
  pass_on(line_.size());
}

void ErrorLines::pass_on(std::size_t length) {
  const std::string_view text = std::string_view(line_).substr(0, length);
  const std::string_view line = last_line(text);
  if (!line.empty()) {
    last_ = tail(line, kBytesHeld);
  }
  console_.write_error(text);
  line_.erase(0, length);
}

}  // namespace laneway::tools

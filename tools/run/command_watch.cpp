#include "tools/run/command_watch.hpp"

#include "tools/run/text.hpp"

namespace laneway::tools {

namespace {

constexpr std::size_t kErrorBytesHeld = 4096;

}  // namespace

CommandWatch::~CommandWatch() {
  if (streaming_) {
    console_.end_stream();
  }
}

bool CommandWatch::wants_output() {
  if (!streaming_ && held_.size() >= kOutputBytesHeld && console_.try_begin_stream()) {
    streaming_ = true;
    whole_ = console_.stream(held_);
    held_.clear();
  }
  return streaming_ || held_.size() < kOutputBytesHeld;
}

void CommandWatch::output(std::string_view bytes) {
  if (streaming_) {
    whole_ = console_.stream(bytes) && whole_;
  } else {
    held_ += bytes;
  }
}

void CommandWatch::error_output(std::string_view bytes) {
  error_line_ += bytes;
  const std::size_t end = error_line_.rfind('\n');
  const std::size_t length = end != std::string::npos ? end + 1 : 0;
  if (length > 0 || error_line_.size() >= kErrorBytesHeld) {
    pass_error(length > 0 ? length : error_line_.size());
  }
}

bool CommandWatch::keep_running() {
  has_lease_ = has_lease_ && lease_.keep();
  return has_lease_ && !control_.stopping();
}

bool CommandWatch::finish() {
  pass_error(error_line_.size());
  if (!held_.empty()) {
    whole_ = console_.write_output(held_) && whole_;
  }
  return whole_;
}

void CommandWatch::pass_error(std::size_t length) {
  const std::string_view text = std::string_view(error_line_).substr(0, length);
  const std::string_view line = last_line(text);
  if (!line.empty()) {
    last_error_ = tail(line, kErrorBytesHeld);
  }
  console_.write_error(text);
  error_line_.erase(0, length);
}

}  // namespace laneway::tools

#include "tools/run/command_watch.hpp"

namespace laneway::tools {

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

bool CommandWatch::keep_running() {
  has_lease_ = has_lease_ && lease_.keep();
  return has_lease_ && !control_.stopping();
}

bool CommandWatch::finish() {
  errors_.finish();
  if (!held_.empty()) {
    whole_ = console_.write_output(held_) && whole_;
  }
  return whole_;
}

}  // namespace laneway::tools

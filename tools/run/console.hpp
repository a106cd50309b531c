// Console: standard output and standard error as many threads share them. What is written in one
// call stays together; the progress line steps aside for it.
#pragma once

#include "tools/run/run_control.hpp"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace laneway::tools {

// Any thread. Writing waits while the reader of standard output is slow; it gives up when the run
// is stopping. The run stops when standard output is closed.
class Console {
 public:
  explicit Console(RunControl& control);

  // False: not all of it was written, because standard output is closed or the run is stopping.
  bool write_output(std::string_view bytes);
  bool output_closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  // Streaming: between begin and end standard output belongs to the caller alone, and write_output
  // of other threads waits. begin answers false when another thread has it.
  bool try_begin_stream();
  bool stream(std::string_view bytes);
  void end_stream();

  void write_error(std::string_view bytes);

  // A terminal that understands how to redraw a line.
  bool error_is_terminal() const noexcept { return error_is_terminal_; }
  // Columns of the terminal.
  std::size_t width() const;
  // Puts this line in the place of the one before. Only on a terminal.
  void show_progress(std::string line);
  void clear_progress();

 private:
  bool write_all(std::string_view bytes);
  void erase_line();

  RunControl& control_;
  bool output_is_file_;
  bool output_is_terminal_;
  bool error_is_terminal_;
  std::atomic<bool> closed_{false};
  std::timed_mutex output_;  // taken before screen_
  std::mutex screen_;
  std::string progress_;
};

}  // namespace laneway::tools

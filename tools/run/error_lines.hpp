// ErrorLines: what a command says on standard error, passed on line by line as it comes.
#pragma once

#include "tools/run/console.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace laneway::tools {

// One thread, for one command.
class ErrorLines {
 public:
  explicit ErrorLines(Console& console) : console_(console) {}

  void take(std::string_view bytes);
  // The command has ended: its last line may lack an end.
  void finish();

  // The last line that was passed on and says something.
  std::string_view last() const { return last_; }

 private:
  void pass_on(std::size_t length);

  Console& console_;
  std::string line_;
  std::string last_;
};

}  // namespace laneway::tools

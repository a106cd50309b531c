// CommandWatch: passes on what one command prints, and looks after its lease.
#pragma once

#include "tools/run/child_process.hpp"
#include "tools/run/console.hpp"
#include "tools/run/error_lines.hpp"
#include "tools/run/lease_keeper.hpp"
#include "tools/run/run_control.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace laneway::tools {

// What a command prints is passed on whole when it has ended, up to this size. From then on they
// go straight through, and the others wait.
inline constexpr std::size_t kOutputBytesHeld = 1024 * 1024;

// Standard error goes on line by line, as it comes. Made for one run of a command.
class CommandWatch final : public ChildWatch {
 public:
  CommandWatch(Console& console, const RunControl& control, LeaseKeeper& lease)
      : console_(console), control_(control), lease_(lease), errors_(console) {}
  CommandWatch(const CommandWatch&) = delete;
  CommandWatch& operator=(const CommandWatch&) = delete;
  ~CommandWatch() override;

  bool wants_output() override;
  void output(std::string_view bytes) override;
  void error_output(std::string_view bytes) override { errors_.take(bytes); }
  bool keep_running() override;

  // The command has ended. False: standard output did not take everything.
  bool finish();
  bool has_lease() const { return has_lease_; }
  // The last line on standard error.
  std::string_view last_error() const { return errors_.last(); }

 private:
  Console& console_;
  const RunControl& control_;
  LeaseKeeper& lease_;
  std::string held_;
  ErrorLines errors_;
  bool streaming_ = false;
  bool whole_ = true;
  bool has_lease_ = true;
};

}  // namespace laneway::tools

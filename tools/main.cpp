// The program `laneway`: picks the command and hands its arguments on.

#include "tools/check/check_command.hpp"
#include "tools/journal/journal_command.hpp"
#include "tools/run/command_line.hpp"
#include "tools/run/run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace {

using laneway::tools::ExitStatus;

constexpr std::string_view kUsage =
    "laneway: a message queue at work\n"
    "\n"
    "  laneway run [OPTIONS] -- COMMAND   works on a stream of records in parallel, each key in\n"
    "                                     order, with retries and dead letters\n"
    "  laneway bench [OPTIONS]            measures, beside its peers, in the source tree it was\n"
    "                                     built in\n"
    "  laneway check HISTORY              judges what a queue did by its fifteen invariants\n"
    "  laneway journal COMMAND DIR        looks at a journal: verify, stat, dump, recover\n"
    "  laneway help [run|check|journal]   says more\n"
    "  laneway --version\n"
    "\n"
    "For a start:  laneway run --input access.log --key 1 --handler count\n";

int print(std::FILE* to, std::string_view text, ExitStatus status) {
  std::fwrite(text.data(), 1, text.size(), to);
  return static_cast<int>(status);
}

int refuse(const std::string& text) {
  return print(stderr, text + "\nTry 'laneway help'.\n", ExitStatus::failed);
}

// A command that finds standard input, output or error closed would open some other file in its
// place.
void open_standard_files() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) < 0) {
      (void)open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY);
    }
  }
}

int run(const std::vector<std::string>& arguments) {
  const laneway::tools::CommandLine line = laneway::tools::parse_run_arguments(arguments);
  if (line.options) {
    return static_cast<int>(laneway::tools::run(*line.options));
  }
  if (!line.error.empty()) {
    return print(stderr, "laneway run: " + line.error + "\nTry 'laneway run --help'.\n",
                 ExitStatus::failed);
  }
  return print(stdout, line.output, ExitStatus::all_acknowledged);
}

// The benchmarks are part of the source tree, not of what is installed: looked for above the place
// of this program.
int bench(std::vector<std::string>& arguments) {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error);
  while (folder.has_relative_path()) {
    folder = folder.parent_path();
    std::string script = folder / "tools/bench";
    if (access(script.c_str(), X_OK) == 0) {
      std::vector<char*> words{script.data()};
      for (std::string& argument : arguments) {
        words.push_back(argument.data());
      }
      words.push_back(nullptr);
      execv(script.c_str(), words.data());
    }
  }
  return refuse(
      "laneway bench: the benchmarks are not here; they are tools/bench of laneway's source tree");
}

int answer(std::vector<std::string> arguments) {
  if (arguments.empty()) {
    return print(stderr, kUsage, ExitStatus::failed);
  }
  const std::string command = arguments.front();
  arguments.erase(arguments.begin());
  if (command == "run") {
    return run(arguments);
  }
  if (command == "bench") {
    return bench(arguments);
  }
  if (command == "check") {
    return laneway::check::check_command(arguments);
  }
  if (command == "journal") {
    return laneway::journal_tool::journal_command(arguments);
  }
  const bool help = command == "help" || command == "--help" || command == "-h";
  if (help && arguments.size() == 1 && arguments.front() == "run") {
    return run({"--help"});
  }
  if (help && arguments.size() == 1 && arguments.front() == "check") {
    return laneway::check::check_command({"--help"});
  }
  if (help && arguments.size() == 1 && arguments.front() == "journal") {
    return laneway::journal_tool::journal_command({"--help"});
  }
  if (!arguments.empty() && (help || command == "--version")) {
    return refuse("laneway: '" + arguments.front() + "' is not understood");
  }
  if (help) {
    return print(stdout, kUsage, ExitStatus::all_acknowledged);
  }
  if (command == "--version") {
    return print(stdout, "laneway " LANEWAY_VERSION "\n", ExitStatus::all_acknowledged);
  }
  return refuse("laneway: there is no command '" + command + "'");
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_files();
  return answer({argv + 1, argv + argc});
}

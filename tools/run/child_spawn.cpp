#include "tools/run/child_spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;

namespace laneway::tools {

namespace {

// Ours without the names that are given anew, then the new ones.
std::vector<char*> merged_environment(const std::vector<std::string>& extra) {
  const auto replaced = [&extra](const char* variable) {
    return std::any_of(extra.begin(), extra.end(), [variable](const std::string& one) {
      return std::strncmp(variable, one.c_str(), one.find('=') + 1) == 0;
    });
  };
  std::vector<char*> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!replaced(*variable)) {
      result.push_back(*variable);
    }
  }
  for (const std::string& variable : extra) {
    result.push_back(const_cast<char*>(variable.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

// What the child starts with: signals as if nobody had touched them, a process group of its own.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class SpawnFiles {
 public:
  SpawnFiles() { posix_spawn_file_actions_init(&actions_); }
  SpawnFiles(const SpawnFiles&) = delete;
  SpawnFiles& operator=(const SpawnFiles&) = delete;
  ~SpawnFiles() { posix_spawn_file_actions_destroy(&actions_); }
  void add(int descriptor, int as) { posix_spawn_file_actions_adddup2(&actions_, descriptor, as); }
  void add_nothing(int as) {
    posix_spawn_file_actions_addopen(&actions_, as, "/dev/null", O_RDONLY, 0);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

int spawn_child(const ChildCommand& command, SpawnedChild& spawned) {
  Pipe input;
  Pipe output;
  Pipe error;
  if (!output.open() || !error.open() || (command.has_input && !input.open())) {
    return errno;
  }
  SpawnFiles files;
  if (command.has_input) {
    files.add(input.reader.get(), STDIN_FILENO);
  } else {
    files.add_nothing(STDIN_FILENO);
  }
  files.add(output.writer.get(), STDOUT_FILENO);
  files.add(error.writer.get(), STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  std::vector<char*> variables = merged_environment(command.environment);
  const SpawnAttributes attributes;
  const int failed = posix_spawnp(&spawned.pid, arguments[0], files.get(), attributes.get(),
                                  arguments.data(), variables.data());
  if (failed != 0) {
    return failed;
  }
  spawned.input = std::move(input.writer);
  spawned.output = std::move(output.reader);
  spawned.error = std::move(error.reader);
  spawned.input.set_nonblocking();
  spawned.output.set_nonblocking();
  spawned.error.set_nonblocking();
  return 0;
}

std::string find_program(const std::string& name) {
  const auto runs = [](const std::string& path) {
    struct stat status {};
    return access(path.c_str(), X_OK) == 0 && stat(path.c_str(), &status) == 0 &&
           S_ISREG(status.st_mode);
  };
  if (name.find('/') != std::string::npos) {
    return runs(name) ? name : std::string();
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/bin:/usr/bin" : path;
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::string folder(rest.substr(0, colon));
    const std::string candidate = folder.empty() ? "./" + name : folder + "/" + name;
    if (runs(candidate)) {
      return candidate;
    }
    if (colon == std::string_view::npos) {
      return {};
    }
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace laneway::tools

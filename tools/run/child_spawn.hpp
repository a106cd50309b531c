// How a command is started: which program, with which files, signals and environment.
#pragma once

#include "tools/run/child_process.hpp"
#include "tools/run/file_descriptor.hpp"

#include <sys/types.h>

#include <string>

namespace laneway::tools {

// Our ends of its pipes; none of them blocks.
struct SpawnedChild {
  pid_t pid = -1;
  FileDescriptor input;  // not open when the command has no input
  FileDescriptor output;
  FileDescriptor error;
};

// An errno, or 0. The child leads a process group of its own.
int spawn_child(const ChildCommand& command, SpawnedChild& spawned);

// Where execvp would find this program; empty when nowhere, or when it cannot be executed.
std::string find_program(const std::string& name);

}  // namespace laneway::tools

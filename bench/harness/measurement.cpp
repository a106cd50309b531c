#include "bench/harness/measurement.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace laneway::bench {
namespace {

rusage usage_of(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return usage;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double cpu_seconds_of(int who) {
  const rusage usage = usage_of(who);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

}  // namespace

double cpu_seconds() {
  return cpu_seconds_of(RUSAGE_SELF);
}

double thread_cpu_seconds() {
  return cpu_seconds_of(RUSAGE_THREAD);
}

std::uint64_t resident_bytes() {
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r"); file != nullptr) {
    if (std::fscanf(file, "%lu %lu", &total, &resident) != 2) {
      resident = 0;
    }
    (void)std::fclose(file);
  }
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t resident_bytes_peak() {
  return static_cast<std::uint64_t>(usage_of(RUSAGE_SELF).ru_maxrss) * 1024;
}

void give_up(std::uint64_t published, std::uint64_t delivered) {
  std::fprintf(stderr, "no end in sight: %llu published, %llu delivered\n",
               static_cast<unsigned long long>(published),
               static_cast<unsigned long long>(delivered));
  std::_Exit(3);
}

}  // namespace laneway::bench

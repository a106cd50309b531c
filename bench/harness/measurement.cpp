#include "bench/harness/measurement.hpp"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

namespace laneway::bench {
namespace {

rusage usage_of_process() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

double cpu_seconds() {
  const rusage usage = usage_of_process();
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

std::uint64_t resident_bytes_peak() {
  return static_cast<std::uint64_t>(usage_of_process().ru_maxrss) * 1024;
}

void give_up(std::uint64_t published, std::uint64_t delivered) {
  std::fprintf(stderr, "no end in sight: %llu published, %llu delivered\n",
               static_cast<unsigned long long>(published),
               static_cast<unsigned long long>(delivered));
  std::_Exit(3);
}

}  // namespace laneway::bench

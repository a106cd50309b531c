#include "bench/harness/placement.hpp"

#include <pthread.h>
#include <sched.h>

#include <vector>

namespace laneway::bench {
namespace {

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) {
        cores.push_back(core);
      }
    }
  }
  return cores;
}

}  // namespace

std::size_t cores_usable() {
  return usable_cores().size();
}

void place_thread(Placement placement, std::uint32_t index, const char* name) {
  (void)pthread_setname_np(pthread_self(), name);
  const std::vector<int> cores = usable_cores();
  if (placement == Placement::free || cores.empty()) {
    return;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cores[index % cores.size()], &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

}  // namespace laneway::bench

#include "bench/harness/cell.hpp"

namespace laneway::bench {

std::vector<std::string> peers_missing() {
  std::vector<std::string> missing;
#ifndef BENCH_HAVE_MOODYCAMEL
  missing.emplace_back("moodycamel, diy1, diy16 (libconcurrentqueue-dev)");
#endif
#ifndef BENCH_HAVE_BOOST
  missing.emplace_back("boost_queue, boost_spsc_queue (libboost-dev)");
#endif
#ifndef BENCH_HAVE_READERWRITERQUEUE
  missing.emplace_back("readerwriterqueue (libreaderwriterqueue-dev)");
#endif
  return missing;
}

}  // namespace laneway::bench

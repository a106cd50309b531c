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
#ifndef BENCH_HAVE_TBB
  missing.emplace_back("tbb_bounded (libtbb-dev)");
#endif
#ifndef BENCH_HAVE_DPDK
  missing.emplace_back("rte_ring (libdpdk-dev)");
#endif
#ifndef BENCH_HAVE_LIBUV
  missing.emplace_back("libuv (libuv1-dev)");
#endif
#ifndef BENCH_HAVE_LIBEVENT
  missing.emplace_back("libevent (libevent-dev)");
#endif
  return missing;
}

}  // namespace laneway::bench

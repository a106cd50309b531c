// The self-test of the verifier: systems that lose, repeat, reorder or damage messages, or lend a
// key twice, must be found out; one that does none of it must not.
#pragma once

#include <string>
#include <vector>

namespace laneway::bench {

// What went wrong; empty: all is well.
std::vector<std::string> self_test();

}  // namespace laneway::bench

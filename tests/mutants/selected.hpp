// Which mutant runs: included before everything else by the programs that hold them all.
#pragma once

#include <cstdlib>

namespace laneway_mutants {

inline const int selected =
    std::getenv("LANEWAY_MUTANT") ? std::atoi(std::getenv("LANEWAY_MUTANT")) : 0;
inline bool on(int mutant) {
  return selected == mutant;
}

}  // namespace laneway_mutants

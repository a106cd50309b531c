// What travels through the rings of the scenarios, and how its order is checked.
#pragma once

#include "engine/base/assert.hpp"
#include "engine/base/atomic.hpp"

#include <array>
#include <cstdint>

namespace laneway::engine {

// What travels through the rings: who published it, and the how-many-eth of that producer it is.
using TestEntry = handoff<std::uint64_t>;

constexpr std::uint64_t test_entry(unsigned producer, std::uint64_t number) {
  return std::uint64_t{producer} << 48 | number;
}
constexpr unsigned producer_of(std::uint64_t entry) {
  return static_cast<unsigned>(entry >> 48);
}
constexpr std::uint64_t number_of(std::uint64_t entry) {
  return entry & ((std::uint64_t{1} << 48) - 1);
}

// Each producer's entries must come by in the order in which it published them.
template <unsigned kProducers>
class FifoCheck {
 public:
  void see(std::uint64_t entry) {
    const unsigned producer = producer_of(entry);
    LANEWAY_CHECK(producer < kProducers);
    LANEWAY_CHECK(number_of(entry) == next_[producer].get());
    next_[producer].set(number_of(entry) + 1);
  }
  std::uint64_t seen(unsigned producer) const { return next_[producer].get(); }

 private:
  std::array<handoff<std::uint64_t>, kProducers> next_;
};

}  // namespace laneway::engine

#include "engine/base/arena.hpp"

#include <sys/mman.h>

namespace laneway::engine {

Arena::Arena(std::size_t bytes) noexcept : base_(nullptr), bytes_(bytes) {
  // NORESERVE: the limits are promises about addresses, not a claim on memory.
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED) {
    base_ = static_cast<std::byte*>(memory);
  }
}

Arena::~Arena() {
  if (base_ != nullptr) {
    munmap(base_, bytes_);
  }
}

}  // namespace laneway::engine

#include "engine/base/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace laneway::engine {

Arena::Arena(std::size_t bytes) noexcept : base_(nullptr), bytes_(bytes) {
  // NORESERVE: the limits are promises about addresses, not a claim on memory.
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED) {
    base_ = static_cast<std::byte*>(memory);
  }
}

void Arena::prefer_huge_pages(std::span<std::byte> bytes) noexcept {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::size_t skipped = (page - address % page) % page;
  if (bytes.size() >= kHugePage + skipped) {
    // A wish: a refusal changes nothing.
    (void)madvise(bytes.data() + skipped, bytes.size() - skipped, MADV_HUGEPAGE);
  }
}

Arena::~Arena() {
  if (base_ != nullptr) {
    munmap(base_, bytes_);
  }
}

}  // namespace laneway::engine

#include "engine/journal/storage.hpp"

#include "engine/journal/format.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace laneway::engine {

BlockBuffer::BlockBuffer(std::size_t bytes)
    : size_(padded_block(bytes)),
      data_(static_cast<std::byte*>(std::aligned_alloc(kBlockBytes, size_))) {
  if (data_ == nullptr) {
    throw std::bad_alloc();
  }
  std::memset(data_.get(), 0, size_);
}

void BlockBuffer::Free::operator()(std::byte* data) const {
  std::free(data);
}

}  // namespace laneway::engine

// Floor 2. BatchBuilder: a batch under construction, in memory that can be written as it is.
#pragma once

#include "engine/journal/format.hpp"
#include "engine/journal/scan.hpp"
#include "engine/journal/storage.hpp"

#include <cstring>
#include <span>

namespace laneway::engine {

class BatchBuilder {
 public:
  explicit BatchBuilder(std::size_t bytes) : buffer_(bytes) {}

  bool empty() const { return count_ == 0; }
  std::uint32_t count() const { return count_; }
  std::size_t payload_bytes() const { return end_ - sizeof(BatchHeader); }
  // Of the batch on the disk.
  std::uint64_t disk_bytes() const { return padded_block(end_); }
  std::span<const std::byte> memory() const { return buffer_.bytes(); }

  void clear() {
    end_ = sizeof(BatchHeader);
    count_ = 0;
  }
  bool fits(std::size_t record_bytes) const {
    return end_ + record_bytes <= buffer_.bytes().size();
  }
  // Makes a larger one, while it is empty.
  void grow(std::size_t record_bytes) { buffer_ = BlockBuffer(sizeof(BatchHeader) + record_bytes); }
  // Room for a record of so many bytes, padding included; it must fit.
  std::span<std::byte> add(std::size_t record_bytes) {
    const std::span<std::byte> place = buffer_.bytes().subspan(end_, record_bytes);
    end_ += record_bytes;
    ++count_;
    return place;
  }

  // Completes the header with lengths and sum; answers the whole batch, padded to blocks.
  std::span<const std::byte> finish(BatchHeader* header) {
    const std::span<std::byte> whole =
        buffer_.bytes().first(static_cast<std::size_t>(disk_bytes()));
    std::memset(whole.data() + end_, 0, whole.size() - end_);
    header->magic = kBatchMagic;
    header->header_bytes = sizeof(BatchHeader);
    header->payload_bytes = static_cast<std::uint32_t>(payload_bytes());
    header->record_count = count_;
    header->crc = batch_crc(*header, whole.subspan(sizeof(BatchHeader), payload_bytes()));
    std::memcpy(whole.data(), header, sizeof(BatchHeader));
    return whole;
  }

 private:
  BlockBuffer buffer_;
  std::size_t end_ = sizeof(BatchHeader);
  std::uint32_t count_ = 0;
};

}  // namespace laneway::engine

// Floor 2. Storage: the directory of a journal, and all that the journal may do to it. Behind it
// are files through pwritev2 or io_uring, and in tests a disk that can be unplugged.
//
// Calls answer 0 or an errno; they do not throw and do not retry what failed. A write is all or an
// error. One thread at a time per file; different files may be used by different threads.
#pragma once

#include <laneway/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::engine {

class StorageFile {
 public:
  StorageFile() = default;
  StorageFile(const StorageFile&) = delete;
  StorageFile& operator=(const StorageFile&) = delete;
  virtual ~StorageFile() = default;

  // Offset, size and address of the bytes are multiples of kBlockBytes. Beyond the end zeros are
  // read.
  virtual int read(std::uint64_t offset, std::span<std::byte> bytes) = 0;
  virtual int write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  // Returns when the bytes, and nothing but them, are on stable storage.
  virtual int write_durable(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual int sync() = 0;
  virtual int size(std::uint64_t* bytes) = 0;
  // Durable writes will come from this memory, which outlives them: it may be registered.
  virtual void expect_writes_from(std::span<const std::byte> memory) { (void)memory; }
};

// What a file is opened for. Only segments are written often enough to be worth a ring.
enum class StorageUse : std::uint8_t { read, create, segment };

class Storage {
 public:
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;

  // How segments are written, and why not better: "io_uring, RWF_DSYNC, O_DIRECT".
  virtual std::string primitive() const = 0;
  // Keeps everybody else out until unlock() or the Storage's end; one that only reads keeps writers
  // out. EWOULDBLOCK: somebody has it.
  virtual int lock() = 0;
  virtual void unlock() noexcept {}
  virtual int list(std::vector<std::string>* names) = 0;
  virtual int open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) = 0;
  virtual int rename(std::string_view from, std::string_view to) = 0;
  virtual int unlink(std::string_view name) = 0;
  virtual int sync_directory() = 0;
};

// Memory for I/O: zeroed, aligned to a block.
class BlockBuffer {
 public:
  explicit BlockBuffer(std::size_t bytes);
  std::span<std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };
  std::size_t size_;
  std::unique_ptr<std::byte[], Free> data_;
};

}  // namespace laneway::engine

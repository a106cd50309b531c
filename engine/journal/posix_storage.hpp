// Floor 2. PosixStorage: a directory through plain system calls. A durable write is pwritev2 with
// RWF_DSYNC where the kernel has it, else pwrite and fdatasync; with O_DIRECT where the file system
// allows it.
#pragma once

#include "engine/journal/descriptor.hpp"
#include "engine/journal/storage.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace laneway::engine {

class PosixStorage : public Storage {
 public:
  // The directory must exist. Answers an errno in `error` when it cannot be opened. To choose its
  // primitive it writes a file and removes it, if it may.
  PosixStorage(const std::string& directory, bool may_write, int* error);

  std::string primitive() const override { return primitive_; }
  int lock() override;
  void unlock() noexcept override;
  int list(std::vector<std::string>* names) override;
  int open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) override;
  int rename(std::string_view from, std::string_view to) override;
  int unlink(std::string_view name) override;
  int sync_directory() override;

 protected:
  // Directly when it may. Answers an errno.
  int open_descriptor(std::string_view name, StorageUse use, Descriptor* opened);

 private:
  void choose_primitive();

  std::string directory_;
  std::string primitive_;
  const bool may_write_;
  const Descriptor directory_fd_;
  Descriptor lock_fd_;
  bool direct_ = false;
  bool dsync_ = false;
};

// Shared with UringStorage: the calls that are not worth a ring.
class PosixFile : public StorageFile {
 public:
  PosixFile(Descriptor descriptor, bool dsync) : fd_(std::move(descriptor)), dsync_(dsync) {}

  int read(std::uint64_t offset, std::span<std::byte> bytes) override;
  int write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  int write_durable(std::uint64_t offset, std::span<const std::byte> bytes) override;
  int sync() override;
  int size(std::uint64_t* bytes) override;

 protected:
  int descriptor() const { return fd_.get(); }

 private:
  int write_with(std::uint64_t offset, std::span<const std::byte> bytes, int flags);

  const Descriptor fd_;
  const bool dsync_;
};

}  // namespace laneway::engine

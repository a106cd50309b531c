// Floor 2. PosixStorage: a directory through plain system calls. A durable write is pwritev2 with
// RWF_DSYNC where the kernel has it, else pwrite and fdatasync; with O_DIRECT where the file system
// allows it.
#pragma once

#include "engine/journal/storage.hpp"

#include <string>

namespace laneway::engine {

class PosixStorage : public Storage {
 public:
  // The directory must exist. Answers an errno in `error` when it cannot be opened. To choose its
  // primitive it writes a file and removes it, if it may.
  PosixStorage(const std::string& directory, bool may_write, int* error);
  ~PosixStorage() override;

  std::string primitive() const override { return primitive_; }
  int lock() override;
  void unlock() noexcept override;
  int list(std::vector<std::string>* names) override;
  int open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) override;
  int rename(std::string_view from, std::string_view to) override;
  int unlink(std::string_view name) override;
  int sync_directory() override;

 protected:
  // Opens a descriptor, directly when it may; an errno is negative.
  int open_descriptor(std::string_view name, StorageUse use);

 private:
  void choose_primitive();

  std::string directory_;
  std::string primitive_;
  const bool may_write_;
  int directory_fd_ = -1;
  int lock_fd_ = -1;
  bool direct_ = false;
  bool dsync_ = false;
};

// Shared with UringStorage: the calls that are not worth a ring.
class PosixFile : public StorageFile {
 public:
  PosixFile(int descriptor, bool dsync) : fd_(descriptor), dsync_(dsync) {}
  ~PosixFile() override;

  int read(std::uint64_t offset, std::span<std::byte> bytes) override;
  int write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  int write_durable(std::uint64_t offset, std::span<const std::byte> bytes) override;
  int sync() override;
  int size(std::uint64_t* bytes) override;

 protected:
  int descriptor() const { return fd_; }

 private:
  int write_with(std::uint64_t offset, std::span<const std::byte> bytes, int flags);

  const int fd_;
  const bool dsync_;
};

}  // namespace laneway::engine

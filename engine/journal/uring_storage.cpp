#include "engine/journal/uring_storage.hpp"

#include "engine/journal/posix_storage.hpp"

#ifdef LANEWAY_HAVE_URING
#include "engine/journal/format.hpp"

#include <liburing.h>
#endif

#include <cerrno>
#include <cstring>
#include <utility>

namespace laneway::engine {

namespace {

#ifdef LANEWAY_HAVE_URING

// A ring of its own per file: segments are written one after the other, and each is opened by the
// thread that prepares it and then written by another.
class UringFile final : public PosixFile {
 public:
  explicit UringFile(Descriptor opened) : PosixFile(std::move(opened), true) {
    error_ = -io_uring_queue_init(2, &ring_, 0);
    const int fd = descriptor();
    registered_ = error_ == 0 && io_uring_register_files(&ring_, &fd, 1) == 0;
  }
  ~UringFile() override {
    if (error_ == 0) {
      io_uring_queue_exit(&ring_);
    }
  }
  int error() const { return error_; }

  int write_durable(std::uint64_t offset, std::span<const std::byte> bytes) override {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
      return EIO;
    }
    prepare(entry, offset, bytes);
    int submitted = 0;
    do {
      submitted = io_uring_submit(&ring_);
    } while (submitted == -EINTR || submitted == -EAGAIN);
    if (submitted < 0) {
      return -submitted;
    }
    io_uring_cqe* done = nullptr;
    int waited = 0;
    do {
      waited = io_uring_wait_cqe(&ring_, &done);
    } while (waited == -EINTR);
    if (waited < 0) {
      return -waited;
    }
    const int answer = done->res;
    io_uring_cqe_seen(&ring_, done);
    if (answer == -EINTR || answer == -EAGAIN) {
      return write_durable(offset, bytes);  // nothing was written
    }
    return answer < 0 ? -answer : std::cmp_equal(answer, bytes.size()) ? 0 : EIO;
  }

  // Pages are pinned once a file instead of once a write; where that is refused, nothing is lost.
  void expect_writes_from(std::span<const std::byte> memory) override {
    const iovec buffer{const_cast<std::byte*>(memory.data()), memory.size()};
    if (pinned_.empty() && io_uring_register_buffers(&ring_, &buffer, 1) == 0) {
      pinned_ = memory;
    }
  }

 private:
  void prepare(io_uring_sqe* entry, std::uint64_t offset, std::span<const std::byte> bytes) {
    const int fd = registered_ ? 0 : descriptor();
    const auto size = static_cast<unsigned>(bytes.size());
    if (bytes.data() == pinned_.data() && bytes.size() <= pinned_.size()) {
      io_uring_prep_write_fixed(entry, fd, bytes.data(), size, offset, 0);
    } else {
      io_uring_prep_write(entry, fd, bytes.data(), size, offset);
    }
    entry->rw_flags = RWF_DSYNC;
    entry->flags |= registered_ ? IOSQE_FIXED_FILE : 0;
  }

  io_uring ring_{};
  int error_ = 0;
  bool registered_ = false;
  std::span<const std::byte> pinned_;
};

class UringStorage final : public PosixStorage {
 public:
  using PosixStorage::PosixStorage;

  std::string primitive() const override { return "io_uring over " + PosixStorage::primitive(); }

  // 0, or why a ring cannot be had here: ENOSYS, EPERM (seccomp, io_uring_disabled) ...
  static int probe() {
    io_uring ring{};
    const int error = -io_uring_queue_init(2, &ring, 0);
    if (error == 0) {
      io_uring_queue_exit(&ring);
    }
    return error;
  }

  int open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) override {
    if (use != StorageUse::segment) {
      return PosixStorage::open(name, use, file);
    }
    Descriptor opened;
    if (const int error = open_descriptor(name, use, &opened); error != 0) {
      return error;
    }
    auto made = std::make_unique<UringFile>(std::move(opened));
    const int error = made->error();
    *file = std::move(made);
    return error;
  }
};

#endif  // LANEWAY_HAVE_URING

// Tells in its primitive why it is not the other one.
class FallbackStorage final : public PosixStorage {
 public:
  FallbackStorage(const std::string& directory, StorageKind kind, std::string why, int* error)
      : PosixStorage(directory, kind != StorageKind::read_only, error), why_(std::move(why)) {}
  std::string primitive() const override { return PosixStorage::primitive() + why_; }

 private:
  const std::string why_;
};

}  // namespace

Result<std::unique_ptr<Storage>> open_storage(const std::string& directory, StorageKind kind) {
  int error = 0;
  std::string why;
  std::unique_ptr<Storage> storage;
  if (kind == StorageKind::best || kind == StorageKind::uring) {
#ifdef LANEWAY_HAVE_URING
    const int refused = UringStorage::probe();
    why = refused == 0 ? "" : std::string("; io_uring: ") + std::strerror(refused);
    if (refused == 0) {
      storage = std::make_unique<UringStorage>(directory, true, &error);
    }
#else
    const int refused = ENOSYS;
    why = "; io_uring: not in this build";
#endif
    if (refused != 0 && kind == StorageKind::uring) {
      return Error{Errc::io_error, refused, "io_uring cannot be had here"};
    }
  }
  if (storage == nullptr) {
    storage = std::make_unique<FallbackStorage>(directory, kind, why, &error);
  }
  if (error != 0) {
    return Error{Errc::io_error, error, "the journal's directory cannot be opened"};
  }
  return storage;
}

}  // namespace laneway::engine

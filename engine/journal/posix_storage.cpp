#include "engine/journal/posix_storage.hpp"

#include "engine/journal/format.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace laneway::engine {

namespace {

constexpr const char* kLockName = "LOCK";
constexpr const char* kProbeName = "probe.tmp";

int result(int answer) {
  return answer < 0 ? errno : 0;
}

}  // namespace

// --- files ------------------------------------------------------------------------------------

int PosixFile::read(std::uint64_t offset, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return errno;
    }
    if (got == 0) {
      std::memset(bytes.data(), 0, bytes.size());
      return 0;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return 0;
}

// A short count is a failure: what was written of it is not known to be whole.
int PosixFile::write_with(std::uint64_t offset, std::span<const std::byte> bytes, int flags) {
  iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  for (;;) {
    const ssize_t put = ::pwritev2(fd_.get(), &piece, 1, static_cast<off_t>(offset), flags);
    if (put == static_cast<ssize_t>(bytes.size())) {
      return 0;
    }
    if (put >= 0) {
      return EIO;
    }
    if (errno != EINTR && errno != EAGAIN) {
      return errno;
    }
  }
}

int PosixFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  return write_with(offset, bytes, 0);
}

int PosixFile::write_durable(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (dsync_) {
    return write_with(offset, bytes, RWF_DSYNC);
  }
  const int error = write_with(offset, bytes, 0);
  return error != 0 ? error : result(::fdatasync(fd_.get()));
}

int PosixFile::sync() {
  return result(::fsync(fd_.get()));
}

int PosixFile::size(std::uint64_t* bytes) {
  struct stat about {};
  if (::fstat(fd_.get(), &about) != 0) {
    return errno;
  }
  *bytes = static_cast<std::uint64_t>(about.st_size);
  return 0;
}

// --- directory --------------------------------------------------------------------------------

PosixStorage::PosixStorage(const std::string& directory, bool may_write, int* error)
    : directory_(directory),
      primitive_("reading only"),
      may_write_(may_write),
      directory_fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  *error = result(directory_fd_.get());
  if (*error == 0 && may_write) {
    choose_primitive();
  }
}

// Tries what it is going to rely on.
void PosixStorage::choose_primitive() {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC;
  Descriptor probe(::openat(directory_fd_.get(), kProbeName, kFlags | O_DIRECT, 0600));
  direct_ = probe.get() >= 0;
  if (!direct_) {
    probe = Descriptor(::openat(directory_fd_.get(), kProbeName, kFlags, 0600));
  }
  if (probe.get() < 0) {
    primitive_ = "none: the directory cannot be written";  // as the next write will tell
    return;
  }
  const BlockBuffer block(kBlockBytes);
  PosixFile file(std::move(probe), true);
  dsync_ = file.write_durable(0, block.bytes()) == 0;
  ::unlinkat(directory_fd_.get(), kProbeName, 0);
  primitive_ = std::string(dsync_ ? "pwritev2, RWF_DSYNC" : "pwrite and fdatasync") +
               (direct_ ? ", O_DIRECT" : ", buffered: the file system refuses O_DIRECT");
}

void PosixStorage::unlock() noexcept {
  lock_fd_ = Descriptor();
}

int PosixStorage::lock() {
  // flock: it excludes a second open in this process too, and goes with the process. Readers share.
  const int flags = O_CLOEXEC | (may_write_ ? O_RDWR | O_CREAT : O_RDONLY);
  lock_fd_ = Descriptor(::openat(directory_fd_.get(), kLockName, flags, 0600));
  if (lock_fd_.get() < 0) {
    return !may_write_ && errno == ENOENT ? 0 : errno;  // nobody has ever locked it
  }
  // Requests in flight may keep the file of a killed process open for a moment.
  constexpr int kTries = 5;
  constexpr useconds_t kBetweenMicros = 50'000;
  const int wanted = (may_write_ ? LOCK_EX : LOCK_SH) | LOCK_NB;
  for (int i = 0; ::flock(lock_fd_.get(), wanted) != 0; ++i) {
    if (errno != EWOULDBLOCK || i == kTries - 1) {
      const int error = errno;
      unlock();
      return error;
    }
    ::usleep(kBetweenMicros);
  }
  if (!may_write_) {
    return 0;
  }
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%ld\n", static_cast<long>(::getpid()));
  if (::ftruncate(lock_fd_.get(), 0) != 0 ||
      ::pwrite(lock_fd_.get(), text, static_cast<size_t>(size), 0) < 0) {
    return errno;
  }
  return 0;
}

int PosixStorage::list(std::vector<std::string>* names) {
  names->clear();
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(directory_.c_str()), ::closedir);
  if (directory == nullptr) {
    return errno;
  }
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names->emplace_back(name);
    }
  }
  return 0;
}

int PosixStorage::open_descriptor(std::string_view name, StorageUse use, Descriptor* opened) {
  const int flags = O_CLOEXEC | (use == StorageUse::read     ? O_RDONLY
                                 : use == StorageUse::create ? O_RDWR | O_CREAT | O_TRUNC
                                                             : O_RDWR);
  const std::string path(name);
  int fd = ::openat(directory_fd_.get(), path.c_str(), flags | (direct_ ? O_DIRECT : 0), 0600);
  if (fd < 0 && errno == EINVAL) {
    fd = ::openat(directory_fd_.get(), path.c_str(), flags, 0600);
  }
  *opened = Descriptor(fd);
  return result(fd);
}

int PosixStorage::open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) {
  Descriptor opened;
  const int error = open_descriptor(name, use, &opened);
  if (error == 0) {
    *file = std::make_unique<PosixFile>(std::move(opened), dsync_);
  }
  return error;
}

int PosixStorage::rename(std::string_view from, std::string_view to) {
  return result(::renameat(directory_fd_.get(), std::string(from).c_str(), directory_fd_.get(),
                           std::string(to).c_str()));
}

int PosixStorage::unlink(std::string_view name) {
  return result(::unlinkat(directory_fd_.get(), std::string(name).c_str(), 0));
}

int PosixStorage::sync_directory() {
  return result(::fsync(directory_fd_.get()));
}

}  // namespace laneway::engine

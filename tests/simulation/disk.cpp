#include "tests/simulation/disk.hpp"

#include "engine/journal/uring_storage.hpp"
#include "tests/simulation/scheduler.hpp"

#include <cerrno>
#include <utility>

namespace laneway::simulation {

namespace {

using engine::StorageFile;
using engine::StorageUse;

Disk* plugged_in = nullptr;  // one machine at a time

class SlowFile final : public StorageFile {
 public:
  SlowFile(Disk& disk, std::unique_ptr<StorageFile> file) : disk_(disk), file_(std::move(file)) {}

  int read(std::uint64_t offset, std::span<std::byte> bytes) override {
    return file_->read(offset, bytes);
  }
  int write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return slowly([&] { return file_->write(offset, bytes); });
  }
  int write_durable(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return slowly([&] { return file_->write_durable(offset, bytes); });
  }
  int sync() override {
    return slowly([&] { return file_->sync(); });
  }
  int size(std::uint64_t* bytes) override { return file_->size(bytes); }

 private:
  // What had begun when the power went may have been written in part.
  template <class Call>
  int slowly(Call call) {
    if (disk_.off()) {
      return EIO;
    }
    disk_.turn();
    const int error = call();
    disk_.turn();
    return error;
  }

  Disk& disk_;
  const std::unique_ptr<StorageFile> file_;
};

class SlowStorage final : public engine::Storage {
 public:
  explicit SlowStorage(Disk& disk) : disk_(disk), storage_(disk.sim().plug()) {}

  std::string primitive() const override { return storage_->primitive(); }
  int lock() override { return storage_->lock(); }
  int list(std::vector<std::string>* names) override { return storage_->list(names); }
  int open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) override {
    const int error = storage_->open(name, use, file);
    if (error == 0) {
      *file = std::make_unique<SlowFile>(disk_, std::move(*file));
    }
    return error;
  }
  int rename(std::string_view from, std::string_view to) override {
    disk_.turn();
    return storage_->rename(from, to);
  }
  int unlink(std::string_view name) override { return storage_->unlink(name); }
  int sync_directory() override {
    disk_.turn();
    return storage_->sync_directory();
  }

 private:
  Disk& disk_;
  const std::unique_ptr<engine::Storage> storage_;
};

}  // namespace

Disk::Disk(std::uint64_t seed) : sim_(seed), random_(seed) {
  plugged_in = this;
}

Disk::~Disk() {
  plugged_in = nullptr;
}

void Disk::turn() {
  if (random_.percent(30)) {
    Scheduler::now_running().nap(std::chrono::microseconds(random_.between(1, 300)));
  }
}

}  // namespace laneway::simulation

namespace laneway::engine {

// In the place of engine/journal/uring_storage.cpp.
Result<std::unique_ptr<Storage>> open_storage(const std::string&, StorageKind) {
  return std::unique_ptr<Storage>(
      std::make_unique<simulation::SlowStorage>(*simulation::plugged_in));
}

}  // namespace laneway::engine

#include "tests/simulation/disk.hpp"

#include "engine/journal/uring_storage.hpp"
#include "tests/simulation/scheduler.hpp"

#include <cerrno>
#include <utility>

namespace laneway::simulation {

namespace {

using engine::SimDisk;
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
    return slowly(false, bytes.size(),
                  [&](std::size_t size) { return file_->write(offset, bytes.first(size)); });
  }
  int write_durable(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return slowly(true, bytes.size(), [&](std::size_t size) {
      return size == bytes.size() ? file_->write_durable(offset, bytes)
                                  : file_->write(offset, bytes.first(size));
    });
  }
  int sync() override {
    return slowly(true, 0, [&](std::size_t) { return file_->sync(); });
  }
  int size(std::uint64_t* bytes) override { return file_->size(bytes); }

 private:
  // What had begun when the power went may have been written in part.
  template <class Call>
  int slowly(bool syncs, std::size_t bytes, Call call) {
    if (disk_.off()) {
      return EIO;
    }
    disk_.begin_call(syncs);
    const bool cut_short = disk_.writes_short(bytes);
    const std::size_t half = bytes / 2 / sizeof(SimDisk::Sector) * sizeof(SimDisk::Sector);
    int error = call(cut_short ? half : bytes);
    error = cut_short ? EIO : error;
    disk_.end_call(error);
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
  void unlock() noexcept override { storage_->unlock(); }
  int list(std::vector<std::string>* names) override { return storage_->list(names); }
  int open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) override {
    const int error = storage_->open(name, use, file);
    if (error == 0) {
      *file = std::make_unique<SlowFile>(disk_, std::move(*file));
    }
    return error;
  }
  int rename(std::string_view from, std::string_view to) override {
    disk_.begin_call(false);
    return storage_->rename(from, to);
  }
  int unlink(std::string_view name) override { return storage_->unlink(name); }
  int sync_directory() override {
    disk_.begin_call(true);
    return storage_->sync_directory();
  }

 private:
  Disk& disk_;
  const std::unique_ptr<engine::Storage> storage_;
};

}  // namespace

Disk::Disk(std::uint64_t seed, Tallies& tallies)
    : sim_(seed), random_(seed ^ 0x6469736b), tallies_(tallies) {
  plugged_in = this;
}

Disk::~Disk() {
  plugged_in = nullptr;
}

void Disk::break_after(std::uint64_t calls, DiskFault fault) {
  fault_ = fault;
  fault_at_ = sim_.calls + calls;
}

void Disk::mend() {
  fault_ = DiskFault::none;
  sim_.fail_at = sim_.fail_from = SimDisk::kNever;
  sim_.bytes_max = ~std::size_t{0};
}

void Disk::come_back(bool power_went) {
  mend();
  power_went ? sim_.power_cycle() : sim_.process_dies();
}

void Disk::turn() {
  if (random_.percent(30)) {
    Scheduler::now_running().nap(std::chrono::microseconds(random_.between(1, 300)));
  }
}

void Disk::strike(Tally what) {
  tallies_.count(what);
  fault_ = DiskFault::none;
}

void Disk::begin_call(bool syncs) {
  turn();
  const bool now = sim_.calls >= fault_at_;
  if (now && fault_ == DiskFault::failed_call) {
    sim_.fail_at = sim_.calls;
    strike(Tally::failed_call);
  } else if (now && fault_ == DiskFault::failed_sync && syncs) {
    sim_.fail_at = sim_.calls;
    strike(Tally::failed_sync);
  } else if (now && fault_ == DiskFault::dead) {
    sim_.fail_from = sim_.calls;
    strike(Tally::dead_disk);
  } else if (now && fault_ == DiskFault::full) {
    sim_.bytes_max = sim_.bytes();
    full_until_ns_ =
        Scheduler::now_running().now_ns() +
        std::chrono::nanoseconds(std::chrono::milliseconds(random_.below(600))).count();
    fault_ = DiskFault::none;
  } else if (Scheduler::now_running().now_ns() >= full_until_ns_) {
    sim_.bytes_max = ~std::size_t{0};  // somebody has made room
  }
}

bool Disk::writes_short(std::uint64_t bytes) {
  const bool now = fault_ == DiskFault::short_write && sim_.calls >= fault_at_ && bytes != 0;
  if (now) {
    strike(Tally::short_write);
  }
  return now;
}

void Disk::end_call(int error) {
  tallies_.count(Tally::full_disk, error == ENOSPC ? 1 : 0);
  turn();
}

}  // namespace laneway::simulation

namespace laneway::engine {

// In the place of engine/journal/uring_storage.cpp.
Result<std::unique_ptr<Storage>> open_storage(const std::string&, StorageKind) {
  return std::unique_ptr<Storage>(
      std::make_unique<simulation::SlowStorage>(*simulation::plugged_in));
}

}  // namespace laneway::engine

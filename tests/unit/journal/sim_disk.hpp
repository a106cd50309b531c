// A disk that can be unplugged: what was written and not synced is kept, lost or torn at sectors,
// what happened to names and was not synced is kept or lost. Everything is drawn from a seed.
//
// Each call has a number; it can fail there, or the power can go there.
#pragma once

#include "engine/journal/format.hpp"
#include "engine/journal/storage.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace laneway::engine {

class SimDisk {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  using Sector = std::array<std::byte, 512>;

  // Mistakes that a journal could make, made by the disk instead.
  enum class Lie : std::uint8_t { none, write_without_flush, no_file_sync, no_directory_sync };

  struct File {
    std::vector<std::byte> now;
    std::vector<std::byte> durable;
    std::vector<std::pair<std::size_t, Sector>> pending;  // in order: number of the sector, bytes
    std::uint64_t unreadable = kNever;                    // what is here answers EIO
  };

  explicit SimDisk(std::uint64_t seed) : random_(seed) {}

  std::unique_ptr<Storage> plug();

  std::uint64_t calls = 0;
  std::uint64_t power_off_at = kNever;  // this call does not return in time
  std::uint64_t fail_at = kNever;       // this call fails with `error`
  std::uint64_t fail_from = kNever;     // and all from here on do
  int error = EIO;
  std::size_t bytes_max = ~std::size_t{0};  // of all files
  Lie lie = Lie::none;
  bool locked = false;

  bool off() const { return off_; }
  // The power comes back: what is left is what the disk has.
  void power_cycle() {
    std::map<std::string, std::shared_ptr<File>> kept = durable_names_;
    for (const auto& [name, change] : pending_names_) {
      if (coin()) {
        change == nullptr ? void(kept.erase(name)) : void(kept[name] = change);
      }
    }
    for (const auto& [name, file] : kept) {
      settle(*file);
    }
    names_ = kept;
    durable_names_ = kept;
    pending_names_.clear();
    off_ = false;
    power_off_at = kNever;
    locked = false;
  }

  // The power stays on: everything written is in the cache, and what was not synced may still be
  // lost.
  void process_dies() {
    off_ = false;
    power_off_at = kNever;
    locked = false;
  }

  // The bytes themselves, for those who damage them.
  std::map<std::string, std::shared_ptr<File>>& names() { return names_; }
  void copy_from(const SimDisk& other) {
    names_.clear();
    for (const auto& [name, file] : other.names_) {
      names_[name] = std::make_shared<File>(*file);
    }
    durable_names_ = names_;
    pending_names_.clear();
    locked = false;
  }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& [name, file] : names_) {
      sum += file->now.size();
    }
    return sum;
  }

 private:
  friend class SimFile;
  friend class SimStorage;

  bool coin() { return (random_() & 1) != 0; }

  // 0, or why the call fails. With the power gone everything does, and nothing is done.
  int begin() {
    const std::uint64_t call = calls++;
    off_ = off_ || call >= power_off_at;
    return off_ ? EIO : call == fail_at || call >= fail_from ? error : 0;
  }

  void settle(File& file) {
    const bool grown = coin();
    if (grown && file.now.size() > file.durable.size()) {
      file.durable.resize(file.now.size());
    }
    // A lucky disk has written everything, an unlucky one nothing, the others some.
    const std::uint64_t luck = random_() % 4;
    for (const auto& [sector, bytes] : file.pending) {
      const bool written = luck == 0 || (luck != 1 && coin());
      if (written && (sector + 1) * bytes.size() <= file.durable.size()) {
        std::memcpy(file.durable.data() + sector * bytes.size(), bytes.data(), bytes.size());
      }
    }
    file.pending.clear();
    file.now = file.durable;
  }

  std::mt19937_64 random_;
  std::map<std::string, std::shared_ptr<File>> names_;
  std::map<std::string, std::shared_ptr<File>> durable_names_;
  std::vector<std::pair<std::string, std::shared_ptr<File>>> pending_names_;  // null: gone
  bool off_ = false;
};

class SimFile final : public StorageFile {
 public:
  SimFile(SimDisk& disk, std::shared_ptr<SimDisk::File> file)
      : disk_(disk), file_(std::move(file)) {}

  int read(std::uint64_t offset, std::span<std::byte> bytes) override {
    if (const int error = disk_.begin(); error != 0) {
      return error;
    }
    if (file_->unreadable >= offset && file_->unreadable < offset + bytes.size()) {
      return EIO;
    }
    std::memset(bytes.data(), 0, bytes.size());
    if (offset < file_->now.size()) {
      const std::size_t size =
          std::min<std::size_t>(bytes.size(), file_->now.size() - static_cast<std::size_t>(offset));
      std::memcpy(bytes.data(), file_->now.data() + offset, size);
    }
    return 0;
  }
  int write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const bool gone = disk_.off();
    const int error = disk_.begin();
    const bool grows = offset + bytes.size() > file_->now.size();
    if (error == 0 && grows && disk_.bytes() + bytes.size() > disk_.bytes_max) {
      return ENOSPC;
    }
    if (!gone) {
      put(offset, bytes);  // a write that fails may have written some
    }
    return error;
  }
  int write_durable(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const bool gone = disk_.off();
    const int error = disk_.begin();
    if (!gone) {
      put(offset, bytes);
    }
    if (error == 0 && disk_.lie != SimDisk::Lie::write_without_flush) {
      const std::size_t end = static_cast<std::size_t>(offset) + bytes.size();
      file_->durable.resize(std::max(file_->durable.size(), end));
      std::memcpy(file_->durable.data() + offset, bytes.data(), bytes.size());
      std::erase_if(file_->pending, [&](const auto& each) {
        const std::size_t at = each.first * sizeof(SimDisk::Sector);
        return at >= offset && at < end;
      });
    }
    return error;
  }
  int sync() override {
    const bool gone = disk_.off();
    const int error = disk_.begin();
    if (gone) {
      return error;
    }
    if (error != 0) {
      file_->pending.clear();  // the pages are clean now, and their bytes are nowhere
    } else if (disk_.lie != SimDisk::Lie::no_file_sync) {
      file_->durable = file_->now;
      file_->pending.clear();
    }
    return error;
  }
  int size(std::uint64_t* bytes) override {
    *bytes = file_->now.size();
    return disk_.begin();
  }

 private:
  void put(std::uint64_t offset, std::span<const std::byte> bytes) {
    const std::size_t end = static_cast<std::size_t>(offset) + bytes.size();
    file_->now.resize(std::max(file_->now.size(), end));
    std::memcpy(file_->now.data() + offset, bytes.data(), bytes.size());
    for (std::size_t at = static_cast<std::size_t>(offset); at < end;
         at += sizeof(SimDisk::Sector)) {
      SimDisk::Sector sector;
      std::memcpy(sector.data(), bytes.data() + (at - offset), sector.size());
      file_->pending.emplace_back(at / sector.size(), sector);
    }
  }

  SimDisk& disk_;
  const std::shared_ptr<SimDisk::File> file_;
};

class SimStorage final : public Storage {
 public:
  explicit SimStorage(SimDisk& disk) : disk_(disk) {}
  ~SimStorage() override { SimStorage::unlock(); }

  std::string primitive() const override { return "simulated"; }
  int lock() override {
    if (const int error = disk_.begin(); error != 0) {
      return error;
    }
    if (disk_.locked) {
      return EWOULDBLOCK;
    }
    disk_.locked = mine_ = true;
    return 0;
  }
  void unlock() noexcept override {
    if (mine_) {
      disk_.locked = mine_ = false;
    }
  }
  int list(std::vector<std::string>* names) override {
    names->clear();
    for (const auto& [name, file] : disk_.names_) {
      names->push_back(name);
    }
    return disk_.begin();
  }
  int open(std::string_view name, StorageUse use, std::unique_ptr<StorageFile>* file) override {
    if (const int error = disk_.begin(); error != 0) {
      return error;
    }
    std::shared_ptr<SimDisk::File>& found = disk_.names_[std::string(name)];
    if (use == StorageUse::create) {
      found = std::make_shared<SimDisk::File>();
      disk_.pending_names_.emplace_back(name, found);
    }
    if (found == nullptr) {
      disk_.names_.erase(std::string(name));
      return ENOENT;
    }
    *file = std::make_unique<SimFile>(disk_, found);
    return 0;
  }
  int rename(std::string_view from, std::string_view to) override {
    if (const int error = disk_.begin(); error != 0) {
      return error;
    }
    const auto found = disk_.names_.find(std::string(from));
    const std::shared_ptr<SimDisk::File> file = found->second;
    disk_.names_.erase(found);
    disk_.names_[std::string(to)] = file;
    disk_.pending_names_.emplace_back(to, file);
    disk_.pending_names_.emplace_back(from, nullptr);
    return 0;
  }
  int unlink(std::string_view name) override {
    if (const int error = disk_.begin(); error != 0) {
      return error;
    }
    disk_.pending_names_.emplace_back(name, nullptr);
    return disk_.names_.erase(std::string(name)) == 1 ? 0 : ENOENT;
  }
  int sync_directory() override {
    const int error = disk_.begin();
    if (error == 0 && disk_.lie != SimDisk::Lie::no_directory_sync) {
      disk_.durable_names_ = disk_.names_;
      disk_.pending_names_.clear();
    }
    return error;
  }

 private:
  SimDisk& disk_;
  bool mine_ = false;
};

inline std::unique_ptr<Storage> SimDisk::plug() {
  return std::make_unique<SimStorage>(*this);
}

}  // namespace laneway::engine

#include "tools/journal/salvage.hpp"

#include "engine/journal/uring_storage.hpp"
#include "tools/journal/journal_copy.hpp"
#include "tools/run/file_descriptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <system_error>

namespace laneway::journal_tool {

using engine::RecordView;

namespace {

namespace fs = std::filesystem;

class CopySink final : public engine::RecordSink {
 public:
  explicit CopySink(JournalCopy& copy) : copy_(copy) {}

  bool record(const RecordView& record) override {
    error = copy_.add(record.header, record.body);
    return error == 0;
  }
  int error = 0;

 private:
  JournalCopy& copy_;
};

std::string in_words(const std::string& what, int error) {
  return error == 0 ? std::string() : fmt::format("{}: {}", what, std::strerror(error));
}

// Every lost record may have been a message: no new one gets its id.
int mark_positions(JournalCopy& copy, const Inspection& inspection) {
  std::uint64_t lost = 0;
  for (const Gap& gap : inspection.census.gaps(inspection.scan)) {
    lost += gap.to_lsn - gap.from_lsn;
  }
  int error = 0;
  for (const auto& [id, source] : inspection.scan.sources) {
    const engine::RecordHeader mark = engine::mark_header(id, source.positions_end + lost);
    error = error != 0 ? error : copy.add(mark, {});
  }
  return error;
}

std::string write_copy(const std::string& path,
                       engine::Storage& corrupt,
                       const Inspection& inspection) {
  auto storage = engine::open_storage(path, engine::StorageKind::posix);
  if (!storage) {
    return path + ": " + to_string(storage.error());
  }
  JournalCopy copy(**storage, inspection.scan.manifest);
  CopySink sink(copy);
  (void)engine::scan_journal(
      corrupt, {.sync_first = false, .salvage = true, .manifest = &inspection.scan.manifest},
      &sink);
  int error = sink.error != 0 ? sink.error : mark_positions(copy, inspection);
  error = error != 0 ? error : copy.finish();
  return in_words(path, error);
}

// Names of directories are durable when the directory above them is synced.
std::string put_in_place(const fs::path& directory, const fs::path& fresh, const fs::path& kept) {
  std::error_code error;
  fs::rename(directory, kept, error);
  if (!error) {
    fs::rename(fresh, directory, error);
  }
  if (error) {
    return fmt::format("{} could not be moved to {}: {}", fresh.string(), directory.string(),
                       error.message());
  }
  const fs::path above = directory.has_parent_path() ? directory.parent_path() : ".";
  const tools::FileDescriptor opened(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const bool synced = opened.is_open() && ::fsync(opened.get()) == 0;
  return synced ? std::string() : in_words(above.string(), errno);
}

}  // namespace

std::string salvage(const std::string& directory,
                    engine::Storage& corrupt,
                    const Inspection& inspection) {
  fs::path place = fs::path(directory).lexically_normal();
  if (!place.has_filename()) {
    place = place.parent_path();  // it ended in a slash
  }
  const fs::path fresh = place.string() + ".salvaged";
  const fs::path kept = place.string() + ".corrupt";
  std::error_code error;
  for (const fs::path& path : {fresh, kept}) {
    if (fs::exists(path, error)) {
      return path.string() + " is there already, perhaps from an earlier salvage: move it away";
    }
  }
  if (!fs::create_directory(fresh, error)) {
    return fresh.string() + ": " + error.message();
  }
  fs::permissions(fresh, fs::perms::owner_all, error);
  if (std::string wrong = write_copy(fresh.string(), corrupt, inspection); !wrong.empty()) {
    fs::remove_all(fresh, error);  // the one of these directories that this call has made
    return wrong;
  }
  return put_in_place(place, fresh, kept);
}

}  // namespace laneway::journal_tool

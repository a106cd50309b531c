#include "tools/run/run_journal.hpp"

#include "tools/journal/inspection.hpp"
#include "tools/run/envelope.hpp"
#include "tools/run/json_text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

namespace laneway::tools {

namespace {

namespace fs = std::filesystem;

// Records between two notes are looked for in the journal itself: they must not make it move on by
// a segment.
constexpr std::uint64_t kNoteRecords = 4096;
constexpr std::uint64_t kNoteBytes = 4u << 20;

// What decides which records there are, and under which numbers and keys.
std::string options_text(const RunOptions& options) {
  const InputOptions& input = options.input;
  std::error_code error;
  const fs::path path = fs::weakly_canonical(input.path, error);
  return json_line({{"input", path.string()},
                    {"key", input.key},
                    {"delimiter", input.delimiter},
                    {"null", input.separator == '\0'},
                    {"record_bytes_max", input.record_bytes_max},
                    {"from", input.from},
                    {"strict_key", input.strict_key}}) +
         "\n";
}

// Which records have been published, and which of them are not finished.
class BacklogSink final : public engine::RecordSink {
 public:
  using Position = std::pair<engine::SourceId, std::uint64_t>;

  bool record(const engine::RecordView& record) override {
    const Position position{record.source(), record.header.position};
    if (record.type() == engine::RecordType::settle) {
      open.erase(position);
    }
    const bool whole = record.type() == engine::RecordType::publish ||
                       record.type() == engine::RecordType::relocate;
    const auto message = whole ? engine::read_message(record) : std::nullopt;
    if (message && message->payload.size() >= kEnvelopeBytes) {
      const std::uint64_t number = open_envelope(message->payload.text()).number;
      open[position] = {number, std::string(message->key)};
      last = std::max(last, number);
    }
    return true;
  }

  std::map<Position, OpenRecord> open;
  std::uint64_t last = 0;
};

// Writes it whole and waits for the disk.
bool write_file(int descriptor, const std::string& text) {
  return ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
         ::fsync(descriptor) == 0;
}

}  // namespace

std::string RunJournal::open(const RunOptions& options) {
  directory_ = options.result.journal;
  if (directory_.empty()) {
    return {};
  }
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    return failed("cannot be made");
  }
  std::string wrong = check_options(options);
  if (wrong.empty()) {
    read_position();
    wrong = read_backlog();
  }
  return wrong;
}

std::string RunJournal::failed(const char* what) const {
  return fmt::format("the journal {} {}: {}", directory_, what, std::strerror(errno));
}

std::string RunJournal::check_options(const RunOptions& options) {
  const std::string path = directory_ + "/run.options";
  options_file_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!options_file_.is_open()) {
    return failed("cannot be written");
  }
  if (::flock(options_file_.get(), LOCK_EX | LOCK_NB) != 0) {
    return fmt::format("another run works with the journal {}", directory_);
  }
  const std::string wanted = options_text(options);
  std::string found(wanted.size() + 1, ' ');
  const ssize_t size = ::pread(options_file_.get(), found.data(), found.size(), 0);
  if (size < 0) {
    return failed("cannot be read");
  }
  found.resize(static_cast<std::size_t>(size));
  if (found.empty()) {
    return write_file(options_file_.get(), wanted) ? std::string() : failed("cannot be written");
  }
  return found == wanted ? std::string()
                         : fmt::format(
                               "{} was begun with another input, or other rules for its "
                               "records: take another --journal",
                               path);
}

void RunJournal::read_position() {
  const FileDescriptor file(::open((directory_ + "/run.position").c_str(), O_RDONLY | O_CLOEXEC));
  char text[32] = {};
  if (file.is_open() && ::read(file.get(), text, sizeof text - 1) > 0) {
    noted_ = published_ = std::strtoull(text, nullptr, 10);
  }
}

std::string RunJournal::read_backlog() {
  BacklogSink sink;
  const auto found = journal_tool::inspect(directory_, &sink);
  if (found->verdict == journal_tool::Verdict::corrupt) {
    return fmt::format("the journal is corrupt: {}; see 'laneway journal verify {}'", found->detail,
                       directory_);
  }
  // What cannot be read is told by the engine, if it is not just new.
  for (auto& [position, record] : sink.open) {
    open_records_.push_back(std::move(record));
  }
  published_ = std::max(published_, sink.last);
  next_number_ = published_ + 1;
  return {};
}

std::string RunJournal::published(std::uint64_t number, std::size_t bytes) {
  published_ = number;
  bytes_since_ += bytes;
  const bool due = number - noted_ >= kNoteRecords || bytes_since_ >= kNoteBytes;
  return due ? note() : std::string();
}

std::string RunJournal::note() {
  if (engine_ == nullptr || published_ == noted_) {
    return {};
  }
  const auto flushed = engine_->flush();
  if (!flushed) {
    return "the journal: " + to_string(flushed.error());
  }
  if (!*flushed) {
    return "the journal: the disk does not answer";
  }
  return write_position();
}

std::string RunJournal::write_position() {
  const std::string path = directory_ + "/run.position";
  const std::string fresh = path + ".new";
  const FileDescriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open() || !write_file(file.get(), fmt::format("{}\n", published_)) ||
      ::rename(fresh.c_str(), path.c_str()) != 0) {
    return failed("cannot be written");
  }
  noted_ = published_;
  bytes_since_ = 0;
  return {};
}

}  // namespace laneway::tools

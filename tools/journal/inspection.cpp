#include "tools/journal/inspection.hpp"

#include "engine/journal/uring_storage.hpp"
#include "tools/journal/rebuilt_manifest.hpp"
#include "tools/journal/record_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace laneway::journal_tool {

using engine::JournalEnd;
using engine::Manifest;
using engine::RecordedState;
using engine::Storage;
using tools::Json;

namespace {

// Two that listen to the same records.
class Both final : public engine::RecordSink {
 public:
  Both(RecordSink& first, RecordSink* second) : first_(first), second_(second) {}

  bool record(const engine::RecordView& record) override {
    return first_.record(record) && (second_ == nullptr || second_->record(record));
  }
  bool batch(const engine::BatchHeader& header, std::uint64_t file_number) override {
    return first_.batch(header, file_number) &&
           (second_ == nullptr || second_->batch(header, file_number));
  }

 private:
  RecordSink& first_;
  RecordSink* const second_;
};

std::string place(const engine::ScanResult& scan) {
  return scan.file_number == 0
             ? engine::kManifestName
             : fmt::format("{} at {}", engine::segment_name(scan.file_number), scan.offset);
}

void judge(Inspection& inspection) {
  const engine::ScanResult& scan = inspection.scan;
  if (scan.error != 0) {
    inspection.detail = fmt::format("{}: {}", scan.detail, std::strerror(scan.error));
  } else if (scan.end == JournalEnd::corrupt || inspection.rebuilt) {
    inspection.verdict = Verdict::corrupt;
    inspection.detail = inspection.rebuilt ? "MANIFEST: the manifest is damaged or missing"
                                           : fmt::format("{}: {}", place(scan), scan.detail);
  } else if (scan.end == JournalEnd::torn) {
    inspection.verdict = Verdict::torn;
    inspection.detail = place(scan) + ": the last write is not whole";
  } else {
    inspection.verdict = Verdict::sound;
  }
}

std::uint64_t bytes_of_files(Storage& storage, const std::vector<std::string>& names) {
  std::uint64_t sum = 0;
  for (const std::string& name : names) {
    std::unique_ptr<engine::StorageFile> file;
    std::uint64_t size = 0;
    if (storage.open(name, engine::StorageUse::read, &file) == 0 && file->size(&size) == 0) {
      sum += size;
    }
  }
  return sum;
}

// A manifest that is not there is damage only where there are segments.
bool needs_rebuilding(const engine::ScanResult& scan, const std::vector<std::string>& names) {
  const bool segments = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return engine::segment_number(name) != 0;
  });
  const bool damaged = scan.end == JournalEnd::corrupt && scan.file_number == 0;
  return segments && (damaged || scan.error == ENOENT);
}

const char* at_stake(const Inspection& inspection) {
  switch (inspection.verdict) {
    case Verdict::sound:
      return "nothing";
    case Verdict::torn:
      return "nothing that was confirmed, unless it is the disk that damaged the last write: then "
             "that write";
    case Verdict::corrupt:
      return inspection.rebuilt
                 ? "which segments belong to the journal; 'recover --salvage' goes by what they "
                   "say of themselves, and messages that were over may come back"
                 : "the records that are lost; 'recover --salvage' keeps all others";
    case Verdict::unreadable:
      break;
  }
  return "unknown";
}

}  // namespace

std::unique_ptr<Inspection> inspect(const std::string& directory,
                                    engine::RecordSink* sink,
                                    std::unique_ptr<Storage>* kept) {
  auto inspection = std::make_unique<Inspection>();
  auto storage = engine::open_storage(directory, engine::StorageKind::read_only);
  if (!storage) {
    inspection->detail = to_string(storage.error());
    return inspection;
  }
  if (const int error = (*storage)->lock(); error != 0) {
    inspection->detail = error == EWOULDBLOCK ? "an engine has it open" : std::strerror(error);
    return inspection;
  }
  std::vector<std::string> names;
  if (const int error = (*storage)->list(&names); error != 0) {
    inspection->detail = std::strerror(error);
    return inspection;
  }
  Both sinks(inspection->census, sink);
  engine::ScanOptions options{.sync_first = false, .salvage = true};
  inspection->scan = engine::scan_journal(**storage, options, &sinks);
  Manifest rebuilt;
  if (needs_rebuilding(inspection->scan, names) && rebuild_manifest(**storage, names, &rebuilt)) {
    inspection->rebuilt = true;
    options.manifest = &rebuilt;
    inspection->scan = engine::scan_journal(**storage, options, &sinks);
  }
  inspection->disk_bytes = bytes_of_files(**storage, names);
  judge(*inspection);
  if (kept != nullptr) {
    *kept = std::move(*storage);
  }
  return inspection;
}

Json verdict_json(const Inspection& inspection) {
  const engine::ScanResult& scan = inspection.scan;
  static constexpr const char* kVerdicts[] = {"sound", "torn", "corrupt", "unreadable"};
  Json json = {{"verdict", kVerdicts[static_cast<int>(inspection.verdict)]}};
  if (!inspection.detail.empty()) {
    json["detail"] = inspection.detail;
  }
  if (inspection.verdict == Verdict::unreadable) {
    return json;
  }
  json["at_stake"] = at_stake(inspection);
  json["lost"] = Json::array();
  for (const Gap& gap : inspection.census.gaps(scan)) {
    json["lost"].push_back({{"from_lsn", gap.from_lsn}, {"before_lsn", gap.to_lsn}});
  }
  if (inspection.verdict != Verdict::sound) {
    json["file"] =
        scan.file_number == 0 ? engine::kManifestName : engine::segment_name(scan.file_number);
    json["offset"] = scan.offset;
  }
  json["epoch"] = scan.manifest.epoch;
  json["closed_in_order"] = scan.closed;
  json["records"] = scan.records;
  json["batches"] = scan.batches;
  json["first_lsn"] = scan.manifest.first_lsn;
  json["end_lsn"] = scan.end_lsn;
  return json;
}

Json segments_json(const Inspection& inspection) {
  Json json = Json::array();
  for (const engine::ManifestEntry& entry : inspection.scan.manifest.entries) {
    const auto found = inspection.census.segments.find(entry.file_number);
    const bool used = found != inspection.census.segments.end();
    const CountedSegment counted = used ? found->second : CountedSegment{};
    json.push_back({{"file", engine::segment_name(entry.file_number)},
                    {"state", used ? "used" : "prepared"},
                    {"first_lsn", counted.first_lsn},
                    {"batches", counted.batches},
                    {"bytes", counted.bytes}});
  }
  return json;
}

Json queues_json(const Inspection& inspection) {
  std::map<std::uint16_t, Json> queues;
  for (const auto& [number, queue] : inspection.census.queues) {
    tools::add_bytes(queues[number], "name", queue.name);
    queues[number]["queue"] = number;
    queues[number]["shards"] = queue.shards;
  }
  for (const auto& [id, shard] : inspection.census.shards) {
    Json& json = queues[id.queue];
    json["queue"] = id.queue;
    for (const RecordedState state : {RecordedState::waiting, RecordedState::delayed,
                                      RecordedState::retrying, RecordedState::dead}) {
      json[state_name(state)] = json.value(state_name(state), std::uint64_t{0}) + shard.in(state);
    }
    json["positions"].push_back({{"shard", id.shard},
                                 {"first", std::min(shard.first_position, shard.last_position)},
                                 {"last", shard.last_position}});
  }
  Json json = Json::array();
  for (const auto& [number, queue] : queues) {
    json.push_back(queue);
  }
  return json;
}

Json stat_json(const Inspection& inspection) {
  Json json = verdict_json(inspection);
  if (inspection.verdict == Verdict::unreadable) {
    return json;
  }
  std::uint64_t live = 0;
  std::uint64_t live_bytes = 0;
  for (const auto& [id, shard] : inspection.census.shards) {
    live += shard.messages.size();
    live_bytes += shard.bytes();
  }
  json["live_messages"] = live;
  json["live_bytes"] = live_bytes;
  json["batch_bytes"] = inspection.scan.bytes;
  json["segment_bytes"] = inspection.scan.manifest.segment_bytes;
  json["disk_bytes"] = inspection.disk_bytes;
  for (std::size_t type = 1; type < Census::kTypes; ++type) {
    json["records_by_type"][type_name(static_cast<engine::RecordType>(type))] =
        inspection.census.by_type[type];
  }
  json["records_by_type"][type_name({})] = inspection.census.by_type[0];
  json["segments"] = segments_json(inspection);
  json["queues"] = queues_json(inspection);
  return json;
}

}  // namespace laneway::journal_tool

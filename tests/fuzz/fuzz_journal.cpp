// Bytes as the batches of a segment, whose header and manifest are right. What is read of them is
// read without harm, and whatever the verdict, it is the same the second time; when the journal
// opens, its records are what the scan has told, and they are there again after one more record and
// a close.
//
// The first byte says whether checksums are made right, so that what they protect is reached too.
#include "engine/journal/journal.hpp"
#include "tests/unit/journal/sim_disk.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>

namespace laneway::engine {
namespace {

constexpr std::uint64_t kSegment = 64 * 1024;
constexpr ManifestEntry kEntry{1, 0x77, 0, 0, 0, 0};

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// Reads every body, whatever its type says, and remembers all of it.
class DecodingSink final : public RecordSink {
 public:
  bool record(const RecordView& record) override {
    sum = sum * 31 + record.header.bytes;
    for (const std::byte byte : record.body) {
      sum = sum * 31 + static_cast<std::uint64_t>(byte);
    }
    if (const auto message = read_message(record)) {
      require(message->payload.size() <= record.body.size());
      require(message->key.size() + message->type.size() + message->dedup.size() <=
              record.body.size());
    }
    (void)read_settle(record);
    (void)read_retry(record);
    (void)read_death(record);
    (void)read_order(record);
    (void)read_remember(record);
    (void)read_lane(record);
    ++records;
    // The one that a journal itself must understand.
    return record.type() != RecordType::queue || read_queue(record).has_value();
  }
  std::uint64_t records = 0;
  std::uint64_t sum = 0;
};

Manifest manifest_of_one() {
  Manifest manifest;
  manifest.store_id[0] = 1;
  manifest.segment_bytes = kSegment;
  manifest.epoch = 1;
  manifest.entries = {kEntry};
  return manifest;
}

// What a writer would have put there: place, chain and checksum.
void make_right(std::span<std::byte> segment) {
  std::uint32_t chain = 0;
  std::uint64_t lsn = 1;
  for (std::uint64_t at = kBlockBytes; at + kBlockBytes <= segment.size();) {
    BatchHeader header{};
    std::memcpy(&header, segment.data() + at, sizeof header);
    const std::uint64_t size = sizeof header + std::uint64_t{header.payload_bytes};
    if (header.magic != kBatchMagic || at + size > segment.size()) {
      return;
    }
    header.header_bytes = sizeof header;
    header.generation = kEntry.generation;
    header.first_lsn = lsn;
    header.durable_lsn = std::min(header.durable_lsn, lsn);
    header.offset = static_cast<std::uint32_t>(at);
    header.epoch = 1;
    header.previous_crc = chain;
    header.crc = batch_crc(header, segment.subspan(at + sizeof header, header.payload_bytes));
    std::memcpy(segment.data() + at, &header, sizeof header);
    chain = header.crc;
    lsn += header.record_count;
    at += padded_block(size);
  }
}

void put_on_disk(std::span<const std::byte> input, SimDisk& disk) {
  const Manifest manifest = manifest_of_one();
  require(write_manifest(*disk.plug(), manifest) == 0);
  auto file = std::make_shared<SimDisk::File>();
  file->now.resize(kSegment);
  const SegmentHeader header = segment_header(manifest, kEntry);
  std::memcpy(file->now.data(), &header, sizeof header);
  const bool right = !input.empty() && input[0] != std::byte{0};
  // One block for each piece, so that a short input reaches several batches.
  constexpr std::size_t kPieceBytes = 256;
  std::uint64_t at = kBlockBytes;
  for (input = input.empty() ? input : input.subspan(1); !input.empty() && at < kSegment;
       at += kBlockBytes) {
    const std::size_t size = std::min(kPieceBytes, input.size());
    std::memcpy(file->now.data() + at, input.data(), size);
    input = input.subspan(size);
  }
  if (right) {
    make_right(file->now);
  }
  file->durable = file->now;
  disk.names()[segment_name(kEntry.file_number)] = file;
}

// With a record more, closed in order, it is sound and holds one record more.
void write_on(std::unique_ptr<Journal> journal, SimDisk& disk, const DecodingSink& before) {
  Outbox* const outbox = journal->attach({9, 9}, 4096);
  require(outbox != nullptr);
  RecordWriter writer;
  RecordHeader header{};
  header.queue = header.shard = 9;
  header.position = journal->positions_end({9, 9});
  writer.settle(header, 1);
  outbox->append({}, writer);
  outbox->publish();
  require(journal->commit() == Journal::Commit::written);
  require(outbox->durable() == outbox->appended());
  journal->close();
  journal.reset();
  DecodingSink after;
  const ScanResult scan = scan_journal(*disk.plug(), {}, &after);
  require(scan.error == 0 && scan.end == JournalEnd::clean && scan.closed);
  require(after.records > before.records);
}

void play(std::span<const std::byte> input) {
  SimDisk disk(1);
  put_on_disk(input, disk);
  DecodingSink first;
  const ScanResult scan = scan_journal(*disk.plug(), {}, &first);
  DecodingSink salvaged;
  (void)scan_journal(*disk.plug(), {.salvage = true}, &salvaged);
  require(salvaged.records >= first.records);
  DecodingSink second;
  auto journal = Journal::open(disk.plug(), {.segment_bytes = kSegment, .seed = 1}, second);
  require(journal.has_value() == (scan.error == 0 && scan.end != JournalEnd::corrupt));
  if (journal) {
    require(second.records == first.records && second.sum == first.sum);
    write_on(*std::move(journal), disk, first);
  }
}

}  // namespace
}  // namespace laneway::engine

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  laneway::engine::play(std::as_bytes(std::span(data, size)));
  return 0;
}

// Damage to a journal that lies on the disk: every bit flipped, every byte cut off, segments that
// are missing, swapped or old. The state that is read is right, or opening refuses and says where.
#include "engine/journal/crc32c.hpp"
#include "engine/journal/journal.hpp"
#include "tests/unit/journal/reference_source.hpp"
#include "tests/unit/journal/sim_disk.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

namespace laneway::engine {
namespace {

constexpr const char* kFirst = "journal-0000000000000001.seg";

class JournalDamage : public ::testing::Test {
 protected:
  // Two segments' worth of messages when `large`, else a few blocks; with a marker behind them.
  void write(bool large) {
    RecoveringSink sink;
    auto journal = Journal::open(disk_.plug(), {.segment_bytes = kSegmentBytes, .seed = 1}, sink);
    ASSERT_TRUE(journal);
    source_.attach(**journal, nullptr);
    (*journal)->start();
    std::mt19937_64 random(7);
    for (int i = 0; i < (large ? 200 : 6); ++i) {
      source_.step(random, large ? 1500 : 100);
      ASSERT_EQ((*journal)->commit(), Journal::Commit::written);
      if (large) {
        (void)(*journal)->keep();
      }
    }
    ASSERT_EQ((*journal)->mark_idle(), Journal::Commit::written);
    ASSERT_EQ(source_.durable_number(), source_.records());
  }

  enum class Verdict : std::uint8_t { same, prefix, refused, wrong };
  Verdict look(SimDisk& disk) {
    RecoveringSink sink;
    scan_ = scan_journal(*disk.plug(), {}, &sink);
    if (scan_.error != 0 || scan_.end == JournalEnd::corrupt) {
      return Verdict::refused;
    }
    const RecoveredSource& found = sink.sources[{0, 0}];
    if (sink.gaps != 0 || found.next > source_.records() ||
        found.state != source_.state_after(found.next)) {
      return Verdict::wrong;
    }
    return found.next == source_.records() ? Verdict::same : Verdict::prefix;
  }
  SimDisk copy() const {
    SimDisk disk(1);
    disk.copy_from(disk_);
    return disk;
  }

  SimDisk disk_{1};
  ReferenceSource source_{{0, 0}};
  ScanResult scan_;
};

TEST_F(JournalDamage, every_flipped_bit_is_harmless_or_found) {
  write(false);
  ASSERT_EQ(look(disk_), Verdict::same);
  std::uint64_t flips = 0;
  std::uint64_t refused = 0;
  SimDisk disk = copy();
  for (const std::string& name : {std::string(kFirst), std::string(kManifestName)}) {
    std::vector<std::byte>& bytes = disk.names()[name]->now;
    const std::size_t end = name == kFirst ? 9 * kBlockBytes : bytes.size();
    for (std::size_t bit = 0; bit < end * 8; ++bit) {
      // What follows a batch in its last block is padding, looked at by nobody: a sample will do.
      if (bytes[bit / 8] == std::byte{0} && bit % 64 != 0) {
        continue;
      }
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      const Verdict verdict = look(disk);
      // With the marker behind the last batch, nothing that was confirmed goes unnoticed.
      ASSERT_TRUE(verdict == Verdict::same || verdict == Verdict::refused)
          << name << " bit " << bit << " verdict " << static_cast<int>(verdict);
      if (verdict == Verdict::refused) {
        ++refused;
        ASSERT_STRNE(scan_.detail, "");
      }
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      ++flips;
    }
  }
  std::printf("flips: %llu bits, %llu refused (floor 5000) ok\n",
              static_cast<unsigned long long>(flips), static_cast<unsigned long long>(refused));
  EXPECT_GE(flips, 5000u);
  EXPECT_GT(refused, 3000u);
}

// A file that ends early: what was in its lost part reads as nothing.
TEST_F(JournalDamage, every_byte_cut_off_is_found) {
  write(false);
  for (const std::string& name : {std::string(kFirst), std::string(kManifestName)}) {
    const std::size_t all = disk_.names()[name]->now.size();
    for (std::size_t size = 0; size < all; size += size < 9 * kBlockBytes ? 1 : 997) {
      SimDisk disk = copy();
      disk.names()[name]->now.resize(size);
      ASSERT_EQ(look(disk), Verdict::refused) << name << " cut at " << size;
    }
  }
}

// As a lost sector or a zeroed block leaves it.
TEST_F(JournalDamage, every_block_set_to_zero_is_found) {
  write(true);
  ASSERT_EQ(look(disk_), Verdict::same);
  for (const auto& [name, file] : disk_.names()) {
    for (std::size_t at = 0; at < file->now.size(); at += kBlockBytes) {
      SimDisk disk = copy();
      std::byte* const block = disk.names()[name]->now.data() + at;
      const bool was_empty = std::all_of(block, block + kBlockBytes,
                                         [](std::byte byte) { return byte == std::byte{0}; });
      std::memset(block, 0, kBlockBytes);
      const Verdict verdict = look(disk);
      ASSERT_TRUE(verdict == Verdict::refused || verdict == Verdict::same)
          << name << " block " << at / kBlockBytes << (was_empty ? ", empty" : "");
    }
  }
}

TEST_F(JournalDamage, a_missing_swapped_or_older_segment_is_found) {
  write(true);
  ASSERT_EQ(look(disk_), Verdict::same);
  std::vector<std::string> segments;
  for (const ManifestEntry& entry : scan_.manifest.entries) {
    segments.push_back(segment_name(entry.file_number));
  }
  ASSERT_GE(segments.size(), 4u);
  for (const std::string& name : segments) {
    SimDisk disk = copy();
    disk.names().erase(name);
    EXPECT_EQ(look(disk), Verdict::refused) << "without " << name;
  }
  for (std::size_t i = 1; i < segments.size(); ++i) {
    SimDisk disk = copy();
    std::swap(disk.names()[segments[0]], disk.names()[segments[i]]);
    EXPECT_EQ(look(disk), Verdict::refused);
  }
  SimDisk disk = copy();
  disk.names().erase(kManifestName);
  RecoveringSink sink;
  const auto refused = Journal::open(disk.plug(), {.segment_bytes = kSegmentBytes}, sink);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt);
}

// Whole batches of an earlier use lie behind the end of a file that is used again.
TEST_F(JournalDamage, what_a_file_held_before_it_was_used_again_is_no_torn_tail) {
  write(true);
  ASSERT_EQ(look(disk_), Verdict::same);
  EXPECT_EQ(scan_.end, JournalEnd::clean);
  const std::vector<std::byte>& bytes = disk_.names()[segment_name(scan_.file_number)]->now;
  std::uint64_t old_batches = 0;
  for (std::size_t at = scan_.offset; at < bytes.size(); at += kBlockBytes) {
    BatchHeader header{};
    std::memcpy(&header, bytes.data() + at, sizeof header);
    old_batches += header.magic == kBatchMagic && header.offset == at ? 1 : 0;
  }
  EXPECT_GT(old_batches, 0u) << "the file must have been used before";
}

// Bytes of a journal inside a payload are bytes of a payload.
TEST_F(JournalDamage, a_payload_that_contains_journal_bytes_is_not_read_as_journal) {
  write(false);
  const auto& bytes = disk_.names()[kFirst]->now;
  const std::string stolen(reinterpret_cast<const char*>(bytes.data()) + kBlockBytes,
                           3 * kBlockBytes);
  RecoveringSink sink;
  auto journal = Journal::open(disk_.plug(), {.segment_bytes = kSegmentBytes, .seed = 2}, sink);
  ASSERT_TRUE(journal);
  source_.attach(**journal, &sink.sources.at({0, 0}));
  ASSERT_TRUE(source_.publish(stolen));
  ASSERT_EQ((*journal)->commit(), Journal::Commit::written);
  journal = Errc::closed;
  EXPECT_EQ(look(disk_), Verdict::same);
  // Also when it lies behind the end of the journal.
  SimDisk disk = copy();
  std::vector<std::byte>& second = disk.names()[segment_name(scan_.file_number)]->now;
  std::memcpy(second.data() + scan_.offset + kBlockBytes, stolen.data(), stolen.size());
  EXPECT_EQ(look(disk), Verdict::same);
}

TEST_F(JournalDamage, salvage_reads_both_sides_of_the_damage) {
  write(true);
  std::memset(disk_.names()[kFirst]->now.data() + 3 * kBlockBytes, 0x55, 100);
  RecoveringSink all;
  ScanResult scan = scan_journal(*disk_.plug(), {.salvage = true}, &all);
  EXPECT_EQ(scan.end, JournalEnd::corrupt);
  EXPECT_EQ(scan.file_number, 1u);
  EXPECT_EQ(scan.offset, 3 * kBlockBytes);
  EXPECT_EQ(all.sources.at({0, 0}).next, source_.records());
  EXPECT_EQ(all.gaps, 1u);
  RecoveringSink part;
  scan = scan_journal(*disk_.plug(), {}, &part);
  EXPECT_LT(part.sources.at({0, 0}).next, source_.records());
}

// What lies behind it in the window that is read at once is not lost with it.
TEST_F(JournalDamage, salvage_reads_around_a_place_that_cannot_be_read) {
  write(true);
  disk_.names()[kFirst]->unreadable = 3 * kBlockBytes + 100;
  RecoveringSink none;
  ScanResult scan = scan_journal(*disk_.plug(), {}, &none);
  EXPECT_EQ(scan.error, EIO);
  RecoveringSink all;
  scan = scan_journal(*disk_.plug(), {.salvage = true}, &all);
  EXPECT_EQ(scan.end, JournalEnd::corrupt);
  EXPECT_EQ(scan.offset, 3 * kBlockBytes);
  EXPECT_EQ(all.sources.at({0, 0}).next, source_.records());
  EXPECT_EQ(all.gaps, 1u);
}

TEST_F(JournalDamage, salvage_goes_on_in_the_next_segment_when_the_rest_of_one_is_gone) {
  write(true);
  ASSERT_EQ(look(disk_), Verdict::same);
  const std::string oldest = segment_name(scan_.manifest.entries.front().file_number);
  auto& bytes = disk_.names()[oldest]->now;
  std::memset(bytes.data() + 3 * kBlockBytes, 0, bytes.size() - 3 * kBlockBytes);
  RecoveringSink all;
  const ScanResult scan = scan_journal(*disk_.plug(), {.salvage = true}, &all);
  EXPECT_EQ(scan.end, JournalEnd::corrupt);
  EXPECT_EQ(all.sources.at({0, 0}).next, source_.records());
  EXPECT_EQ(all.gaps, 1u);
}

TEST_F(JournalDamage, a_version_that_is_not_known_is_not_read) {
  write(false);
  std::unique_ptr<Storage> storage = disk_.plug();
  Manifest manifest;
  ASSERT_EQ(read_manifest(*storage, &manifest), 0);
  auto& bytes = disk_.names()[kFirst]->now;
  SegmentHeader header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  header.major = kFormatMajor + 1;
  header.crc = 0;
  header.crc = crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(SegmentHeader, crc)));
  std::memcpy(bytes.data(), &header, sizeof header);
  RecoveringSink sink;
  const auto refused = Journal::open(std::move(storage), {.segment_bytes = kSegmentBytes}, sink);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::version);
}

}  // namespace
}  // namespace laneway::engine

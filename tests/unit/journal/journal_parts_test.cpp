// The parts of a journal, one by one: checksum, records, outbox ring, storages.
#include "engine/journal/crc32c.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/posix_storage.hpp"
#include "engine/journal/uring_storage.hpp"
#include "tests/fixtures/journal_v1.hpp"
#include "tests/unit/journal/reference_source.hpp"
#include "tests/unit/journal/sim_disk.hpp"
#include "tests/unit/journal/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

namespace laneway::engine {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// --- checksum ---------------------------------------------------------------------------------

TEST(Crc32c, is_the_one_of_rfc_3720) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c_by_table(bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(bytes_of(std::string(32, '\0'))), 0x8a9136aau);
  EXPECT_EQ(crc32c_by_table(bytes_of(std::string(32, '\xff'))), 0x62a8ab43u);
}

TEST(Crc32c, is_the_same_by_table_and_by_library_in_one_piece_and_in_several) {
  std::mt19937_64 random(3);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string text(size, ' ');
    for (char& letter : text) {
      letter = static_cast<char>(random());
    }
    const std::uint32_t sum = crc32c(bytes_of(text));
    EXPECT_EQ(crc32c_by_table(bytes_of(text)), sum);
    const std::size_t half = size / 3;
    EXPECT_EQ(crc32c(bytes_of(text).subspan(half), crc32c(bytes_of(text).first(half))), sum);
  }
}

// --- records ----------------------------------------------------------------------------------

RecordView view_of(const RecordWriter& writer) {
  RecordView view;
  EXPECT_TRUE(read_record(writer.padded(), &view));
  return view;
}

TEST(Record, a_relocated_message_comes_back_whole) {
  RecordedMessage message;
  message.fixed.published_ms = 1'700'000'000'123;
  message.fixed.order = 77;
  message.fixed.attempts_max = 9;
  message.fixed.priority = 3;
  message.due = DueBody{5, 6};
  message.deadline = DueBody{7, 8};
  message.state.state = static_cast<std::uint8_t>(RecordedState::retrying);
  message.state.died_ms = 4;
  message.key = "customer-7";
  message.type = "invoice";
  message.dedup = "once";
  message.payload = "the bill";
  message.attempts = {{{1, 2, 3, 4, 5, 1, 0, 0}, "no route"}, {{2, 3, 4, 5, 6, 2, 0, 0}, ""}};
  RecordWriter writer;
  RecordHeader header{};
  header.position = 42;
  header.aux = 2;
  writer.relocate(header, message);

  const RecordView view = view_of(writer);
  EXPECT_EQ(view.header.position, 42u);
  const auto back = read_message(view);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->fixed.order, 77u);
  EXPECT_EQ(back->due->for_ms, 6u);
  EXPECT_EQ(back->deadline->at_ms, 7);
  EXPECT_EQ(back->state.died_ms, 4);
  EXPECT_EQ(back->key, "customer-7");
  EXPECT_EQ(back->type, "invoice");
  EXPECT_EQ(back->dedup, "once");
  EXPECT_EQ(back->payload.text(), "the bill");
  ASSERT_EQ(back->attempts.size(), 2u);
  EXPECT_EQ(back->attempts[0].text, "no route");
  EXPECT_EQ(back->attempts[1].body.consumer, 5u);
}

TEST(Record, a_body_of_another_length_is_refused) {
  RecordWriter writer;
  writer.settle({}, 5);
  RecordView view = view_of(writer);
  EXPECT_TRUE(read_settle(view));
  EXPECT_FALSE(read_order(view));
  EXPECT_FALSE(read_retry(view));
  EXPECT_FALSE(read_message(view));
  view.body = view.body.first(7);
  EXPECT_FALSE(read_settle(view));
}

// Any bytes are a record or none; nothing is read beyond them.
TEST(Record, noise_is_read_without_harm) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> noise(24 + random() % 200);
    for (std::byte& byte : noise) {
      byte = static_cast<std::byte>(random() % 4 == 0 ? random() : 0);
    }
    noise[0] = static_cast<std::byte>(noise.size());
    noise[1] = noise[2] = noise[3] = std::byte{0};
    RecordView view;
    if (read_record(noise, &view)) {
      (void)read_settle(view);
      (void)read_message(view);
      (void)read_retry(view);
      (void)read_death(view);
      (void)read_queue(view);
    }
  }
}

// --- versions ---------------------------------------------------------------------------------

class FixtureSink final : public RecordSink {
 public:
  bool record(const RecordView& record) override {
    if (record.type() == RecordType::publish) {
      const auto message = read_message(record);
      told += "publish " + std::to_string(record.header.position) + " " +
              std::string(message->key) + " " + std::string(message->payload.text()) + "; ";
    } else if (record.type() == RecordType::settle) {
      told += "settle " + std::to_string(record.header.position) + " as " +
              std::to_string(record.header.aux) + " at " +
              std::to_string(read_settle(record)->time_ms) + "; ";
    }
    return true;
  }
  std::string told;
};

TEST(JournalVersion, a_journal_of_version_1_is_read_for_ever) {
  SimDisk disk(1);
  for (const FixturePiece& piece : kJournalVersion1) {
    std::shared_ptr<SimDisk::File>& file = disk.names()[piece.file];
    if (file == nullptr) {
      file = std::make_shared<SimDisk::File>();
      file->now.resize(piece.file_bytes);
    }
    const std::string_view hex = piece.hex;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      file->now[piece.offset + i / 2] =
          static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
  }
  FixtureSink sink;
  ScanResult scan;
  auto journal = Journal::open(disk.plug(), {.segment_bytes = 64 * 1024, .seed = 1}, sink, &scan);
  ASSERT_TRUE(journal) << to_string(journal.error());
  EXPECT_EQ(sink.told, "publish 7 c7 hi; settle 7 as 6 at 1700000000500; ");
  EXPECT_EQ(scan.end, JournalEnd::clean);
  EXPECT_EQ(scan.records, 2u);
  EXPECT_EQ((*journal)->epoch(), 2u);
  EXPECT_EQ((*journal)->positions_end({1, 2}), 8u);
}

// --- outbox ring ------------------------------------------------------------------------------

TEST(OutboxRing, frames_come_out_as_they_went_in_also_around_the_end) {
  std::array<OutboxRing::Word, 16> words;
  OutboxRing ring(words);
  std::uint64_t next = 1;
  std::uint64_t expected = 1;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t frame[] = {next, next + 1, next + 2};
    ASSERT_GE(ring.room(), 4u);
    ring.append(std::span(frame).first(1), std::span(frame).subspan(1));
    next += 3;
    EXPECT_EQ(ring.next(), 0u) << "nobody sees it before it is published";
    ring.publish();
    ASSERT_EQ(ring.next(), 3u);
    for (std::uint64_t word = 0; word < 3; ++word) {
      EXPECT_EQ(ring.word(word), expected++);
    }
    ring.pass(3);
    ring.release();
  }
}

TEST(OutboxRing, room_comes_back_with_release_only) {
  std::array<OutboxRing::Word, 8> words;
  OutboxRing ring(words);
  const std::uint64_t frame[] = {1, 2, 3};
  ring.append({}, frame);
  ring.append({}, frame);
  ring.publish();
  EXPECT_EQ(ring.room(), 0u);
  ring.pass(ring.next());
  EXPECT_EQ(ring.room(), 0u);
  ring.release();
  EXPECT_EQ(ring.room(), 4u);
}

// --- storages ---------------------------------------------------------------------------------
class StorageTest : public ::testing::TestWithParam<StorageKind> {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    if (GetParam() != StorageKind::posix) {
      GTEST_SKIP() << "what the kernel writes is not seen by this sanitizer";
    }
#endif
    auto opened = open_storage(directory_.path, GetParam());
    if (!opened && GetParam() == StorageKind::uring) {
      GTEST_SKIP() << "io_uring: " << to_string(opened.error());
    }
    ASSERT_TRUE(opened);
    storage_ = std::move(*opened);
    std::printf("storage: %s\n", storage_->primitive().c_str());
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Storage> storage_;
};

TEST_P(StorageTest, what_was_written_is_read) {
  std::unique_ptr<StorageFile> file;
  ASSERT_EQ(storage_->open("a", StorageUse::create, &file), 0);
  const BlockBuffer block(2 * kBlockBytes);
  std::memset(block.bytes().data(), 0x5a, 2 * kBlockBytes);
  ASSERT_EQ(file->write(0, block.bytes()), 0);
  ASSERT_EQ(file->sync(), 0);
  file.reset();
  ASSERT_EQ(storage_->open("a", StorageUse::segment, &file), 0);
  const BlockBuffer buffer(3 * kBlockBytes);
  file->expect_writes_from(buffer.bytes());
  std::memset(buffer.bytes().data(), 0x11, kBlockBytes);
  ASSERT_EQ(file->write_durable(kBlockBytes, buffer.bytes().first(kBlockBytes)), 0);
  ASSERT_EQ(file->write_durable(3 * kBlockBytes, block.bytes().first(kBlockBytes)), 0);
  std::uint64_t size = 0;
  ASSERT_EQ(file->size(&size), 0);
  EXPECT_EQ(size, 4 * kBlockBytes);
  ASSERT_EQ(file->read(0, buffer.bytes()), 0);
  EXPECT_EQ(buffer.bytes()[0], std::byte{0x5a});
  EXPECT_EQ(buffer.bytes()[kBlockBytes], std::byte{0x11});
  EXPECT_EQ(buffer.bytes()[2 * kBlockBytes], std::byte{0}) << "a hole reads as zeros";
  ASSERT_EQ(file->read(4 * kBlockBytes, buffer.bytes()), 0);
  EXPECT_EQ(buffer.bytes()[0], std::byte{0}) << "so does what is beyond the end";
}

TEST_P(StorageTest, names_are_listed_renamed_and_removed) {
  std::unique_ptr<StorageFile> file;
  EXPECT_EQ(storage_->open("none", StorageUse::segment, &file), ENOENT);
  ASSERT_EQ(storage_->open("a", StorageUse::create, &file), 0);
  ASSERT_EQ(storage_->rename("a", "b"), 0);
  ASSERT_EQ(storage_->sync_directory(), 0);
  std::vector<std::string> names;
  ASSERT_EQ(storage_->list(&names), 0);
  EXPECT_EQ(names, std::vector<std::string>{"b"});
  ASSERT_EQ(storage_->unlink("b"), 0);
  EXPECT_EQ(storage_->unlink("b"), ENOENT);
}

TEST_P(StorageTest, a_second_lock_is_refused_until_the_first_is_gone) {
  ASSERT_EQ(storage_->lock(), 0);
  {
    const auto other = open_storage(directory_.path, GetParam());
    ASSERT_TRUE(other);
    EXPECT_EQ((*other)->lock(), EWOULDBLOCK);
  }
  storage_.reset();
  const auto other = open_storage(directory_.path, GetParam());
  EXPECT_EQ((*other)->lock(), 0);
}

TEST_P(StorageTest, a_journal_is_written_and_read) {
  constexpr JournalSettings kSettings{.segment_bytes = 64 * 1024, .seed = 9};
  ReferenceSource source({1, 2});
  std::mt19937_64 random(4);
  std::map<SourceId, RecoveredSource> known;
  std::uint64_t durable = 0;
  for (int life = 0; life < 2; ++life) {
    RecoveringSink sink;
    auto journal = Journal::open(std::move(storage_), kSettings, sink);
    ASSERT_TRUE(journal) << to_string(journal.error());
    const bool before = life != 0;
    source.judge(before ? &sink.sources.at({1, 2}) : nullptr, durable);
    if (before) {
      source.adopt(**journal, sink.sources.at({1, 2}));
    }
    source.attach(**journal, before ? &sink.sources.at({1, 2}) : nullptr);
    (*journal)->start();
    for (int i = 0; i < 50; ++i) {
      source.step(random, 3000);
      ASSERT_NE((*journal)->commit(), Journal::Commit::failed);
      (void)(*journal)->keep();
    }
    (*journal)->close();
    durable = source.durable_number();
    EXPECT_EQ(durable, source.records());
    journal = Errc::closed;
    storage_ = *open_storage(directory_.path, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Storages,
                         StorageTest,
                         ::testing::Values(StorageKind::posix, StorageKind::uring),
                         [](const auto& about) {
                           return about.param == StorageKind::posix ? "posix" : "uring";
                         });

TEST(Storage, tells_what_it_chose_and_a_missing_directory_is_an_error) {
  const TemporaryDirectory directory;
  const auto best = open_storage(directory.path, StorageKind::best);
  ASSERT_TRUE(best);
  EXPECT_FALSE((*best)->primitive().empty());
  const auto missing = open_storage(directory.path + "/none", StorageKind::best);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::io_error);
  EXPECT_EQ(missing.error().sys_errno, ENOENT);
}

}  // namespace
}  // namespace laneway::engine

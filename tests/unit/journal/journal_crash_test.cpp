// A journal on a disk that is unplugged or fails at every call: what was confirmed is there, what
// is there is a prefix of what was written, and nothing is invented.
#include "engine/journal/journal.hpp"
#include "tests/unit/journal/reference_source.hpp"
#include "tests/unit/journal/sim_disk.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>

namespace laneway::engine {
namespace {

// Lives of a journal on one disk, judged by the oracle at each recovery.
class Lives {
 public:
  explicit Lives(std::uint64_t seed, std::uint64_t segments_max = 1000)
      : disk(seed), random_(seed ^ 0x9e37), segments_max_(segments_max) {}

  // False: the journal did not open. The disk may be off by then.
  bool open() {
    RecoveringSink sink;
    const auto opened = Journal::open(
        disk.plug(),
        {.segment_bytes = kSegmentBytes, .segments_max = segments_max_, .seed = random_()}, sink,
        &scan);
    if (!opened) {
      error = opened.error();
      return false;
    }
    journal_ = std::move(const_cast<std::unique_ptr<Journal>&>(*opened));
    EXPECT_EQ(sink.gaps, 0u) << "a hole in the history";
    for (ReferenceSource& source : sources) {
      const auto found = sink.sources.find(id(source));
      const RecoveredSource* recovered = found == sink.sources.end() ? nullptr : &found->second;
      source.judge(recovered, durable_[index(source)]);
      if (recovered != nullptr) {
        source.adopt(*journal_, *recovered);
      }
      source.attach(*journal_, recovered);
      EXPECT_GE(journal_->positions_end(id(source)), 0u);
    }
    journal_->start();
    return true;
  }

  void work(int steps, std::size_t payload_max = 600) {
    for (int i = 0; i < steps && !disk.off(); ++i) {
      ReferenceSource& source = sources[random_() % sources.size()];
      source.step(random_, payload_max);
      const std::uint64_t dice = random_() % 8;
      if (dice < 3) {
        last = journal_->commit();
      } else if (dice == 3) {
        (void)journal_->mark_idle();
      }
      if (dice >= 3 || last == Journal::Commit::starved) {
        (void)journal_->keep();
      }
      remember();
    }
  }
  void commit_all() {
    for (int i = 0; i < 100 && journal_->commit() != Journal::Commit::idle; ++i) {
      (void)journal_->keep();
    }
    remember();
  }
  // A confirm is given when commit returns: what is durable then must be there for ever.
  void remember() {
    for (ReferenceSource& source : sources) {
      durable_[index(source)] = source.durable_number();
      source.forget_before(durable_[index(source)]);
    }
  }
  // What holders and keeper do between them until nothing is to be moved.
  void relocate_all() {
    const auto wanted = [&](ReferenceSource& s) { return s.outbox()->relocate_below() != 0; };
    for (int i = 0; i < 1000; ++i) {
      for (ReferenceSource& source : sources) {
        source.relocate_some(16);
      }
      commit_all();
      const Journal::Keep kept = journal_->keep();
      if (kept == Journal::Keep::idle && !wanted(sources[0]) && !wanted(sources[1])) {
        return;
      }
    }
  }
  void die() { journal_.reset(); }
  Journal& journal() { return *journal_; }

  SimDisk disk;
  std::array<ReferenceSource, 2> sources{ReferenceSource({0, 0}), ReferenceSource({3, 1})};
  ScanResult scan;
  Error error{};
  Journal::Commit last = Journal::Commit::idle;

 private:
  std::size_t index(const ReferenceSource& source) const {
    return static_cast<std::size_t>(&source - sources.data());
  }
  SourceId id(const ReferenceSource& source) const {
    return index(source) == 0 ? SourceId{0, 0} : SourceId{3, 1};
  }

  std::mt19937_64 random_;
  const std::uint64_t segments_max_;
  std::unique_ptr<Journal> journal_;
  std::array<std::uint64_t, 2> durable_{};
};

// The power goes at call `crash` of a workload, or the process dies there and the power stays on;
// then the power goes at a call of the recovery; then all is judged, worked on, and judged once
// more.
void crash_at(std::uint64_t seed, std::uint64_t crash, bool* reached) {
  Lives lives(seed);
  lives.disk.power_off_at = crash;
  if (lives.open()) {
    lives.work(120);
  }
  *reached = lives.disk.off();
  lives.die();
  seed % 2 == 0 ? lives.disk.process_dies() : lives.disk.power_cycle();
  lives.disk.power_off_at = lives.disk.calls + crash % 40;
  if (lives.open()) {
    lives.work(10);
  }
  lives.die();
  lives.disk.power_cycle();
  ASSERT_TRUE(lives.open()) << lives.error.detail << " seed " << seed << " crash " << crash;
  lives.work(30);
  lives.die();
  lives.disk.power_cycle();
  ASSERT_TRUE(lives.open()) << lives.error.detail << " seed " << seed << " crash " << crash;
}

TEST(JournalCrash, power_off_at_any_call_loses_nothing_confirmed) {
  const char* const longer = std::getenv("LANEWAY_JOURNAL_TIMES");
  const std::uint64_t workloads = 32 * (longer == nullptr ? 1 : std::strtoull(longer, nullptr, 10));
  std::uint64_t points = 0;
  for (std::uint64_t seed = 1; seed <= workloads; ++seed) {
    bool reached = true;
    for (std::uint64_t crash = 0; reached && !::testing::Test::HasFatalFailure(); ++crash) {
      crash_at(seed, crash, &reached);
      ++points;
      if (::testing::Test::HasFailure()) {
        FAIL() << "seed " << seed << " crash " << crash;
      }
    }
  }
  std::printf("power_off: %llu points of %llu workloads (floor 4 000) ok\n",
              static_cast<unsigned long long>(points), static_cast<unsigned long long>(workloads));
  EXPECT_GE(points, 4000u);
}

// One call fails, as the disk says or as it is full; the journal goes on, fails for good, or
// refuses to open, and what it confirmed is there when the disk is well again.
TEST(JournalFault, a_call_that_fails_anywhere_loses_nothing_confirmed) {
  std::uint64_t points = 0;
  std::uint64_t failed = 0;
  Lives healthy(77);
  ASSERT_TRUE(healthy.open());
  healthy.work(100);
  for (const int error : {EIO, ENOSPC}) {
    for (const bool for_good : {false, true}) {
      const std::uint64_t calls = healthy.disk.calls;
      for (std::uint64_t at = 0; at < calls; ++at, ++points) {
        Lives lives(at + 77);
        lives.disk.error = error;
        (for_good ? lives.disk.fail_from : lives.disk.fail_at) = at;
        if (lives.open()) {
          lives.work(100);
          failed += lives.journal().failed() != 0 ? 1 : 0;
        }
        lives.die();
        lives.disk.fail_at = lives.disk.fail_from = SimDisk::kNever;
        lives.disk.power_cycle();
        ASSERT_TRUE(lives.open()) << lives.error.detail << " call " << at;
        lives.work(20);
        lives.die();
        lives.disk.power_cycle();
        ASSERT_TRUE(lives.open()) << lives.error.detail << " call " << at;
      }
    }
  }
  EXPECT_GT(failed, 10u);
  std::printf("faults: %llu points (floor 400) ok\n", static_cast<unsigned long long>(points));
  EXPECT_GE(points, 400u);
}

TEST(JournalFault, one_failed_write_moves_to_a_fresh_segment_and_the_second_ends_the_journal) {
  Lives lives(5);
  ASSERT_TRUE(lives.open());
  ReferenceSource& source = lives.sources[0];
  ASSERT_TRUE(source.publish("first"));
  ASSERT_EQ(lives.journal().commit(), Journal::Commit::written);
  ASSERT_TRUE(source.publish("second"));
  lives.disk.fail_at = lives.disk.calls;
  EXPECT_EQ(lives.journal().commit(), Journal::Commit::written);
  EXPECT_EQ(lives.journal().counts().evacuations, 1u);
  EXPECT_EQ(source.outbox()->durable(), 2u);
  // Not for want of a segment.
  while (lives.journal().keep() == Journal::Keep::busy) {
  }
  ASSERT_FALSE(lives.journal().starving());
  ASSERT_TRUE(source.publish("third"));
  lives.disk.fail_at = lives.disk.calls;
  EXPECT_EQ(lives.journal().commit(), Journal::Commit::failed);
  EXPECT_EQ(lives.journal().failed(), EIO);
  EXPECT_EQ(source.outbox()->durable(), 2u);
  lives.remember();
  lives.die();
  lives.disk.power_cycle();
  ASSERT_TRUE(lives.open());
  EXPECT_GE(source.records(), 2u);
}

// What a journal would lose that forgets a step, shown by a disk that leaves it out. If the oracle
// did not notice, it could notice nothing.
TEST(JournalOracle, a_forgotten_flush_or_sync_is_noticed) {
  for (const SimDisk::Lie lie : {SimDisk::Lie::none, SimDisk::Lie::write_without_flush,
                                 SimDisk::Lie::no_file_sync, SimDisk::Lie::no_directory_sync}) {
    bool noticed = false;
    for (std::uint64_t seed = 1; seed < 200 && !noticed; ++seed) {
      // The judge's complaints are what is hoped for, so they are caught.
      ::testing::TestPartResultArray complaints;
      const ::testing::ScopedFakeTestPartResultReporter quiet(
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &complaints);
      Lives lives(seed);
      lives.disk.lie = lie;
      noticed = !lives.open();
      if (!noticed) {
        lives.work(60);
        lives.die();
        lives.disk.power_cycle();
        noticed = !lives.open() || complaints.size() != 0;
      }
    }
    EXPECT_EQ(noticed, lie != SimDisk::Lie::none) << static_cast<int>(lie);
  }
}

// --- reclaiming -------------------------------------------------------------------------------

// Under any mix: one message that waits for ever (thirty days) among many that do not, dead letters
// that pile up (a million to 64 MiB segments are a thousand to these), small and large payloads.
// Judged whenever keeper and holders have done what they have to do. What keeps room for the end of
// messages counts: a small message is worth 171 bytes.
TEST(JournalReclaiming, the_disk_stays_below_twice_the_live_bytes_and_six_segments) {
  const auto bound = [](const JournalCounts& counts) {
    return 2 * std::max(counts.live_bytes, 171 * counts.live_records) + 6 * kSegmentBytes;
  };
  struct Mix {
    std::size_t payload_max;
    int dead_letters;
  };
  std::uint64_t looks = 0;
  for (const auto& [payload_max, dead_letters] :
       {Mix{40, 0}, Mix{40, 300}, Mix{600, 1000}, Mix{2000, 60}, Mix{14'000, 0}, Mix{14'000, 60}}) {
    Lives lives(payload_max + static_cast<std::uint64_t>(dead_letters));
    ASSERT_TRUE(lives.open());
    ASSERT_TRUE(lives.sources[0].publish("reminder in thirty days"));
    SCOPED_TRACE(payload_max);
    const auto look = [&] {
      lives.relocate_all();
      const JournalCounts counts = lives.journal().counts();
      ASSERT_LE(lives.disk.bytes(), bound(counts) + 2 * kBlockBytes);  // and the manifests
      ASSERT_EQ(counts.live_records, lives.sources[0].live() + lives.sources[1].live());
      ++looks;
    };
    for (int i = 0; i < dead_letters; ++i) {
      ASSERT_TRUE(lives.sources[1].publish(std::string(i % 3 == 0 ? 1500 : 100, 'd')));
      lives.commit_all();
      if (i % 25 == 0) {
        ASSERT_NO_FATAL_FAILURE(look());
      }
    }
    while (lives.journal().counts().bytes_written < 30 * kSegmentBytes) {
      lives.work(10, payload_max);
      ASSERT_NO_FATAL_FAILURE(look());
    }
    lives.die();
    lives.disk.power_cycle();
    ASSERT_TRUE(lives.open());
    EXPECT_LE(lives.scan.bytes, bound(lives.journal().counts()));
  }
  std::printf("disk_bound: %llu looks (floor 200) ok\n", static_cast<unsigned long long>(looks));
  EXPECT_GE(looks, 200u);
}

// Until the keeper has looked again, its wish stands; it must not be one for what has moved
// already.
TEST(JournalReclaiming, what_has_moved_out_of_the_oldest_segment_is_not_told_again_and_again) {
  Lives lives(1);
  ASSERT_TRUE(lives.open());
  ReferenceSource& quiet = lives.sources[0];
  ASSERT_TRUE(quiet.publish("reminder in thirty days"));
  while (quiet.outbox()->relocate_below() == 0) {
    ASSERT_TRUE(lives.sources[1].publish(std::string(2000, 'd')));
    lives.commit_all();
  }
  const std::uint64_t before = quiet.outbox()->appended();
  for (int i = 0; i < 50; ++i) {
    quiet.relocate_some(16);
    ASSERT_NE(lives.journal().commit(), Journal::Commit::failed);
  }
  EXPECT_EQ(quiet.outbox()->appended() - before, 1u);
}

TEST(JournalReclaiming, a_settled_message_never_comes_back_by_relocation) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Lives lives(seed);
    ASSERT_TRUE(lives.open());
    for (int life = 0; life < 4; ++life) {
      lives.work(300, 1500);
      lives.die();
      lives.disk.power_cycle();
      ASSERT_TRUE(lives.open()) << lives.error.detail;  // the judge compares every message
    }
  }
}

TEST(JournalReclaiming, positions_stay_used_up_when_their_segments_are_gone) {
  Lives lives(3);
  ASSERT_TRUE(lives.open());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(lives.sources[1].publish("early"));
    ASSERT_TRUE(lives.sources[1].settle(lives.sources[1].last_position()));
  }
  lives.commit_all();
  const std::uint64_t used = lives.sources[1].last_position();
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(lives.sources[0].publish(std::string(1000, 'x')));
    ASSERT_TRUE(lives.sources[0].settle(lives.sources[0].last_position()));
    lives.commit_all();
    (void)lives.journal().keep();
  }
  lives.die();
  lives.disk.power_cycle();
  RecoveringSink sink;
  auto journal = Journal::open(lives.disk.plug(), {.segment_bytes = kSegmentBytes}, sink);
  ASSERT_TRUE(journal);
  EXPECT_FALSE(sink.sources.contains({3, 1})) << "its records are reclaimed";
  EXPECT_GT((*journal)->positions_end({3, 1}), used);
}

// A queue that one life does not open is not forgotten when its segments go in that life.
TEST(JournalReclaiming, what_no_queue_of_a_life_has_opened_is_known_in_the_next) {
  SimDisk disk(1);
  const JournalSettings settings{.segment_bytes = kSegmentBytes, .seed = 1};
  std::uint64_t used = 0;
  {
    RecoveringSink sink;
    auto journal = Journal::open(disk.plug(), settings, sink);
    ASSERT_TRUE(journal);
    RecordHeader header{};
    header.queue = 3;
    RecordWriter writer;
    writer.queue(header, {.name = "orders"});
    (*journal)->define(3, writer);
    ReferenceSource source({3, 1});
    source.attach(**journal, nullptr);
    ASSERT_TRUE(source.publish("early"));
    used = source.last_position();
    ASSERT_TRUE(source.settle(used));
    (*journal)->close();
  }
  {
    RecoveringSink sink;
    auto journal = Journal::open(disk.plug(), settings, sink);
    ASSERT_TRUE(journal);
    ReferenceSource other({0, 0});
    other.attach(**journal, nullptr);
    (*journal)->start();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(other.publish(std::string(1000, 'x')));
      ASSERT_TRUE(other.settle(other.last_position()));
      ASSERT_NE((*journal)->commit(), Journal::Commit::failed);
      (void)(*journal)->keep();
    }
  }
  class Names final : public RecordSink {
   public:
    bool record(const RecordView& record) override {
      if (record.type() == RecordType::queue) {
        names.insert(std::string(read_queue(record)->name));
      }
      early = early || (record.type() == RecordType::publish && record.header.queue == 3);
      return true;
    }
    std::set<std::string> names;
    bool early = false;
  } sink;
  auto journal = Journal::open(disk.plug(), settings, sink);
  ASSERT_TRUE(journal);
  EXPECT_FALSE(sink.early) << "its segment is reclaimed";
  EXPECT_EQ(sink.names, std::set<std::string>{"orders"});
  EXPECT_GT((*journal)->positions_end({3, 1}), used);
}

TEST(JournalReclaiming, a_full_disk_refuses_publishes_settles_go_on_and_room_comes_back) {
  Lives lives(4);
  ASSERT_TRUE(lives.open());
  lives.disk.bytes_max = 7 * kSegmentBytes;
  ReferenceSource& source = lives.sources[0];
  int published = 0;
  while (lives.journal().admits() && published < 10'000) {
    ASSERT_TRUE(source.publish(std::string(500, 'x')));
    ++published;
    lives.commit_all();
  }
  EXPECT_LT(published, 10'000);
  EXPECT_TRUE(lives.journal().full());
  // Everything that was accepted can be settled, and the journal can be emptied by it.
  const std::uint64_t last = source.last_position();
  for (std::uint64_t position = 0; position <= last; ++position) {
    ASSERT_TRUE(source.settle(position));
    ASSERT_NE(lives.journal().commit(), Journal::Commit::starved);
  }
  for (int i = 0; i < 1000 && lives.journal().keep() == Journal::Keep::busy; ++i) {
  }
  EXPECT_TRUE(lives.journal().admits());
  EXPECT_FALSE(lives.journal().full());
  EXPECT_EQ(lives.journal().failed(), 0);
}

}  // namespace
}  // namespace laneway::engine

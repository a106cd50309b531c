// Real processes on real files: killed in the middle of their work, or forbidden what they would
// use. Proves what a process that dies leaves behind, and that its lock passes on, also with
// io_uring requests in flight. Not the loss of power: the page cache survives.
#include "engine/base/hash.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/uring_storage.hpp"
#include "tests/unit/journal/reference_source.hpp"
#include "tests/unit/journal/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace laneway::engine {
namespace {

constexpr SourceId kSource{1, 2};

std::uint64_t hash_of(const ReferenceState& state) {
  std::uint64_t sum = state.size();
  for (const auto& [position, message] : state) {
    sum = mix64(sum ^ mix64(position)) + hash_bytes(message.payload);
    sum = mix64(sum ^ message.order) + message.attempts;
  }
  return sum;
}

// What the process that works tells before each record, so before anybody can find it.
struct Told {
  std::uint64_t record;   // so many records were written with this one
  std::uint64_t state;    // hash of the state after it
  std::uint64_t durable;  // so many were confirmed before
};

// Works until it is killed.
[[noreturn]] void work(const std::string& directory, StorageKind kind, std::uint64_t seed, int to) {
  RecoveringSink sink;
  auto journal = Journal::open(*open_storage(directory, kind),
                               {.segment_bytes = kSegmentBytes, .seed = seed}, sink);
  if (!journal) {
    ::_exit(1);
  }
  ReferenceSource source(kSource);
  const auto found = sink.sources.find(kSource);
  const RecoveredSource* const recovered = found == sink.sources.end() ? nullptr : &found->second;
  if (recovered != nullptr) {
    source.resume(*recovered);
    source.adopt(**journal, *recovered);
  }
  source.attach(**journal, recovered);
  (*journal)->start();
  std::mt19937_64 random(seed);
  source.told = [&] {
    const Told told{source.records(), hash_of(source.state()), source.durable_number()};
    if (::write(to, &told, sizeof told) != sizeof told) {
      ::_exit(1);
    }
  };
  for (;;) {
    const std::uint64_t before = source.records();
    source.step(random, 900);
    if (source.records() == before || random() % 3 == 0) {
      if ((*journal)->commit() == Journal::Commit::failed) {
        ::_exit(1);
      }
    }
    (void)(*journal)->keep();
  }
}

// Files in memory survive a process as well as those on a disk do, and take a hundredth of the
// time; some kills meet requests that wait for a disk.
struct Place {
  const char* name;
  StorageKind kind;
  const char* above;
  std::uint64_t kills;
};

class JournalProcess : public ::testing::TestWithParam<Place> {
 protected:
  void SetUp() override {
    if (!open_storage(directory_.path, GetParam().kind)) {
      GTEST_SKIP() << "io_uring cannot be had here";
    }
  }

  // A life that ends after it has told `count` records, or soon after.
  void live(std::uint64_t seed, std::uint64_t count) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      work(directory_.path, GetParam().kind, seed, ends[1]);
    }
    ::close(ends[1]);
    Told told{};
    for (std::uint64_t heard = 0; ::read(ends[0], &told, sizeof told) == sizeof told; ++heard) {
      states_[told.record] = told.state;
      durable_ = told.durable;
      if (heard == count) {
        ::kill(child, SIGKILL);
      }
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it gave up by itself";
  }

  void judge() {
    const auto storage = open_storage(directory_.path, StorageKind::read_only);
    RecoveringSink sink;
    const ScanResult scan = scan_journal(**storage, {}, &sink);
    ASSERT_EQ(scan.error, 0) << scan.detail;
    ASSERT_NE(scan.end, JournalEnd::corrupt) << scan.detail;
    ASSERT_EQ(sink.gaps, 0u);
    const RecoveredSource& found = sink.sources[kSource];
    ASSERT_GE(found.next, durable_) << "confirmed records are gone";
    ASSERT_TRUE(found.next == 0 || states_.contains(found.next)) << "a record never written";
    ASSERT_TRUE(found.next == 0 || states_[found.next] == hash_of(found.state));
    durable_ = found.next;  // what was found is what the next life goes on from
  }

  TemporaryDirectory directory_{GetParam().above};
  std::map<std::uint64_t, std::uint64_t> states_{{0, hash_of({})}};
  std::uint64_t durable_ = 0;
};

TEST_P(JournalProcess, killed_at_any_time_loses_nothing_confirmed) {
  const char* const longer = std::getenv("LANEWAY_JOURNAL_TIMES");
  const std::uint64_t times = longer == nullptr ? 1 : std::strtoull(longer, nullptr, 10);
  const std::uint64_t kills = times * GetParam().kills;
  std::mt19937_64 random(11);
  for (std::uint64_t i = 0; i < kills && !HasFatalFailure(); ++i) {
    live(random(), random() % 40);
    judge();
  }
  std::printf(
      "kills, %s: %llu (floor %llu) %s\n", GetParam().name, static_cast<unsigned long long>(kills),
      static_cast<unsigned long long>(GetParam().kills), HasFatalFailure() ? "FAILED" : "ok");
  EXPECT_GE(kills, GetParam().kills);
}

// The kernel writes up to the limit and says how much that was.
TEST_P(JournalProcess, a_write_that_comes_back_short_is_an_error) {
  const auto storage = open_storage(directory_.path, GetParam().kind);
  std::unique_ptr<StorageFile> file;
  ASSERT_EQ((*storage)->open("a", StorageUse::create, &file), 0);
  ASSERT_EQ((*storage)->open("a", StorageUse::segment, &file), 0);
  const BlockBuffer bytes(2 * kBlockBytes);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit low{kBlockBytes, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  const int plain = file->write(0, bytes.bytes());
  const int durable = file->write_durable(0, bytes.bytes());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(plain, EIO);
  EXPECT_EQ(durable, EIO);
  EXPECT_EQ(file->write_durable(0, bytes.bytes()), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Storages,
    JournalProcess,
    ::testing::Values(Place{"posix_memory", StorageKind::posix, "/dev/shm", 140},
                      Place{"posix_disk", StorageKind::posix, "/tmp", 10},
                      Place{"uring_memory", StorageKind::uring, "/dev/shm", 140},
                      Place{"uring_disk", StorageKind::uring, "/tmp", 10}),
    [](const auto& about) { return about.param.name; });

// As containers do it: io_uring_setup answers EPERM.
void forbid_io_uring() {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(rules)), rules};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::perror("seccomp");
    ::_exit(9);
  }
}

// Writes a journal and reads it again; answers the exit status.
int use_without_io_uring(const std::string& directory) {
  forbid_io_uring();
  auto best = open_storage(directory, StorageKind::best);
  if (open_storage(directory, StorageKind::uring) || !best) {
    return 1;
  }
  std::fprintf(stderr, "%s\n", (*best)->primitive().c_str());
  ReferenceSource source(kSource);
  {
    RecoveringSink sink;
    auto journal = Journal::open(std::move(*best), {.segment_bytes = kSegmentBytes}, sink);
    source.attach(**journal, nullptr);
    if (!source.publish("written all the same") ||
        (*journal)->commit() != Journal::Commit::written) {
      return 2;
    }
  }
  RecoveringSink sink;
  auto journal = Journal::open(*open_storage(directory, StorageKind::best), {}, sink);
  return journal && sink.sources[kSource].state == source.state() ? 0 : 3;
}

TEST(JournalProcessForbidden, io_uring_is_done_without_and_said_so) {
  const TemporaryDirectory directory;
  EXPECT_EXIT(::_exit(use_without_io_uring(directory.path)), ::testing::ExitedWithCode(0),
              "pwrite.*io_uring: ");
}

}  // namespace
}  // namespace laneway::engine

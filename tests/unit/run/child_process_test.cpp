#include "tools/run/child_process.hpp"

#include "tools/run/child_spawn.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>

namespace laneway::tools {
namespace {

using How = ChildEnd::How;
using std::chrono::milliseconds;

struct Watch : ChildWatch {
  bool wants_output() override { return wants(); }
  void output(std::string_view bytes) override { out += bytes; }
  void error_output(std::string_view bytes) override { err += bytes; }
  bool keep_running() override { return keep(); }

  std::string out;
  std::string err;
  std::function<bool()> wants = [] { return true; };
  std::function<bool()> keep = [] { return true; };

  bool satisfied() override { return enough(); }
  std::function<bool()> enough = [] { return false; };
};

class ChildProcessTest : public testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  ChildEnd shell(const std::string& script) {
    command.arguments = {"sh", "-c", script};
    return run_child(command, watch);
  }

  ChildCommand command;
  Watch watch;
};

TEST_F(ChildProcessTest, the_exit_code_is_told) {
  const ChildEnd end = shell("exit 7");
  EXPECT_EQ(end.how, How::exited);
  EXPECT_EQ(end.code, 7);
}

TEST_F(ChildProcessTest, a_signal_is_told_apart_from_an_exit) {
  const ChildEnd end = shell("kill -9 $$");
  EXPECT_EQ(end.how, How::signalled);
  EXPECT_EQ(end.code, SIGKILL);
}

TEST_F(ChildProcessTest, a_missing_program_is_an_errno) {
  command.arguments = {"no-such-program-here"};
  const ChildEnd end = run_child(command, watch);
  EXPECT_EQ(end.how, How::not_started);
  EXPECT_EQ(end.code, ENOENT);
}

TEST_F(ChildProcessTest, both_outputs_arrive_and_are_kept_apart) {
  shell("echo to-out; echo to-err >&2");
  EXPECT_EQ(watch.out, "to-out\n");
  EXPECT_EQ(watch.err, "to-err\n");
}

TEST_F(ChildProcessTest, the_environment_is_ours_with_additions_that_win) {
  setenv("LANEWAY_KEY", "old", 1);
  command.environment = {"LANEWAY_KEY=new"};
  shell("echo $LANEWAY_KEY; echo ${PATH:+path}");
  unsetenv("LANEWAY_KEY");
  EXPECT_EQ(watch.out, "new\npath\n");
}

TEST_F(ChildProcessTest, input_arrives_whole_and_then_ends) {
  command.has_input = true;
  command.input.assign(1'000'000, 'x');
  command.input += '\n';
  shell("wc -c");
  EXPECT_EQ(std::stoul(watch.out), 1'000'001u);
}

TEST_F(ChildProcessTest, without_input_there_is_nothing_to_read) {
  shell("wc -c");
  EXPECT_EQ(std::stoul(watch.out), 0u);
}

TEST_F(ChildProcessTest, a_command_that_does_not_read_its_input_ends_all_the_same) {
  command.has_input = true;
  command.input = std::string(1'000'000, 'x');
  EXPECT_EQ(shell("exit 4").code, 4);
  EXPECT_EQ(shell("exec <&-; echo done; exit 5").code, 5);
}

TEST_F(ChildProcessTest, output_larger_than_any_pipe_arrives_whole) {
  shell("head -c 3000000 /dev/zero");
  EXPECT_EQ(watch.out.size(), 3'000'000u);
}

TEST_F(ChildProcessTest, output_that_the_watch_has_no_room_for_waits_and_is_not_lost) {
  int refusals = 0;
  watch.wants = [&] { return ++refusals > 5; };
  shell("head -c 100000 /dev/zero");
  EXPECT_EQ(watch.out.size(), 100'000u);
}

TEST_F(ChildProcessTest, a_timeout_ends_the_whole_group_of_processes) {
  command.timeout = milliseconds(200);
  command.kill_after = milliseconds(5000);
  const ChildEnd end = shell("sleep 60 & echo $!; echo $$; wait");
  EXPECT_EQ(end.how, How::timed_out);
  const pid_t sleeper = std::stoi(watch.out);
  for (int tries = 0; tries < 200 && kill(sleeper, 0) == 0; ++tries) {
    usleep(10'000);  // it is nobody's child now: init takes it away
  }
  EXPECT_NE(kill(sleeper, 0), 0);
}

TEST_F(ChildProcessTest, whoever_ignores_the_request_to_end_is_killed) {
  command.timeout = milliseconds(200);
  command.kill_after = milliseconds(100);
  const ChildEnd end = shell("trap '' TERM; while :; do sleep 0.01; done");
  EXPECT_EQ(end.how, How::timed_out);
  EXPECT_EQ(end.code, SIGKILL);
}

TEST_F(ChildProcessTest, a_request_to_end_can_be_answered_with_a_last_word) {
  command.timeout = milliseconds(300);
  command.kill_after = milliseconds(10'000);
  const ChildEnd end = shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done");
  EXPECT_EQ(end.how, How::timed_out);
  EXPECT_EQ(watch.out, "bye\n");
}

TEST_F(ChildProcessTest, the_watch_can_end_it) {
  int questions = 0;
  watch.keep = [&] { return ++questions < 3; };
  EXPECT_EQ(shell("sleep 60").how, How::stopped);
}

TEST_F(ChildProcessTest, what_runs_on_in_the_background_is_not_waited_for_and_not_killed) {
  shell("sleep 60 & echo $!");
  const pid_t sleeper = std::stoi(watch.out);
  EXPECT_EQ(kill(sleeper, 0), 0);
  kill(sleeper, SIGKILL);
}

TEST_F(ChildProcessTest, signals_are_as_if_nobody_had_touched_them) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  EXPECT_EQ(shell("kill -INT $$; exit 1").how, How::signalled);
  EXPECT_EQ(shell("kill -PIPE $$; exit 1").how, How::signalled);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(ChildProcessTest, no_descriptor_of_ours_leaks_into_it) {
  Pipe ours;
  ASSERT_TRUE(ours.open());
  const auto file_of = [](const FileDescriptor& one) {
    return " /proc/self/fd/" + std::to_string(one.get());
  };
  shell("for f in" + file_of(ours.reader) + file_of(ours.writer) +
        "; do test -e $f && echo leak; done");
  EXPECT_EQ(watch.out, "");
}

// --- a command that lives on ---

class LivingChild : public ChildProcessTest {
 protected:
  void start(const std::string& script) {
    command.arguments = {"sh", "-c", script};
    command.has_input = true;
    command.input_goes_on = true;
    ASSERT_EQ(child.start(command), 0);
  }

  // The lines it has said when there is one more; nothing once it has ended.
  std::optional<std::string> ask(const std::string& line) {
    watch.out.clear();
    watch.enough = [this] { return watch.out.find('\n') != std::string::npos; };
    child.feed(line);
    end = child.attend(watch, command.timeout);
    return end ? std::nullopt : std::optional(watch.out);
  }

  ChildProcess child;
  std::optional<ChildEnd> end;
};

TEST_F(LivingChild, answers_one_line_after_the_other) {
  start("while read line; do echo got $line; done");
  EXPECT_EQ(ask("one\n"), "got one\n");
  EXPECT_EQ(ask("two\n"), "got two\n");
  EXPECT_TRUE(child.running());
}

TEST_F(LivingChild, ends_with_its_input_and_tells_how) {
  start("while read line; do echo got; done; exit 5");
  EXPECT_EQ(ask("one\n"), "got\n");
  child.end_input();
  watch.enough = [] { return false; };
  end = child.attend(watch, milliseconds(0));
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->how, How::exited);
  EXPECT_EQ(end->code, 5);
  EXPECT_FALSE(child.running());
}

TEST_F(LivingChild, an_end_in_place_of_an_answer_is_told_and_another_can_be_started) {
  start("read line; exit 9");
  EXPECT_EQ(ask("one\n"), std::nullopt);
  EXPECT_EQ(end->code, 9);
  start("read line; echo again; read line");
  EXPECT_EQ(ask("two\n"), "again\n");
}

TEST_F(LivingChild, an_answer_counts_although_the_command_ends_with_it) {
  start("read line; echo last; exit 0");
  child.feed("one\n");
  while (watch.out.empty()) {
    watch.enough = [] { return true; };
    (void)child.attend(watch, milliseconds(0));
  }
  EXPECT_EQ(watch.out, "last\n");
}

TEST_F(LivingChild, a_timeout_is_that_of_one_answer) {
  start("read line; echo quick; read line; sleep 60");
  command.timeout = milliseconds(200);
  EXPECT_EQ(ask("one\n"), "quick\n");
  EXPECT_EQ(ask("two\n"), std::nullopt);
  EXPECT_EQ(end->how, How::timed_out);
}

TEST_F(LivingChild, lines_longer_than_any_pipe_arrive_whole) {
  start("while read line; do echo ${#line}; done");
  std::string line(300'000, 'x');
  line += '\n';
  EXPECT_EQ(ask(line), "300000\n");
}

TEST_F(LivingChild, one_that_reads_no_more_is_known_by_it) {
  start("exec <&-; echo deaf; sleep 60");
  EXPECT_EQ(ask("one\n"), "deaf\n");
  watch.enough = [] { return false; };
  watch.keep = [this] { return child.talks(); };
  end = child.attend(watch, milliseconds(0));
  EXPECT_EQ(end->how, How::stopped);
}

TEST(FindProgram, looks_in_path_and_takes_only_what_can_be_executed) {
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_NE(find_program("sh"), "");
  EXPECT_EQ(find_program("no-such-program-here"), "");
  EXPECT_EQ(find_program("/tmp"), "");
  EXPECT_EQ(find_program("/etc/passwd"), "");
}

}  // namespace
}  // namespace laneway::tools

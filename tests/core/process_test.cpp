#include "core/process/blocked_signals.h"
#include "core/process/child_process.h"
#include "core/process/file_lock.h"
#include "core/process/this_process.h"
#include "support/signal_masks.h"
#include "support/temporary_folder.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace onecycle::testing {
namespace {

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

TEST(FileDescriptor, ClosesTheFileOnceAndForgetsWhatItGivesAway) {
  const TemporaryFolder folder;
  int number = -1;
  {
    FileDescriptor first(folder / "a", O_RDWR | O_CREAT);
    number = first.get();
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
    FileDescriptor second = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), number);
    first = std::move(second);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptor, SaysByErrnoWhyThereIsNoneAndKeepsErrnoWhenItCloses) {
  const TemporaryFolder folder;
  EXPECT_FALSE(FileDescriptor(folder / "none/a", O_RDONLY));
  EXPECT_EQ(errno, ENOENT);
  FileDescriptor(1 << 20).reset();  // where close() fails
  EXPECT_EQ(errno, ENOENT);
}

TEST(FileDescriptor, ReadsAndWritesAtAPlaceWhateverItsPosition) {
  const TemporaryFolder folder;
  const FileDescriptor file(folder / "a", O_RDWR | O_CREAT);
  EXPECT_TRUE(file.write_at("onecycle", 0));
  EXPECT_TRUE(file.write_at("CYC", 3));
  char bytes[16] = "";
  EXPECT_EQ(file.read_at(bytes, 3, 3), 3);
  EXPECT_STREQ(bytes, "CYC");
  EXPECT_EQ(file.read_at(bytes, sizeof bytes, 6), 2);
  EXPECT_TRUE(file.flush_to_disk());
  EXPECT_EQ(read_bytes(folder / "a"), "oneCYCle");
  const FileDescriptor for_reading(folder / "a", O_RDONLY);
  EXPECT_FALSE(for_reading.write_at("x", 0));
  EXPECT_EQ(FileDescriptor(folder / "a", O_WRONLY).read_at(bytes, 1, 0), -1);
}

TEST(FileLock, IsHeldOnceUntilItsEnd) {
  const TemporaryFolder folder;
  const std::string path = folder / "lock";
  {
    const FileLock first(path, O_WRONLY | O_CREAT);
    const FileLock second(path, O_WRONLY);
    EXPECT_TRUE(first.held() && !first.taken());
    EXPECT_TRUE(second.file() && second.taken() && !second.held());
  }
  EXPECT_TRUE(FileLock(path, O_WRONLY).held());
  const FileLock none(folder / "none", O_WRONLY);
  EXPECT_FALSE(none.file() || none.held() || none.taken());
}

ChildStart shell(const std::string& script) {
  return {.program = "sh", .arguments = {"-c", script}};
}

constexpr auto kNever = std::chrono::hours(24);

std::string output_of(ChildProcess& child) {
  std::string text;
  while (child.read(text, ChildProcess::Clock::now() + kNever)) continue;
  child.wait();
  return text;
}

TEST(ChildProcess, WritesToItsPipeAndEndsWithACode) {
  ChildProcess child(shell("echo out; echo error >&2; read line; echo \"<$line>\"; exit 3"));
  ASSERT_EQ(child.failure(), 0);
  EXPECT_EQ(output_of(child), "out\nerror\n<>\n");
  EXPECT_FALSE(child.running() || child.just_ended());
  EXPECT_EQ(child.exit_code(), 3);
  EXPECT_EQ(child.killed_by(), 0);
}

TEST(ChildProcess, TakesFilesForItsStreams) {
  const TemporaryFolder folder;
  folder.write_text("in", "from a file");
  const FileDescriptor in(folder / "in", O_RDONLY);
  const FileDescriptor out(folder / "out", O_WRONLY | O_CREAT);
  ChildStart start = shell("cat; echo lost >&2");
  start.input = in.get();
  start.output = out.get();
  start.errors = ChildStart::Errors::nowhere;
  ChildProcess child(start);
  EXPECT_FALSE(child.output());
  child.wait();
  EXPECT_EQ(read_bytes(folder / "out"), "from a file");
}

TEST(ChildProcess, SaysWhyItCouldNotBeStarted) {
  ChildProcess child({.program = "onecycle-no-such-program"});
  EXPECT_EQ(child.failure(), ENOENT);
  EXPECT_FALSE(child.running() || child.just_ended());
}

TEST(ChildProcess, IsEndedWithItsObjectAndBySignals) {
  pid_t pid = -1;
  {
    ChildProcess child(shell("exec sleep infinity"));
    pid = child.pid();
    EXPECT_FALSE(child.just_ended());
    ChildProcess other;
    other = std::move(child);
    EXPECT_FALSE(child.running());
    EXPECT_EQ(other.pid(), pid);
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  ChildProcess child(shell("exec sleep infinity"));
  child.signal(SIGTERM);
  child.wait();
  EXPECT_EQ(child.killed_by(), SIGTERM);
  EXPECT_EQ(child.exit_code(), 128 + SIGTERM);
}

TEST(ChildProcess, LeadsAGroupUnlessItIsToShareThisOne) {
  ChildStart start = shell("exec sleep infinity");
  const ChildProcess leader(start);
  EXPECT_EQ(::getpgid(leader.pid()), leader.pid());
  start.leads_a_group = false;
  const ChildProcess member(start);
  EXPECT_EQ(::getpgid(member.pid()), ::getpgrp());
}

TEST(ChildProcess, FindsNoSignalBlockedOrIgnored) {
  auto* const before = std::signal(SIGXFSZ, SIG_IGN);
  const BlockedSignals all;
  ChildProcess child({.program = "cat", .arguments = {"/proc/self/status"}});
  const std::string status = output_of(child);
  EXPECT_EQ(mask_in(status, "SigBlk"), 0U);
  EXPECT_EQ(mask_in(status, "SigIgn") & bit(SIGXFSZ), 0U);
  std::signal(SIGXFSZ, before);
}

TEST(ChildProcess, HasTheEnvironmentThatItIsGiven) {
  ChildStart start = shell("echo $A$HOME");
  start.environment = {"A=b"};
  ChildProcess child(start);
  EXPECT_EQ(output_of(child), "b\n");
}

TEST(ProgramName, StandsInLinesOfCommands) {
  EXPECT_EQ(program_name(), "onecycle") << "where nobody said another";
  set_program_name("./onecycle");
  set_program_name(nullptr);
  EXPECT_EQ(program_name(), "./onecycle");
  EXPECT_EQ(
      with_program_name("  onecycle train a\n  A=1 onecycle train onecycle b\nonecycle trains"),
      "  ./onecycle train a\n  A=1 ./onecycle train ./onecycle b\nonecycle trains");
  set_program_name("onecycle");
}

}  // namespace
}  // namespace onecycle::testing

#include "core/files/files.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/files/part_file.h"
#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::UnorderedElementsAre;

TEST(AtomicFiles, ReplaceAsAWhole) {
  const TemporaryFolder folder;
  const std::string path = folder.write_text("file", "old and longer");
  write_file_atomically(path, {"ne", "w"});
  EXPECT_EQ(read_bytes(path), "new");
}

TEST(AtomicFiles, LeaveTheOldOneAndNoTraceWhenTheyFail) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "taken");
  EXPECT_THROW(write_file_atomically(folder / "taken", {"x"}), Error);
  EXPECT_THROW(write_file_atomically(folder / "none/file", {"x"}), Error);
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder / ""))
    ++entries;
  EXPECT_EQ(entries, 1);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

TEST(AtomicFiles, TakeAwayWhatAKilledProcessLeftOfThem) {
  const TemporaryFolder folder;
  folder.write_text("a.4194305.part", "half");
  folder.write_text("b.4194305.part", "of another");
  folder.write_text("a.part", "of a download, which goes on with it");
  write_file_atomically(folder / "a", {"whole"});
  EXPECT_THAT(names_in(folder.path()), UnorderedElementsAre("a", "a.part", "b.4194305.part"));
  replace_with_link(folder / "a", folder / "b");
  EXPECT_THAT(names_in(folder.path()), UnorderedElementsAre("a", "a.part", "b"));
}

TEST(AtomicFiles, LeaveWhatALivingProcessWrites) {
  const TemporaryFolder folder;
  PartFile living(folder / "a");
  living.write("its");
  write_file_atomically(folder / "a", {"mine"});
  { const FolderLock lock(folder.path()); }
  EXPECT_EQ(read_bytes(folder / "a"), "mine");
  living.place();
  EXPECT_EQ(read_bytes(folder / "a"), "its");
  EXPECT_THAT(names_in(folder.path()), UnorderedElementsAre("a", ".lock"));
}

TEST(FolderLock, WhoTakesItCleansUpBelow) {
  const TemporaryFolder folder;
  folder.write_text("checkpoints/step-00000001.safetensors.4194305.part", "half");
  folder.write_text("metrics.csv.4194305.part", "half");
  folder.write_text("metrics.csv", "whole");
  const FolderLock lock(folder.path());
  EXPECT_EQ(FolderLock::if_free(folder.path()), nullptr);
  EXPECT_THAT(names_in(folder.path()), UnorderedElementsAre(".lock", "checkpoints", "metrics.csv"));
  EXPECT_TRUE(names_in(folder / "checkpoints").empty());
}

TEST(Folders, AreMadeWithThoseAbove) {
  const TemporaryFolder folder;
  make_folders(folder / "a/b/c/");
  make_folders(folder / "a/b/c");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b/c"));
  folder.write_text("file", "");
  EXPECT_THROW(make_folders(folder / "file"), FileError);
  EXPECT_THROW(make_folders(folder / "file/a"), FileError);
}

TEST(NumberedFolders, CountOnFromTheHighest) {
  const TemporaryFolder folder;
  EXPECT_EQ(create_numbered_folder(folder / "runs/a"), folder / "runs/a/1");
  std::filesystem::create_directory(folder / "runs/a/7");
  EXPECT_EQ(create_numbered_folder(folder / "runs/a"), folder / "runs/a/8");
}

TEST(NumberedFolders, SayThatAFileIsInTheWay) {
  const TemporaryFolder folder;
  folder.write_text("file", "");
  EXPECT_THROW((void)create_numbered_folder(folder / "file/a"), Error);
}

}  // namespace
}  // namespace onecycle::testing

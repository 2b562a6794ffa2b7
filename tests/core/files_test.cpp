#include "core/files.h"

#include "onecycle/error.h"

#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

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

#include "core/files/append_file.h"

#include "core/files/file_error.h"
#include "support/file_size_limit.h"
#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AppendFile, ATornLineIsCutOffWhenItGoesOn) {
  const TemporaryFolder folder;
  for (const char* left : {"h\na\nto", "h\na\n"}) {
    folder.write_text("rows", left);
    AppendFile file(folder / "rows", "h");
    file.write_line("b");
    EXPECT_EQ(read_bytes(folder / "rows"), "h\na\nb\n") << left;
  }
  folder.write_text("rows", "hea");
  AppendFile file(folder / "rows", "header");
  EXPECT_EQ(read_bytes(folder / "rows"), "header\n");
}

TEST(AppendFile, ALongTornLineIsCutOffToo) {
  const TemporaryFolder folder;
  folder.write_text("rows", "h\na\n" + std::string(10'000, 'x'));
  const AppendFile file(folder / "rows", "h");
  EXPECT_EQ(read_bytes(folder / "rows"), "h\na\n");
}

TEST(AppendFile, LosesWhatAFullDiskDoesNotTakeAndNoMore) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  {
    AppendFile file(folder / "rows", "h",
                    [&](const std::string& text) { warnings.push_back(text); });
    file.write_line("first");
    {
      const FileSizeLimit full(12);  // four bytes of the next line would fit
      for (int i = 0; i < 3; ++i) file.write_line("a longer line");
      EXPECT_EQ(read_bytes(folder / "rows"), "h\nfirst\n") << "nothing torn is left";
    }
    EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("rows: "), HasSubstr("File too large"))));
    file.write_line("next");
    EXPECT_EQ(read_bytes(folder / "rows"), "h\nfirst\nnext\n");
  }
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("File too large"), HasSubstr("3 lines")));
}

TEST(AppendFile, DropsLinesFromItsEndWithoutRoom) {
  const TemporaryFolder folder;
  AppendFile file(folder / "rows", "h");
  for (const char* line : {"1", "2", "3"}) file.write_line(line);
  {
    const FileSizeLimit full(2);
    file.keep_lines([](std::string_view line) { return line < "3"; });
  }
  file.write_line("4");
  EXPECT_EQ(read_bytes(folder / "rows"), "h\n1\n2\n4\n");
  file.keep_lines([](std::string_view line) { return line != "2"; });
  file.write_line("5");
  EXPECT_EQ(read_bytes(folder / "rows"), "h\n1\n4\n5\n");
}

TEST(AppendFile, OneThatCannotBeBegunSaysSo) {
  const TemporaryFolder folder;
  EXPECT_THROW(AppendFile(folder / "none/rows", "h"), FileError);
  const FileSizeLimit full(1);
  EXPECT_THROW(AppendFile(folder / "rows", "h"), FileError);
}

}  // namespace
}  // namespace onecycle::testing

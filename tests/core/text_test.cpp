// What others wrote, where it is shown or written down.

#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/printable.h"
#include "core/text/shell_word.h"
#include "support/temporary_folder.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace onecycle::testing {
namespace {

TEST(VisibleText, LeavesNamesInAnyScript) {
  for (const char* text : {"", "a b~", "größe", "猫", "قطة", "\xF0\x9F\x90\x88", "two\nlines\tand"})
    EXPECT_EQ(visible(text), text);
}

TEST(VisibleText, SpellsOutWhatSteersATerminalOrTurnsTheWriting) {
  EXPECT_EQ(visible("\x1b[31mred\x07\r"), "\\x1b[31mred\\x07\\x0d");
  EXPECT_EQ(visible(std::string("a\0b\x7f", 4)), "a\\x00b\\x7f");
  EXPECT_EQ(visible("\xC2\x9b"
                    "31m"),
            "\\x9b31m")
      << "C1: a terminal takes U+009B for escape and a bracket";
  EXPECT_EQ(visible("\xE2\x80\xAAx\xE2\x80\xAE\xE2\x81\xA6\xE2\x81\xA9"),
            "\\u202ax\\u202e\\u2066\\u2069");
  EXPECT_EQ(visible("\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C"), "\\u200e\\u200f\\u061c");
}

TEST(VisibleText, SpellsOutWhatIsNoUtf8) {
  EXPECT_EQ(visible("a\xff"), "a\\xff");
  EXPECT_EQ(visible("\x9b"), "\\x9b");
  EXPECT_EQ(visible("\xE2\x80"), "\\xe2\\x80") << "cut short";
  EXPECT_EQ(visible("\xC0\x9b"), "\\xc0\\x9b") << "overlong";
  EXPECT_EQ(visible("\xE0\x80\x9b"), "\\xe0\\x80\\x9b") << "overlong";
  EXPECT_EQ(visible("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "half a surrogate";
  EXPECT_EQ(visible("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
}

TEST(CsvText, BeginsNoFormulaAndReadsBack) {
  EXPECT_EQ(csv_cell("=HYPERLINK(A1)"), "'=HYPERLINK(A1)");
  EXPECT_EQ(csv_cell("@SUM(1,2)"), "\"'@SUM(1,2)\"");
  EXPECT_EQ(csv_cell("+cmd|x"), "'+cmd|x");
  EXPECT_EQ(csv_cell("-1+1"), "'-1+1");
  EXPECT_EQ(csv_cell("\t=1"), "'\t=1");
  for (const char* number : {"-1.5", "+2", "-1e-3", "0"}) EXPECT_EQ(csv_cell(number), number);
  for (const char* text : {"cat", "it's", "'quoted'", "a=b", "", "'"})
    EXPECT_EQ(csv_cell(text), text);
  EXPECT_EQ(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
  for (const char* text : {"=a", "'=a", "''=a", "'a", "-1", "'-1", "-x", "@", "\ry", "", "'"}) {
    std::string cell = csv_cell(text);
    if (cell.starts_with('"')) cell = cell.substr(1, cell.size() - 2);
    EXPECT_EQ(csv_cell_text(cell), text);
  }
}

TEST(JsonText, NestsNoDeeperThanItCanBeWritten) {
  EXPECT_EQ(parse_json("{\"a\": [1]}")["a"][0], 1);
  EXPECT_TRUE(parse_json("{").is_discarded());
  EXPECT_TRUE(parse_json(std::string(200'000, '[') + std::string(200'000, ']')).is_discarded());
}

TEST(JsonText, AnObjectHasNoMoreMembersThanCanBeFound) {
  const auto object_of = [](int members) {
    std::string text = "{\"first\": {\"a\": 1}";
    for (int i = 1; i < members; ++i) text += ", \"" + std::to_string(i) + "\": {}";
    return text + "}";
  };
  EXPECT_EQ(parse_json(object_of(1'000)).size(), 1'000U);
  EXPECT_TRUE(parse_json(object_of(500'000)).is_discarded());
  EXPECT_EQ(parse_json("[" + object_of(900) + "," + object_of(900) + "]").size(), 2U);
}

TEST(FirstLine, IsWhatStandsBeforeTheLineBreak) {
  EXPECT_EQ(first_line("out of room\nframe #0\nframe #1"), "out of room");
  EXPECT_EQ(first_line("all of it"), "all of it");
  EXPECT_EQ(first_line("\nframe #0"), "");
}

TEST(Joined, PutsTheSeparatorBetweenItemsAlone) {
  EXPECT_EQ(joined(std::vector<std::string>{}), "");
  EXPECT_EQ(joined(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(joined(std::vector<std::string>{"", "b", ""}), ", b, ");
  EXPECT_EQ(joined(std::vector<int>{2, 3, 4}, "x"), "2x3x4");
  const std::vector<std::pair<std::string, int>> pairs = {{"a", 1}, {"b", 2}};
  EXPECT_EQ(joined(pairs, "; ", &std::pair<std::string, int>::first), "a; b");
}

// Each read back by: python3 -c "import shlex, sys; print(shlex.split(sys.argv[1]))" WORD
TEST(ShellWord, IsReadBackAsWhatItWas) {
  EXPECT_EQ(shell_word("schedule.lr_max=0.1"), "schedule.lr_max=0.1");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("my runs/$HOME"), "'my runs/$HOME'");
  EXPECT_EQ(shell_word("it's [1, 2]"), R"('it'\''s [1, 2]')");
}

TEST(Links, ThatLeadOutOfAFolderAreRefused) {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  folder.write_text("run/checkpoints/step", "x");
  folder.write_text("run-2/file", "x");
  fs::create_hard_link(folder / "run/checkpoints/step", folder / "run/checkpoints/last");
  fs::create_symlink("step", folder / "run/checkpoints/best");
  EXPECT_NO_THROW(refuse_links_out_of(folder / "run"));
  EXPECT_NO_THROW(refuse_links_out_of(folder / "none"));
  for (const char* target : {"../../run-2/file", "/", "nowhere", "../../run-2"}) {
    const std::string link = folder / "run/checkpoints/link";
    fs::create_symlink(target, link);
    EXPECT_THROW(refuse_links_out_of(folder / "run"), Error) << target;
    fs::remove(link);
  }
}

}  // namespace
}  // namespace onecycle::testing

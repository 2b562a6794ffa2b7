#include "data/files.h"

#include "core/files/paths.h"
#include "data/byte_source.h"
#include "data_test_support.h"
#include "support/environment.h"

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

namespace onecycle {
namespace {

TEST(ExpandPath, HomeAndVariables) {
  ::setenv("ONECYCLE_TEST_PLACE", "/some/place", 1);
  ::unsetenv("ONECYCLE_TEST_NOWHERE");
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  EXPECT_EQ(expand_path("a/b"), "a/b");
  EXPECT_EQ(expand_path("${ONECYCLE_TEST_PLACE}/x"), "/some/place/x");
  EXPECT_EQ(expand_path("${ONECYCLE_TEST_NOWHERE}/x"), std::nullopt);
  EXPECT_EQ(expand_path("a~b"), "a~b");
  if (!home.empty()) {
    EXPECT_EQ(expand_path("~/x"), home + "/x");
  }
}

TEST(ExpandPath, WithoutHomeItIsTheFolderOfTheUser) {
  const passwd* user = ::getpwuid(::geteuid());
  if (user == nullptr) GTEST_SKIP() << "the system knows no user of this number";
  const testing::Environment none(testing::Environment::Variables{{"HOME", ""}});
  EXPECT_EQ(expand_path("~/x"), std::string(user->pw_dir) + "/x");
}

TEST(DataFiles, TheFirstFolderWins) {
  TemporaryFolder first, second;
  second.write("a.gz", {1});
  const DataFiles files{{first.path(), second.path()}, ""};
  EXPECT_EQ(files.find("a.gz"), second / "a.gz");
  EXPECT_EQ(files.find("sub/a"), second / "a.gz");
  EXPECT_EQ(files.find("sub/a", FileNames::exact), std::nullopt);
  EXPECT_EQ(files.find("a", FileNames::exact), second / "a.gz");
  first.write("a", {1});
  EXPECT_EQ(files.find("a.gz"), first / "a");
  EXPECT_EQ(files.find("b"), std::nullopt);
}

TEST(DataFiles, DirReplacesTheFolders) {
  DatasetDescriptor descriptor;
  descriptor.folders = {"/x", "/y"};
  DataOptions options;
  EXPECT_EQ(data_files(options, descriptor).folders, descriptor.folders);
  options.dir = "/z";
  EXPECT_EQ(data_files(options, descriptor).folders, std::vector<std::string>{"/z"});
}

TEST(DataFiles, MissingFileSaysWhereItWasLookedFor) {
  const DataFiles files{{"/nowhere/1", "/nowhere/2"}, "apt install it"};
  try {
    files.path("a.bin");
    ADD_FAILURE();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "no file a.bin in /nowhere/1, /nowhere/2; apt install it");
  }
}

TEST(ByteSource, ReadsInPieces) {
  TemporaryFolder folder;
  Bytes bytes(10'000'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 7);
  folder.write("plain", bytes);
  folder.write("packed", gzipped(bytes));
  for (const std::string name : {"plain", "packed"}) {
    ByteSource source(folder / name);
    EXPECT_GE(source.most(), bytes.size());
    Bytes read = source.read(3);
    EXPECT_EQ(read.size(), 3u);
    const Bytes rest = source.read(std::uint64_t{1} << 40);
    read.insert(read.end(), rest.begin(), rest.end());
    EXPECT_EQ(read, bytes);
    EXPECT_TRUE(source.read(1).empty());
  }
}

}  // namespace
}  // namespace onecycle

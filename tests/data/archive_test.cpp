#include "data/formats/archive.h"

#include "data_test_support.h"
#include "support/tar.h"

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::HasSubstr;

std::string problem(const std::string& path, const std::vector<std::string>& names) {
  try {
    read_members(path, names);
  } catch (const DataError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "";
}

TEST(Archive, ReadsMembersInTheOrderAskedFor) {
  const TemporaryFolder folder;
  const Bytes plain = tar({{"d/b", {1, 2}}, {"d/other", {9}}, {"./d/a", {3}}});
  for (const Bytes& bytes : {plain, gzipped(plain)}) {
    const std::string path = folder.write("x", bytes);
    EXPECT_EQ(read_members(path, {"d/a", "d/b"}), (std::vector<Bytes>{{3}, {1, 2}}));
  }
}

TEST(Archive, Refuses) {
  const TemporaryFolder folder;
  const Bytes whole = tar({{"d/a", counting(200)}, {"d/b", counting(200)}});
  const std::string good = folder.write("good", whole);
  EXPECT_THAT(problem(good, {"d/c"}), HasSubstr("good: holds no d/c, or an empty one"));
  EXPECT_THAT(problem(folder / "none", {"a"}), HasSubstr("not a readable tar archive"));
  EXPECT_THAT(problem(folder.write("text", counting(100)), {"a"}), HasSubstr("text: "));
  const auto cut = [&](std::size_t bytes) {
    return folder.write("cut", {whole.begin(), whole.begin() + static_cast<long>(bytes)});
  };
  EXPECT_THAT(problem(cut(700), {"d/a", "d/b"}), HasSubstr("cut"));
  EXPECT_THAT(problem(cut(1500), {"d/a", "d/b"}), HasSubstr("cut"));
  Bytes packed = gzipped(whole);
  packed.resize(packed.size() / 2);
  EXPECT_THAT(problem(folder.write("gz", packed), {"d/a", "d/b"}), HasSubstr("gz: "));
  EXPECT_THAT(problem(folder.write("twice", tar({{"a", {1}}, {"a", {2}}, {"b", {1}}})), {"a", "b"}),
              HasSubstr("holds a twice"));
}

TEST(Archive, RefusesNamesThatLeaveTheFolder) {
  const TemporaryFolder folder;
  for (const std::string name : {"../a", "/etc/passwd", "d/../../a"})
    EXPECT_THAT(problem(folder.write("x", tar({{name, {1}}, {"d/a", {1}}})), {"d/a"}),
                HasSubstr("x: holds a file named '" + name + "', which no data set has"));
}

// A header that announces 8 GB, and a gigabyte of zeros that packs to a megabyte.
TEST(Archive, RefusesBombs) {
  const TemporaryFolder folder;
  Bytes lying = tar({{"d/a", {1}}});
  set_tar_size(lying, "77777777777");
  EXPECT_THAT(problem(folder.write("lying", lying), {"d/a"}), HasSubstr("would unpack to"));
  Bytes huge = tar({{"d/zeros", {}}});
  set_tar_size(huge, "07777777777");  // 1 GiB less a byte
  huge.resize(512);
  Bytes stream = gzipped(huge);
  const Bytes zeros = gzipped(Bytes(std::size_t{1} << 24));
  for (int i = 0; i < 65; ++i) stream.insert(stream.end(), zeros.begin(), zeros.end());
  EXPECT_THAT(problem(folder.write("huge", stream), {"d/a"}), HasSubstr("huge: "));
}

}  // namespace
}  // namespace onecycle
